import { type DesiredDomain, type DomainPlan, type PlanEntry, subjectKey, subjectOf } from '../core/config-plan.ts';
import { type DriftDecision, decideHeal, HEALS_PER_HOUR } from '../core/drift-decision.ts';
import type { Found, LeftAsItIs } from '../core/found.ts';
import { foundText } from '../core/found-words.ts';
import type { Instant } from '../core/instant.ts';
import type { ConfigFinding, FindingSink } from '../ports.ts';
import { carryOutSteps } from './carry-out-steps.ts';
import { standingOfWatch } from './note-settings.ts';
import { type ConfigPorts, type DomainLook, planOfLook, reconcileDomain } from './reconcile-configs.ts';
import { differs, saveStates, saveUnknown } from './record-config-states.ts';
import { isRefusal, workOnDomains } from './work-on-domains.ts';

export interface WatchPorts extends ConfigPorts {
  findings: FindingSink;
}

export interface WatchReport {
  /** Subjects that differ from the settings, healed ones included. */
  drifted: PlanEntry[];
  healed: PlanEntry[];
  /** Heals that the vendor refused or did not answer, with the sentence. */
  refused: { domain: string; message: string }[];
  /** Domains with drift that is left as it is, for other settings than these were noted last; with the sentence. */
  outdated: { domain: string; message: string }[];
  /** Domains that could not be looked at, with the sentence. */
  failures: { domain: string; message: string }[];
}

const HOUR_MS = 3_600_000;
const OUTDATED =
  'the vendor differs from the settings that this service was started with, but others were applied, or started with, since: nothing is put right until it is restarted with those';

/**
 * One poll: every change at the vendor becomes a config version, drift is reported, and in `enforce` mode what was taken over is put right
 * again, within the bounds of `decideHeal` and while `desired` is what was noted last. What differs from other settings than those is
 * told only where nobody watches by those. A domain that cannot be looked at is unknown, and
 * the others go on.
 */
export async function watchDrift(ports: WatchPorts, desired: readonly DesiredDomain[]): Promise<WatchReport> {
  const report: WatchReport = { drifted: [], healed: [], refused: [], outdated: [], failures: [] };
  await workOnDomains(ports.store, desired, async (domain) => {
    try {
      await watchDomain(ports, domain, report);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await saveUnknown(ports, domain, ports.clock.now());
      await ports.findings.keepDomain(domain.domain);
      report.failures.push({ domain: domain.domain, message: error.message });
    }
  });
  return report;
}

async function watchDomain(ports: WatchPorts, desired: DesiredDomain, report: WatchReport): Promise<void> {
  const look = await reconcileDomain(ports, desired);
  const plan = await planOfLook(ports, desired, look);
  const standing = await standingOfWatch(ports, desired);
  const outdated = standing !== 'in_force';
  const decisions = await decideAll(ports, desired, plan, { now: look.lookedAt, outdated });
  const decided = (wanted: DriftDecision) => plan.entries.filter((entry) => decisions.get(entry) === wanted);
  const drifted = plan.entries.filter((entry) => differs(entry.state));
  report.drifted.push(...drifted);
  if (outdated && drifted.length > 0) report.outdated.push({ domain: desired.domain, message: OUTDATED });
  if (standing === 'stood_in_for') {
    // Two services with different settings would call it drifted and in sync in turns.
    await ports.findings.keepDomain(desired.domain);
    return;
  }
  // Saved and told before healing: since when it drifted is known even where the heal does not come back.
  await tell(ports, plan, look, { stopped: new Set(decided('stop')), outdated });
  const toHeal = decided('heal');
  if (toHeal.length === 0) return;
  await heal(ports, plan, toHeal, report);
  const after = await reconcileDomain(ports, desired);
  await tell(ports, await planOfLook(ports, desired, after), after, { stopped: new Set(), outdated });
}

/** For each entry of the plan, what to do about it. */
async function decideAll(
  ports: WatchPorts,
  desired: DesiredDomain,
  plan: DomainPlan,
  { now, outdated }: { now: Instant; outdated: boolean },
): Promise<Map<PlanEntry, DriftDecision>> {
  const known = await ports.store.states(desired.domain);
  const takenOver = new Set((await ports.store.takenOver(desired.domain)).map(subjectKey));
  const heals = await ports.store.heals(desired.domain, now - HOUR_MS);
  const decisions = plan.entries.map((entry) => {
    const decision = decideHeal({
      mode: desired.mode,
      state: entry.state,
      takenOver: takenOver.has(subjectKey(entry)),
      stoppedAt: known.find((state) => isOf(entry, state))?.stoppedAt ?? null,
      outdated,
      attempts: heals.filter((attempt) => isOf(entry, attempt)),
      now,
    });
    return [entry, decision] as const;
  });
  return new Map(decisions);
}

const isOf = (entry: PlanEntry, other: Pick<PlanEntry, 'kind' | 'app'>): boolean =>
  entry.kind === other.kind && entry.app === other.app;

async function heal(
  ports: WatchPorts,
  plan: DomainPlan,
  entries: readonly PlanEntry[],
  report: WatchReport,
): Promise<void> {
  const wanted = new Set(entries.map(subjectKey));
  const steps = plan.steps.filter((step) => wanted.has(subjectKey(subjectOf(step))));
  const at = ports.clock.now();
  const { done, failed } = await carryOutSteps(ports, steps, { insist: false });
  for (const { step, message } of failed) {
    await ports.store.recordHeal(subjectOf(step), { at, outcome: 'failed' }, message);
    report.refused.push({ domain: plan.domain, message });
  }
  for (const step of done) await ports.store.recordHeal(subjectOf(step), { at, outcome: 'healed' }, null);
  const healed = new Set(done.map((step) => subjectKey(subjectOf(step))));
  report.healed.push(...entries.filter((entry) => healed.has(subjectKey(entry))));
}

/** Stores what a look found and reports what is wrong in it; what was wrong before and is not any more ends by this. */
async function tell(
  ports: WatchPorts,
  plan: DomainPlan,
  look: DomainLook,
  { stopped, outdated }: { stopped: ReadonlySet<PlanEntry>; outdated: boolean },
): Promise<void> {
  const { domain } = plan;
  const at = look.lookedAt;
  await saveStates(ports, plan, at, stopped);
  const states = await ports.store.states(domain);
  const heals = await ports.store.heals(domain, at - HOUR_MS);
  const findings = plan.entries.flatMap((entry): ConfigFinding[] => {
    if (!differs(entry.state)) return [];
    const last = heals.findLast((attempt) => isOf(entry, attempt));
    const refusal = last?.outcome === 'failed' ? last.detail : null;
    const { kind, app } = entry;
    const subject = { kind, domain, app };
    const drift = finding('config_drift', { domain, app, key: kind, at }, foundIn(entry, { refusal, outdated }));
    const { stoppedAt } = states.find((state) => isOf(entry, state)) ?? { stoppedAt: null };
    if (stoppedAt === null) return [drift];
    const stop: Found = { code: 'healing-stopped', subject, times: HEALS_PER_HOUR };
    return [drift, finding('enforce_fight', { domain, app, key: kind, at }, stop)];
  });
  const warnings = plan.warnings.map(({ kind, url }) =>
    finding(kind, { domain, app: null, key: '', at }, { code: 'two-callbacks', url }),
  );
  await ports.findings.reportDomain(domain, [...findings, ...warnings]);
}

function finding(
  kind: ConfigFinding['kind'],
  about: Pick<ConfigFinding, 'domain' | 'app' | 'key' | 'at'>,
  found: Found,
): ConfigFinding {
  return { kind, ...about, found, detail: foundText(found, 'en') };
}

function foundIn(entry: PlanEntry, left: LeftAsItIs): Found {
  const { kind, domain, app } = entry;
  const subject = { kind, domain, app };
  if (entry.state === 'missing') return { code: 'config-missing', subject, ...left };
  return { code: 'config-differs', subject, fields: entry.differences, ...left };
}
