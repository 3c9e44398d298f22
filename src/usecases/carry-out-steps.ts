import { type ConfigFields, configFields } from '../core/config-diff.ts';
import { type PlanStep, subjectOf } from '../core/config-plan.ts';
import { LiveApiError } from '../ports.ts';
import { messageOfRefusal } from './plan-configs.ts';
import { absentVersion, type ConfigPorts, digestOf } from './reconcile-configs.ts';

export interface StepFailure {
  step: PlanStep;
  message: string;
}

export interface CarriedOut {
  done: PlanStep[];
  failed: StepFailure[];
}

const CONFIGS_AT_ONCE = 8;

/**
 * Makes the calls of the steps and records each as a version. Keys and push URLs go first, one by one, so that a config that comes into
 * force is signed from its first callback on; configs then go several at once. A refused step is noted and the others go on. A config
 * that was added or deleted meanwhile is no failure: whoever called looks again and plans the rest.
 *
 * `insist`: a removed Callback was asked for before and still stands (what the vendor does with `-` there is not documented), so the
 * config is deleted and added again without it.
 */
export async function carryOutSteps(
  ports: ConfigPorts,
  steps: readonly PlanStep[],
  options: { insist: boolean; onStep?: (step: PlanStep) => void },
): Promise<CarriedOut> {
  const result: CarriedOut = { done: [], failed: [] };
  const isConfig = (step: PlanStep) => subjectOf(step).kind === 'config';
  const attempt = async (step: PlanStep) => {
    try {
      await carryOut(ports, step, options.insist);
      result.done.push(step);
      options.onStep?.(step);
    } catch (error) {
      if (changedMeanwhile(error)) return;
      result.failed.push({ step, message: messageOfRefusal(error) });
    }
  };
  for (const step of steps.filter((candidate) => !isConfig(candidate))) await attempt(step);
  const queue = steps.filter(isConfig).values();
  const workers = Array.from({ length: CONFIGS_AT_ONCE }, async () => {
    for (const step of queue) await attempt(step);
  });
  const outcomes = await Promise.allSettled(workers);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return result;
}

function changedMeanwhile(error: unknown): boolean {
  return error instanceof LiveApiError && ['ConfigAlreadyExists', 'InvalidConfig.NotFound'].includes(error.code);
}

async function carryOut(ports: ConfigPorts, step: PlanStep, insist: boolean): Promise<void> {
  const { live, store, clock } = ports;
  const { domain } = step;
  // The version stands from when the call was sent: a call that timed out may have had its effect long before it was answered.
  const at = clock.now();
  const standsFrom = (app: string, fields: ConfigFields) =>
    store.appendVersions([{ domain, app, validFrom: at, ...fields }], 'applied');
  switch (step.kind) {
    case 'add_config':
      await live.addSnapshotConfig({ domain, app: step.app, ...step.config });
      await standsFrom(step.app, step.config);
      return;
    case 'update_config':
      if (insist && step.change.callback === null) {
        await live.deleteSnapshotConfig(domain, step.app);
        await live.addSnapshotConfig({ domain, app: step.app, ...configFields(step.config) });
      } else {
        await live.updateSnapshotConfig(domain, step.app, step.change);
      }
      if (step.change.callback !== null || insist) await standsFrom(step.app, step.config);
      return;
    case 'delete_config':
      await live.deleteSnapshotConfig(domain, step.app);
      await store.appendVersions([absentVersion(domain, step.app, at)], 'applied');
      return;
    case 'set_callback_auth': {
      const { auth } = step;
      if (auth.key === null) return;
      await live.setCallbackAuth(domain, auth.key.reveal(), auth.enabled);
      await store.recordKey(domain, { kind: 'callback_auth', at, keyDigest: digestOf(auth) }, 'applied');
      return;
    }
    case 'delete_callback_auth':
      await live.deleteCallbackAuth(domain);
      await store.recordKey(domain, { kind: 'callback_auth', at, keyDigest: null }, 'applied');
      return;
    case 'set_push_notify': {
      const { url, auth } = step.notify;
      await live.setNotifyUrl(step.pushDomain, url, auth.key?.reveal() ?? null, auth.enabled);
      await store.recordKey(domain, { kind: 'push_notify', at, keyDigest: digestOf(auth) }, 'applied');
      return;
    }
    default:
      throw new Error(`unknown step ${JSON.stringify(step satisfies never)}`);
  }
}
