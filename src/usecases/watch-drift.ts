import {
  type ConfigSubject,
  type DesiredDomain,
  type DomainPlan,
  type PlanEntry,
  subjectKey,
  subjectOf,
} from '../core/config-plan.ts';
import { type DriftDecision, decideHeal, HEALS_PER_HOUR } from '../core/drift-decision.ts';
import type { Found } from '../core/found.ts';
import { foundText, subjectInEnglish } from '../core/found-words.ts';
import type { Instant } from '../core/instant.ts';
import {
  type ConfigFinding,
  CouldNotLookError,
  type FindingSink,
  LiveApiError,
  type StoredConfigState,
} from '../ports.ts';
import { carryOutSteps } from './carry-out-steps.ts';
import { type ConfigPorts, planOfLook, reconcileDomain } from './reconcile-configs.ts';
import { differs, saveStates, saveUnknown } from './record-config-states.ts';

export interface WatchPorts extends ConfigPorts {
  findings: FindingSink;
}

export interface WatchReport {
  /** Subjects that differ from the settings, healed ones included. */
  drifted: PlanEntry[];
  healed: PlanEntry[];
  /** Domains that could not be looked at, with the sentence. */
  failures: { domain: string; message: string }[];
}

const HOUR_MS = 3_600_000;

/**
 * One poll: every change at the vendor becomes a config version, drift is reported, and in `enforce` mode what was taken over is put right
 * again, within the bounds of `decideHeal`. A domain that cannot be looked at is unknown, and the others go on.
 */
export async function watchDrift(ports: WatchPorts, desired: readonly DesiredDomain[]): Promise<WatchReport> {
  const report: WatchReport = { drifted: [], healed: [], failures: [] };
  for (const domain of desired) {
    await ports.store.withDomainLock(domain.domain, async () => {
      try {
        await watchDomain(ports, domain, report);
      } catch (error) {
        if (!(error instanceof CouldNotLookError || error instanceof LiveApiError)) throw error;
        await saveUnknown(ports, domain, ports.clock.now());
        report.failures.push({ domain: domain.domain, message: error.message });
      }
    });
  }
  return report;
}

async function watchDomain(ports: WatchPorts, desired: DesiredDomain, report: WatchReport): Promise<void> {
  const look = await reconcileDomain(ports, desired);
  const plan = await planOfLook(ports, desired, look);
  const known = await ports.store.states(desired.domain);
  const decisions = await decideAll(ports, desired, plan, known, look.lookedAt);
  const decided = (wanted: DriftDecision) => plan.entries.filter((entry) => decisions.get(entry) === wanted);
  const stopped = new Set(decided('stop'));
  const toHeal = decided('heal');
  report.drifted.push(...plan.entries.filter((entry) => differs(entry.state)));
  await reportAll(ports, plan, known, stopped, look.lookedAt);
  // Saved before healing: since when it drifted is known even where the heal does not come back.
  await saveStates(ports, plan, look.lookedAt, stopped);
  if (toHeal.length === 0) return;
  report.healed.push(...(await heal(ports, plan, toHeal)));
  const after = await reconcileDomain(ports, desired);
  const planAfter = await planOfLook(ports, desired, after);
  await reportAll(ports, planAfter, await ports.store.states(desired.domain), new Set(), after.lookedAt);
  await saveStates(ports, planAfter, after.lookedAt);
}

/** For each entry of the plan, what to do about it. */
async function decideAll(
  ports: WatchPorts,
  desired: DesiredDomain,
  plan: DomainPlan,
  known: readonly StoredConfigState[],
  now: Instant,
): Promise<Map<PlanEntry, DriftDecision>> {
  const takenOver = await ports.store.takenOver(desired.domain);
  const heals = await ports.store.heals(desired.domain, now - HOUR_MS);
  const decisions = plan.entries.map((entry) => {
    const same = ({ kind, app }: ConfigSubject) => kind === entry.kind && app === entry.app;
    const decision = decideHeal({
      mode: desired.mode,
      state: entry.state,
      takenOver: takenOver.some(same),
      stoppedAt: known.find(same)?.stoppedAt ?? null,
      attempts: heals.filter(same),
      now,
    });
    return [entry, decision] as const;
  });
  return new Map(decisions);
}

async function heal(ports: WatchPorts, plan: DomainPlan, entries: readonly PlanEntry[]): Promise<PlanEntry[]> {
  const wanted = new Set(entries.map(subjectKey));
  const steps = plan.steps.filter((step) => wanted.has(subjectKey(subjectOf(step))));
  const at = ports.clock.now();
  const { done, failed } = await carryOutSteps(ports, steps, { insist: false });
  for (const { step, message } of failed) {
    await ports.store.recordHeal(subjectOf(step), { at, outcome: 'failed' }, message);
  }
  for (const step of done) await ports.store.recordHeal(subjectOf(step), { at, outcome: 'healed' }, null);
  const healed = new Set(done.map((step) => subjectKey(subjectOf(step))));
  return entries.filter((entry) => healed.has(subjectKey(entry)));
}

/** Findings go out before the states are stored: a crash in between reports one twice, which is harmless, and loses none. */
async function reportAll(
  ports: WatchPorts,
  plan: DomainPlan,
  known: readonly StoredConfigState[],
  stopped: ReadonlySet<PlanEntry>,
  at: Instant,
): Promise<void> {
  const { domain } = plan;
  const say = (finding: Omit<ConfigFinding, 'domain' | 'at'>) => ports.findings.report({ ...finding, domain, at });
  const tell = (about: Pick<ConfigFinding, 'kind' | 'app' | 'key'>, found: Found) =>
    say({ ...about, active: true, found, detail: foundText(found, 'en') });
  for (const entry of plan.entries) {
    const { kind: key, app } = entry;
    const before = known.find((state) => state.kind === key && state.app === app);
    if (differs(entry.state)) await tell({ kind: 'config_drift', app, key }, foundIn(entry));
    else if (before?.driftedSince != null) {
      await say({
        kind: 'config_drift',
        app,
        key,
        active: false,
        detail: `${subjectInEnglish(entry)} is as the settings say again.`,
      });
    }
    if (stopped.has(entry)) {
      const subject = { kind: key, domain, app };
      await tell({ kind: 'enforce_fight', app, key }, { code: 'healing-stopped', subject, times: HEALS_PER_HOUR });
    } else if (before?.stoppedAt != null && !differs(entry.state)) {
      await say({
        kind: 'enforce_fight',
        app,
        key,
        active: false,
        detail: `${subjectInEnglish(entry)} is as the settings say again.`,
      });
    }
  }
  const two = plan.warnings.find((warning) => warning.kind === 'two_callbacks');
  const about = { kind: 'two_callbacks' as const, app: null, key: '' };
  if (two) await tell(about, { code: 'two-callbacks', url: two.url });
  else await say({ ...about, active: false, detail: 'There is no domain-level snapshot notify URL.' });
}

function foundIn(entry: PlanEntry): Found {
  const { kind, domain, app } = entry;
  const subject = { kind, domain, app };
  if (entry.state === 'missing') return { code: 'config-missing', subject };
  return { code: 'config-differs', subject, fields: entry.differences };
}
