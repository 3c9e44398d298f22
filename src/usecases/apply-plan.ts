import { configFields } from '../core/config-diff.ts';
import {
  type ActualDomain,
  type ConfigSubject,
  type DesiredDomain,
  type DomainPlan,
  type PlanStep,
  type SubjectKind,
  stepFingerprint,
  subjectOf,
} from '../core/config-plan.ts';
import type { Instant } from '../core/instant.ts';
import type { Baseline } from '../core/restore-plan.ts';
import { carryOutSteps, type StepFailure } from './carry-out-steps.ts';
import { type ConfigPlan, messageOfRefusal, type PlanFailure } from './plan-configs.ts';
import { type ConfigPorts, planOfLook, reconcileDomain } from './reconcile-configs.ts';
import { saveStates } from './record-config-states.ts';

export interface ApplyReport {
  done: PlanStep[];
  failed: StepFailure[];
  /** Domains of which nothing, or not all, is known: could not look, or the plan had changed since it was shown. */
  failures: PlanFailure[];
}

export interface ApplyOptions {
  /** What the person agreed to; a step that is not in it is not made. null: whatever the plan is. */
  shown: ConfigPlan | null;
  /** Kinds of subjects to work on; absent: all. */
  only?: readonly SubjectKind[];
  onStep?: (step: PlanStep) => void;
}

/** Looks, plans, acts, and looks again; a call that was lost or overtaken is made good in the next round. */
const ROUNDS = 3;

/**
 * Makes the vendor's configs what the settings ask for. What stood before our first change is remembered before anything is changed, so
 * that `restore` can put it back. May be stopped anywhere and run again, by several processes at once: every round starts from a look.
 */
export async function applyPlan(
  ports: ConfigPorts,
  desired: readonly DesiredDomain[],
  options: ApplyOptions,
): Promise<ApplyReport> {
  const report: ApplyReport = { done: [], failed: [], failures: [] };
  const outcomes = await Promise.allSettled(
    desired.map((domain) =>
      ports.store.withDomainLock(domain.domain, () => applyDomain(ports, domain, options, report)),
    ),
  );
  for (const [i, outcome] of outcomes.entries()) {
    if (outcome.status === 'fulfilled') continue;
    report.failures.push({ domain: desired[i]!.domain, message: messageOfRefusal(outcome.reason) });
  }
  return report;
}

async function applyDomain(
  ports: ConfigPorts,
  desired: DesiredDomain,
  options: ApplyOptions,
  report: ApplyReport,
): Promise<void> {
  const agreed = agreedSteps(options.shown, desired.domain);
  const givenUp = new Set<string>();
  const isWanted = ({ kind }: ConfigSubject) => options.only?.includes(kind) ?? true;
  const wantedSteps = (plan: DomainPlan) =>
    plan.steps
      .map((step) => ({ step, subject: subjectOf(step) }))
      .filter(({ subject }) => isWanted(subject) && !givenUp.has(subjectKey(subject)))
      .map(({ step }) => step);
  for (let round = 0; round < ROUNDS; round += 1) {
    const look = await reconcileDomain(ports, desired);
    const plan = await planOfLook(ports, desired, look);
    const steps = wantedSteps(plan);
    if (round === 0) {
      if (agreed && steps.some((step) => !agreed.steps.has(stepFingerprint(step)))) {
        const message = `${desired.domain} has changed since the plan was shown; nothing was done there. Run plan again.`;
        report.failures.push({ domain: desired.domain, message });
        return;
      }
      await ports.store.rememberBaselines(baselinesOf(desired, look.actual, look.lookedAt).filter(isWanted));
      await ports.store.resealBaselines(desired.domain);
      await ports.store.resetHeals(desired.domain);
    }
    if (steps.length === 0) {
      await saveStates(ports, plan, look.lookedAt);
      return;
    }
    const { done, failed } = await carryOutSteps(ports, steps, { insist: round > 0, onStep: options.onStep });
    report.done.push(...done);
    report.failed.push(...failed);
    for (const { step } of failed) givenUp.add(subjectKey(subjectOf(step)));
  }
  const look = await reconcileDomain(ports, desired);
  const plan = await planOfLook(ports, desired, look);
  await saveStates(ports, plan, look.lookedAt);
  const left = wantedSteps(plan);
  if (left.length > 0) report.failures.push({ domain: desired.domain, message: leftOver(plan, left) });
}

function leftOver(plan: DomainPlan, left: readonly PlanStep[]): string {
  const names = left.map((step) => subjectOf(step).app ?? subjectOf(step).kind).join(', ');
  return `${plan.domain}: the vendor took the changes but still shows something else for ${names}. Run plan to see what; somebody may be changing it at the same time.`;
}

function agreedSteps(shown: ConfigPlan | null, domain: string): { steps: Set<string> } | null {
  if (shown === null) return null;
  const steps = shown.domains.find((plan) => plan.domain === domain)?.steps ?? [];
  return { steps: new Set(steps.map(stepFingerprint)) };
}

export function subjectKey({ kind, domain, app }: ConfigSubject): string {
  return `${kind}|${domain}|${app ?? ''}`;
}

/** What stands now of everything that the settings name: kept only where nothing was remembered yet. */
function baselinesOf(desired: DesiredDomain, actual: ActualDomain, rememberedAt: Instant): Baseline[] {
  const { domain, pushDomain } = desired;
  const common = { domain, rememberedAt };
  const baselines: Baseline[] = desired.configs.map(({ app }) => {
    const standing = actual.configs.find((config) => config.app === app);
    return { ...common, kind: 'config', app, former: standing ? configFields(standing) : null };
  });
  if (desired.key !== null) {
    baselines.push({ ...common, kind: 'callback_auth', app: null, former: actual.callbackAuth });
  }
  if (pushDomain !== null && actual.pushNotify !== null) {
    baselines.push({ ...common, kind: 'push_notify', app: null, pushDomain, former: actual.pushNotify });
  }
  return baselines;
}
