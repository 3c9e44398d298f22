import { type DesiredDomain, type PlanStep, stepFingerprint, subjectOf } from '../core/config-plan.ts';
import { planRestore, type RestoreScope } from '../core/restore-plan.ts';
import { type ApplyReport, subjectKey } from './apply-plan.ts';
import { carryOutSteps } from './carry-out-steps.ts';
import { messageOfRefusal, type PlanFailure } from './plan-configs.ts';
import { type ConfigPorts, planOfLook, reconcileDomain } from './reconcile-configs.ts';
import { saveStates } from './record-config-states.ts';

export interface RestorePlan {
  domains: { domain: string; steps: PlanStep[]; remembered: number }[];
  failures: PlanFailure[];
}

const ROUNDS = 3;

/** What would be put back; changes nothing. */
export async function planRestoreConfigs(
  ports: ConfigPorts,
  desired: readonly DesiredDomain[],
  scope: RestoreScope,
): Promise<RestorePlan> {
  const plan: RestorePlan = { domains: [], failures: [] };
  for (const domain of desired) {
    try {
      const { actual } = await reconcileDomain(ports, domain);
      const baselines = await ports.store.baselines(domain.domain);
      const steps = planRestore(baselines, actual, scope);
      plan.domains.push({ domain: domain.domain, steps, remembered: baselines.length });
    } catch (error) {
      plan.failures.push({ domain: domain.domain, message: messageOfRefusal(error) });
    }
  }
  return plan;
}

/**
 * Puts back what stood before the first take-over, then forgets it: the domain is no longer ours, enforce mode leaves it alone, and the
 * next apply takes over anew. May be stopped anywhere and run again.
 */
export async function restoreConfigs(
  ports: ConfigPorts,
  desired: readonly DesiredDomain[],
  options: { scope: RestoreScope; shown: RestorePlan | null; onStep?: (step: PlanStep) => void },
): Promise<ApplyReport> {
  const report: ApplyReport = { done: [], failed: [], failures: [] };
  const outcomes = await Promise.allSettled(
    desired.map((domain) =>
      ports.store.withDomainLock(domain.domain, () => restoreDomain(ports, domain, options, report)),
    ),
  );
  for (const [i, outcome] of outcomes.entries()) {
    if (outcome.status === 'fulfilled') continue;
    report.failures.push({ domain: desired[i]!.domain, message: messageOfRefusal(outcome.reason) });
  }
  return report;
}

async function restoreDomain(
  ports: ConfigPorts,
  desired: DesiredDomain,
  options: { scope: RestoreScope; shown: RestorePlan | null; onStep?: (step: PlanStep) => void },
  report: ApplyReport,
): Promise<void> {
  const { store } = ports;
  const baselines = await store.baselines(desired.domain);
  const givenUp = new Set<string>();
  for (let round = 0; round <= ROUNDS; round += 1) {
    const look = await reconcileDomain(ports, desired);
    const all = planRestore(baselines, look.actual, options.scope);
    const steps = all.filter((step) => !givenUp.has(subjectKey(subjectOf(step))));
    if (round === 0 && options.shown) {
      const shown = options.shown.domains.find(({ domain }) => domain === desired.domain)?.steps ?? [];
      const agreed = new Set(shown.map(stepFingerprint));
      if (steps.some((step) => !agreed.has(stepFingerprint(step)))) {
        const message = `${desired.domain} has changed since this was shown; nothing was done there. Run restore again.`;
        report.failures.push({ domain: desired.domain, message });
        return;
      }
    }
    if (steps.length === 0 || round === ROUNDS) {
      // Forgotten only once it stands: a restore that was stopped half-way still knows what to put back.
      const standing = new Set(all.map((step) => subjectKey(subjectOf(step))));
      await store.forgetBaselines(baselines.filter((baseline) => !standing.has(subjectKey(baseline))));
      await saveStates(ports, await planOfLook(ports, desired, look), look.lookedAt);
      if (steps.length > 0) {
        const message = `${desired.domain}: the vendor took the changes but still shows something else. Run restore again to see what is left.`;
        report.failures.push({ domain: desired.domain, message });
      }
      return;
    }
    const { done, failed } = await carryOutSteps(ports, steps, { insist: round > 0, onStep: options.onStep });
    report.done.push(...done);
    report.failed.push(...failed);
    for (const { step } of failed) givenUp.add(subjectKey(subjectOf(step)));
  }
}
