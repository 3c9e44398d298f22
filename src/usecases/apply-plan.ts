import { type AgreedSteps, agreedSteps } from '../core/agreed-steps.ts';
import { configFields } from '../core/config-diff.ts';
import {
  type ActualDomain,
  type DesiredDomain,
  type DomainPlan,
  type PlanStep,
  subjectKey,
  subjectOf,
} from '../core/config-plan.ts';
import type { Instant } from '../core/instant.ts';
import type { Baseline } from '../core/restore-plan.ts';
import { carryOutSteps, type StepFailure } from './carry-out-steps.ts';
import { noteSettings } from './note-settings.ts';
import type { ConfigPlan } from './plan-configs.ts';
import { type ConfigPorts, type DomainLook, planOfLook, reconcileDomain } from './reconcile-configs.ts';
import { saveStates } from './record-config-states.ts';
import { type PlanFailure, workOnDomains } from './work-on-domains.ts';

export interface ApplyReport {
  done: PlanStep[];
  failed: StepFailure[];
  /** Domains of which nothing, or not all, is known: could not look, or the plan had changed since it was shown. */
  failures: PlanFailure[];
}

export interface ApplyOptions {
  /** What the person agreed to; a step that is not in it is not made. null: whatever the plan is. */
  shown: ConfigPlan | null;
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
  return carryOutPlan(ports, desired, options, {
    stepsOf: async (plan) => plan.steps,
    async begin(domain, look) {
      await ports.store.rememberBaselines(baselinesOf(domain, look.actual, look.lookedAt));
      await ports.store.resetHeals(domain.domain);
    },
    note: (domain) => noteSettings(ports, [domain]),
    async goOn(domain, look, first) {
      await ports.store.correctBaselines(
        baselinesOf(domain, overtaken(domain, look.actual, first.actual), look.lookedAt),
      );
    },
  });
}

/** What of the plan is to be carried out, and what comes before the first step. */
export interface CarryOutRules {
  stepsOf(plan: DomainPlan): Promise<readonly PlanStep[]>;
  begin?(desired: DesiredDomain, look: DomainLook): Promise<void>;
  /** Notes what is in force from now on. */
  note(desired: DesiredDomain): Promise<void>;
  /** Before a later round: `first` is what the first one saw. */
  goOn?(desired: DesiredDomain, look: DomainLook, first: DomainLook): Promise<void>;
}

export async function carryOutPlan(
  ports: ConfigPorts,
  desired: readonly DesiredDomain[],
  options: ApplyOptions,
  rules: CarryOutRules,
): Promise<ApplyReport> {
  const report: ApplyReport = { done: [], failed: [], failures: [] };
  const { failures } = await workOnDomains(ports.store, desired, (domain) =>
    carryOutDomain(ports, domain, options, rules, report),
  );
  report.failures.push(...failures);
  return report;
}

async function carryOutDomain(
  ports: ConfigPorts,
  desired: DesiredDomain,
  options: ApplyOptions,
  rules: CarryOutRules,
  report: ApplyReport,
): Promise<void> {
  const { domain } = desired;
  const agreed = agreedOf(options.shown, domain);
  const givenUp = new Set<string>();
  let first: DomainLook | null = null;
  const say = (message: string) => report.failures.push({ domain, message });
  for (let round = 0; ; round += 1) {
    const look = await reconcileDomain(ports, desired);
    const plan = await planOfLook(ports, desired, look);
    const wanted = await rules.stepsOf(plan);
    if (round === 0) {
      if (agreed && !wanted.every(agreed.includes)) {
        say(`${domain} has changed since the plan was shown; nothing was done there. Run plan again.`);
        return;
      }
      await rules.begin?.(desired, look);
      await ports.store.resealBaselines(domain);
      // Before the first change: a service that was started with other settings would undo what a crash left half done.
      await rules.note(desired);
    } else if (first) await rules.goOn?.(desired, look, first);
    first ??= look;
    const left = wanted.filter((step) => !givenUp.has(subjectKey(subjectOf(step))));
    const steps = left.filter((step) => agreed?.cover(step) ?? true);
    if (steps.length > 0 && round < ROUNDS) {
      const { done, failed } = await carryOutSteps(ports, steps, {
        insist: false,
        ...(options.onStep && { onStep: options.onStep }),
      });
      report.done.push(...done);
      report.failed.push(...failed);
      for (const { step } of failed) givenUp.add(subjectKey(subjectOf(step)));
      continue;
    }
    await saveStates(ports, plan, look.lookedAt);
    const notShown = left.filter((step) => !steps.includes(step));
    if (steps.length > 0) say(leftOver(plan, steps));
    if (notShown.length > 0) {
      say(`${domain}: ${namesOf(notShown)} changed meanwhile in a way that was not shown. Run plan again.`);
    }
    return;
  }
}

function leftOver(plan: DomainPlan, left: readonly PlanStep[]): string {
  return `${plan.domain}: the vendor took the changes but still shows something else for ${namesOf(left)}. Run plan to see what; somebody may be changing it at the same time.`;
}

function namesOf(steps: readonly PlanStep[]): string {
  return steps.map((step) => subjectOf(step).app ?? subjectOf(step).kind).join(', ');
}

function agreedOf(shown: ConfigPlan | null, domain: string): AgreedSteps | null {
  return shown && agreedSteps(shown.domains.find((plan) => plan.domain === domain)?.steps ?? []);
}

/** Configs that somebody else added after the first look and before we could: theirs, for they do not lead to us. */
function overtaken(desired: DesiredDomain, actual: ActualDomain, first: ActualDomain): ActualDomain {
  const ours = new Map(desired.configs.map(({ app, callback }) => [app, callback]));
  const stood = new Set(first.configs.map(({ app }) => app));
  return {
    ...actual,
    configs: actual.configs.filter(({ app, callback }) => !stood.has(app) && callback !== ours.get(app)),
  };
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
