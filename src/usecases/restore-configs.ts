import { agreedSteps } from '../core/agreed-steps.ts';
import { type DesiredDomain, type PlanStep, subjectKey, subjectOf } from '../core/config-plan.ts';
import { type ActualForRestore, type Baseline, planRestore, type RestoreScope } from '../core/restore-plan.ts';
import { type ConfigStore, LiveApiError } from '../ports.ts';
import type { ApplyReport } from './apply-plan.ts';
import { carryOutSteps } from './carry-out-steps.ts';
import { type ConfigPorts, type DomainLook, notifyView, planOfLook, reconcileDomain } from './reconcile-configs.ts';
import { saveStates } from './record-config-states.ts';
import { type PlanFailure, workOnDomains } from './work-on-domains.ts';

export interface RestorePlan {
  domains: { domain: string; steps: PlanStep[]; remembered: number }[];
  failures: PlanFailure[];
}

const ROUNDS = 3;

/** The domains of the settings, and those that left them although something of theirs is still to be given back. */
export async function restorableDomains(
  store: Pick<ConfigStore, 'baselineDomains'>,
  desired: readonly DesiredDomain[],
): Promise<DesiredDomain[]> {
  const known = new Set(desired.map(({ domain }) => domain));
  const left = (await store.baselineDomains()).filter((domain) => !known.has(domain));
  const nothing = { pushDomain: null, mode: 'observe' as const, configs: [], key: null, streamCallback: '' };
  return [...desired, ...left.map((domain) => ({ domain, ...nothing }))];
}

/** What would be put back; changes nothing. */
export async function planRestoreConfigs(
  ports: ConfigPorts,
  desired: readonly DesiredDomain[],
  scope: RestoreScope,
): Promise<RestorePlan> {
  const { results, failures } = await workOnDomains(ports.store, desired, async (domain) => {
    const { baselines, actual, unseen } = await lookForRestore(ports, domain);
    const remembered = baselines.filter((baseline) => !isDone(baseline, scope)).length + unseen.length;
    return { domain: domain.domain, steps: planRestore(baselines, actual, scope), remembered, unseen };
  });
  return {
    domains: results.map(({ unseen: _, ...domain }) => domain),
    failures: [...failures, ...results.flatMap(({ unseen }) => unseen)],
  };
}

/**
 * Puts back what stood before the first take-over, then forgets it: the domain is no longer ours, enforce mode leaves it alone, and the
 * next apply takes over anew. Scope `callbacks` goes on remembering what it does not put back. May be stopped anywhere and run again.
 */
export async function restoreConfigs(
  ports: ConfigPorts,
  desired: readonly DesiredDomain[],
  options: RestoreOptions,
): Promise<ApplyReport> {
  const report: ApplyReport = { done: [], failed: [], failures: [] };
  const { failures } = await workOnDomains(ports.store, desired, (domain) =>
    restoreDomain(ports, domain, options, report),
  );
  report.failures.push(...failures);
  return report;
}

interface RestoreOptions {
  scope: RestoreScope;
  /** What the person agreed to; null: whatever there is to put back. */
  shown: RestorePlan | null;
  onStep?: (step: PlanStep) => void;
}

async function restoreDomain(
  ports: ConfigPorts,
  desired: DesiredDomain,
  { scope, shown, onStep }: RestoreOptions,
  report: ApplyReport,
): Promise<void> {
  const givenUp = new Set<string>();
  const agreed = shown && agreedSteps(shown.domains.find((each) => each.domain === desired.domain)?.steps ?? []);
  for (let round = 0; round <= ROUNDS; round += 1) {
    const { baselines, actual, look, unseen } = await lookForRestore(ports, desired);
    const all = planRestore(baselines, actual, scope);
    const left = all.filter((step) => !givenUp.has(subjectKey(subjectOf(step))));
    const steps = left.filter((step) => agreed?.cover(step) ?? true);
    if (round === 0 && agreed && !left.every(agreed.includes)) {
      const message = `${desired.domain} has changed since this was shown; nothing was done there. Run restore again.`;
      report.failures.push({ domain: desired.domain, message });
      return;
    }
    if (steps.length === 0 || round === ROUNDS) {
      // Forgotten only once it stands: a restore that was stopped half-way still knows what to put back.
      const unfinished = new Set(all.map((step) => subjectKey(subjectOf(step))));
      const finished = baselines.filter((baseline) => !unfinished.has(subjectKey(baseline)));
      await letGo(ports.store, finished, actual, scope);
      await saveStates(ports, await planOfLook(ports, desired, look), look.lookedAt);
      report.failures.push(...unseen);
      if (steps.length < left.length) {
        const message = `${desired.domain} changed meanwhile in a way that was not shown. Run restore again.`;
        report.failures.push({ domain: desired.domain, message });
      }
      if (steps.length > 0) {
        const message = `${desired.domain}: the vendor took the changes but still shows something else. Run restore again to see what is left.`;
        report.failures.push({ domain: desired.domain, message });
      }
      return;
    }
    const { done, failed } = await carryOutSteps(ports, steps, { insist: round > 0, ...(onStep && { onStep }) });
    report.done.push(...done);
    report.failed.push(...failed);
    for (const { step } of failed) givenUp.add(subjectKey(subjectOf(step)));
  }
}

/**
 * One look, also at the ingest domains that the settings named when they were taken over. `unseen`: such that the vendor refuses to speak of
 * (it has left the account, say). They keep nothing else from being put back, and are remembered still.
 */
async function lookForRestore(
  ports: ConfigPorts,
  desired: DesiredDomain,
): Promise<{ baselines: Baseline[]; actual: ActualForRestore; look: DomainLook; unseen: PlanFailure[] }> {
  const remembered = await ports.store.baselines(desired.domain);
  const look = await reconcileDomain(ports, desired);
  const { configs, callbackAuth, pushNotify } = look.actual;
  const pushNotifies = new Map(pushNotify && desired.pushDomain !== null ? [[desired.pushDomain, pushNotify]] : []);
  const unseen: PlanFailure[] = [];
  for (const baseline of remembered) {
    if (baseline.kind !== 'push_notify' || pushNotifies.has(baseline.pushDomain)) continue;
    try {
      pushNotifies.set(baseline.pushDomain, notifyView(await ports.live.notifyUrl(baseline.pushDomain)));
    } catch (error) {
      if (!(error instanceof LiveApiError)) throw error;
      unseen.push({ domain: desired.domain, message: error.message });
    }
  }
  const baselines = remembered.filter((each) => each.kind !== 'push_notify' || pushNotifies.has(each.pushDomain));
  return { baselines, actual: { configs, callbackAuth, pushNotifies }, look, unseen };
}

/** Nothing of it is left to put back in this scope. */
function isDone(baseline: Baseline, scope: RestoreScope): boolean {
  return scope === 'callbacks' && baseline.kind === 'config' && baseline.isGivenBack === true;
}

/** Forgets what is wholly as it was; of a config whose callback alone went back the rest is remembered. */
async function letGo(
  store: ConfigStore,
  finished: readonly Baseline[],
  actual: ActualForRestore,
  scope: RestoreScope,
): Promise<void> {
  const isWhole = (baseline: Baseline) => scope === 'everything' || planRestore([baseline], actual).length === 0;
  await store.forgetBaselines(finished.filter(isWhole));
  await store.markGivenBack(finished.filter((baseline) => !isWhole(baseline)));
}
