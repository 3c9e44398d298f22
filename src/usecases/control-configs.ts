import { createHash } from 'node:crypto';
import { type FieldDifference, shownValue } from '../core/config-diff.ts';
import { type AuthView, type DesiredDomain, type PlanStep, stepFingerprint, subjectOf } from '../core/config-plan.ts';
import { RefusalError } from '../core/refusal.ts';
import type { RestoreScope } from '../core/restore-plan.ts';
import { type ApplyReport, applyPlan } from './apply-plan.ts';
import { type ConfigPlan, planConfigs } from './plan-configs.ts';
import type { ConfigPorts } from './reconcile-configs.ts';
import { planRestoreConfigs, type RestorePlan, restorableDomains, restoreConfigs } from './restore-configs.ts';

/** A step as people read it: no key in clear. */
export interface StepView {
  kind: PlanStep['kind'];
  domain: string;
  app: string | null;
  changes: { field: string; to: string | number | null }[];
}

export interface PlanView extends Pick<ConfigPlan, 'failures'> {
  /** Names exactly these steps: to be given back with the consent to them. */
  digest: string;
  domains: {
    domain: string;
    mode: DesiredDomain['mode'];
    entries: {
      kind: ConfigPlan['domains'][number]['entries'][number]['kind'];
      app: string | null;
      state: ConfigPlan['domains'][number]['entries'][number]['state'];
      driftedSince: number | null;
      differences: FieldDifference[];
      pending: { app: string; stream: string; startedAt: number }[];
    }[];
    steps: StepView[];
    warnings: string[];
  }[];
}

export interface RestoreView extends Pick<RestorePlan, 'failures'> {
  digest: string;
  domains: { domain: string; remembered: number; steps: StepView[] }[];
}

export interface OutcomeView {
  done: StepView[];
  failed: { step: StepView; message: string }[];
  failures: ApplyReport['failures'];
}

/** Plan, apply and restore with a consent that names what was shown: whoever agrees to one plan never gets another. */
export function controlConfigs(ports: ConfigPorts, desired: readonly DesiredDomain[]) {
  const stepsOf = (plan: { domains: { steps: PlanStep[] }[] }) => plan.domains.flatMap(({ steps }) => steps);

  return {
    async plan(): Promise<PlanView> {
      const plan = await planConfigs(ports, desired);
      const states = await ports.store.states();
      return {
        digest: digestOf(stepsOf(plan)),
        failures: plan.failures,
        domains: plan.domains.map(({ domain, entries, steps, warnings }) => ({
          domain,
          mode: desired.find((each) => each.domain === domain)?.mode ?? 'observe',
          entries: entries.map(({ kind, app, state, differences, pending }) => ({
            kind,
            app,
            state,
            differences,
            driftedSince:
              states.find((each) => each.domain === domain && each.kind === kind && (each.app ?? null) === app)
                ?.driftedSince ?? null,
            pending: pending.map((session) => ({
              app: session.app,
              stream: session.stream,
              startedAt: session.startedAt,
            })),
          })),
          steps: steps.map(stepView),
          warnings: warnings.map(({ detail }) => detail),
        })),
      };
    },

    async apply(digest: string): Promise<OutcomeView> {
      const shown = await planConfigs(ports, desired);
      requireSame(digest, stepsOf(shown));
      return outcomeView(await applyPlan(ports, desired, { shown }));
    },

    async planRestore(scope: RestoreScope): Promise<RestoreView> {
      const plan = await planRestoreConfigs(ports, await restorableDomains(ports.store, desired), scope);
      return {
        digest: digestOf(stepsOf(plan)),
        failures: plan.failures,
        domains: plan.domains.map(({ steps, ...rest }) => ({ ...rest, steps: steps.map(stepView) })),
      };
    },

    async restore(digest: string, scope: RestoreScope): Promise<OutcomeView> {
      const domains = await restorableDomains(ports.store, desired);
      const shown = await planRestoreConfigs(ports, domains, scope);
      requireSame(digest, stepsOf(shown));
      return outcomeView(await restoreConfigs(ports, domains, { scope, shown }));
    },
  };
}

export type ConfigControl = ReturnType<typeof controlConfigs>;

function digestOf(steps: readonly PlanStep[]): string {
  const hash = createHash('sha256');
  for (const fingerprint of steps.map(stepFingerprint).sort()) hash.update(`${fingerprint}\n`);
  return hash.digest('hex').slice(0, 32);
}

function requireSame(digest: string, steps: readonly PlanStep[]): void {
  if (digestOf(steps) === digest) return;
  throw new RefusalError(
    'conflict',
    'What there is to do has changed since it was shown; nothing was done. Look again.',
  );
}

function stepView(step: PlanStep): StepView {
  return { kind: step.kind, domain: step.domain, app: subjectOf(step).app, changes: changesOf(step) };
}

/** What a step sets, without keys in clear and with URLs as they are shown. */
export function changesOf(step: PlanStep): StepView['changes'] {
  switch (step.kind) {
    case 'add_config':
      return Object.entries(step.config).map(([field, to]) => ({ field, to: shownValue(field, to) }));
    case 'update_config':
      return Object.entries(step.change).map(([field, to]) => ({ field, to: shownValue(field, to ?? null) }));
    case 'set_callback_auth':
      return authChanges(step.auth);
    case 'set_push_notify':
      return [{ field: 'url', to: shownValue('url', step.notify.url) }, ...authChanges(step.notify.auth)];
    case 'delete_config':
    case 'delete_callback_auth':
      return [];
    default:
      throw new Error(`unknown step ${JSON.stringify(step satisfies never)}`);
  }
}

function authChanges({ enabled, key }: AuthView): StepView['changes'] {
  return [
    { field: 'signed', to: enabled ? 'yes' : 'no' },
    { field: 'key', to: key === null ? null : `key ${key.digest().slice(0, 6)}…` },
  ];
}

function outcomeView({ done, failed, failures }: ApplyReport): OutcomeView {
  return {
    done: done.map(stepView),
    failed: failed.map(({ step, message }) => ({ step: stepView(step), message })),
    failures,
  };
}
