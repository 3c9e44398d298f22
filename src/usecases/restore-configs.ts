import { type DesiredDomain, type PlanStep, stepFingerprint, subjectKey, subjectOf } from '../core/config-plan.ts';
import { type ActualForRestore, type Baseline, planRestore, type RestoreScope } from '../core/restore-plan.ts';
import type { ConfigStore } from '../ports.ts';
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
    const { baselines, actual } = await lookForRestore(ports, domain);
    const remembered = baselines.filter((baseline) => !isDone(baseline, scope)).length;
    return { domain: domain.domain, steps: planRestore(baselines, actual, scope), remembered };
  });
  return { domains: results, failures };
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
  for (let round = 0; round <= ROUNDS; round += 1) {
    const { baselines, actual, look } = await lookForRestore(ports, desired);
    const all = planRestore(baselines, actual, scope);
    const steps = all.filter((step) => !givenUp.has(subjectKey(subjectOf(step))));
    if (round === 0 && shown && !wasShown(shown, desired.domain, steps)) {
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

/** One look, also at the ingest domains that the settings named when they were taken over. */
async function lookForRestore(
  ports: ConfigPorts,
  desired: DesiredDomain,
): Promise<{ baselines: Baseline[]; actual: ActualForRestore; look: DomainLook }> {
  const baselines = await ports.store.baselines(desired.domain);
  const look = await reconcileDomain(ports, desired);
  const { configs, callbackAuth, pushNotify } = look.actual;
  const pushNotifies = new Map(pushNotify && desired.pushDomain !== null ? [[desired.pushDomain, pushNotify]] : []);
  for (const baseline of baselines) {
    if (baseline.kind !== 'push_notify' || pushNotifies.has(baseline.pushDomain)) continue;
    pushNotifies.set(baseline.pushDomain, notifyView(await ports.live.notifyUrl(baseline.pushDomain)));
  }
  return { baselines, actual: { configs, callbackAuth, pushNotifies }, look };
}

function wasShown(shown: RestorePlan, domain: string, steps: readonly PlanStep[]): boolean {
  const agreed = new Set(shown.domains.find((each) => each.domain === domain)?.steps.map(stepFingerprint));
  return steps.every((step) => agreed.has(stepFingerprint(step)));
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
