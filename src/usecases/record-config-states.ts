import type { ConfigState } from '../core/config-diff.ts';
import type { ConfigSubject, DesiredDomain, DomainPlan, PlanEntry } from '../core/config-plan.ts';
import type { Instant } from '../core/instant.ts';
import type { StoredConfigState } from '../ports.ts';
import type { ConfigPorts } from './reconcile-configs.ts';

export const differs = (state: ConfigState): boolean => state === 'drifted' || state === 'missing';

/** Stores what a look found, keeping since when each state has lasted. `stopped`: subjects whose healing has just ended. */
export async function saveStates(
  ports: ConfigPorts,
  plan: DomainPlan,
  lookedAt: Instant,
  stopped: ReadonlySet<PlanEntry> = new Set(),
): Promise<void> {
  const known = await ports.store.states(plan.domain);
  const states = plan.entries.map((entry): StoredConfigState => {
    const before = known.find((state) => state.kind === entry.kind && state.app === entry.app);
    return {
      kind: entry.kind,
      domain: plan.domain,
      app: entry.app,
      state: entry.state,
      since: before?.state === entry.state ? before.since : lookedAt,
      lookedAt,
      driftedSince: differs(entry.state) ? (before?.driftedSince ?? lookedAt) : null,
      differences: entry.differences,
      stoppedAt: stopped.has(entry) ? lookedAt : differs(entry.state) ? (before?.stoppedAt ?? null) : null,
    };
  });
  await ports.store.saveStates(plan.domain, states);
}

/** We could not look: every state is unknown from now on, and since when something drifted is kept. */
export async function saveUnknown(ports: ConfigPorts, desired: DesiredDomain, now: Instant): Promise<void> {
  const known = await ports.store.states(desired.domain);
  const neverSeen = subjectsOf(desired).filter(
    ({ kind, app }) => !known.some((state) => state.kind === kind && state.app === app),
  );
  const nothing = { driftedSince: null, differences: [], stoppedAt: null };
  await ports.store.saveStates(desired.domain, [
    ...known.map((state) => ({
      ...state,
      state: 'unknown' as const,
      since: state.state === 'unknown' ? state.since : now,
    })),
    ...neverSeen.map((subject) => ({ ...subject, ...nothing, state: 'unknown' as const, since: now, lookedAt: null })),
  ]);
}

function subjectsOf({ domain, configs, key, pushDomain }: DesiredDomain): ConfigSubject[] {
  return [
    ...configs.map(({ app }) => ({ kind: 'config' as const, domain, app })),
    ...(key === null ? [] : [{ kind: 'callback_auth' as const, domain, app: null }]),
    ...(pushDomain === null ? [] : [{ kind: 'push_notify' as const, domain, app: null, pushDomain }]),
  ];
}
