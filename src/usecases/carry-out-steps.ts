import { type ConfigFields, configFields } from '../core/config-diff.ts';
import { type PlanStep, subjectOf } from '../core/config-plan.ts';
import { LiveApiError } from '../ports.ts';
import { absentVersion, type ConfigPorts, digestOf } from './reconcile-configs.ts';
import { isRefusal } from './work-on-domains.ts';

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
 * `insist`: a removed Callback was asked for before and still stands (what the vendor does with `-` there is not documented; it may
 * refuse it, too), so the config is deleted and added again without it.
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
      if (!isRefusal(error)) throw error;
      result.failed.push({ step, message: error.message });
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

const hasCode = (error: unknown, ...codes: string[]): boolean =>
  error instanceof LiveApiError && codes.includes(error.code);
const changedMeanwhile = (error: unknown) => hasCode(error, 'ConfigAlreadyExists', 'InvalidConfig.NotFound');

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
      if (step.change.callback !== null) await live.updateSnapshotConfig(domain, step.app, step.change);
      else if (insist) await addAgain(ports, step);
      else await removeCallback(ports, step);
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

type UpdateStep = Extract<PlanStep, { kind: 'update_config' }>;

/** Where the vendor refuses the removal, the rest goes without it; the next look finds the Callback standing, and insists. */
async function removeCallback({ live }: ConfigPorts, { domain, app, change }: UpdateStep): Promise<void> {
  try {
    await live.updateSnapshotConfig(domain, app, change);
  } catch (error) {
    if (!(error instanceof LiveApiError) || changedMeanwhile(error)) throw error;
    const { callback: _, ...rest } = change;
    if (Object.keys(rest).length > 0) await live.updateSnapshotConfig(domain, app, rest);
  }
}

/**
 * Order matters: what the vendor would not add (a right that is not granted, a bucket that is gone) must show while the config still
 * stands, and what is to be added is noted before it is deleted, for the Add may not come back.
 */
async function addAgain({ live, store }: ConfigPorts, { domain, app, config }: UpdateStep): Promise<void> {
  const added = { domain, app, ...configFields(config) };
  try {
    await live.addSnapshotConfig(added);
    return;
  } catch (error) {
    if (!hasCode(error, 'ConfigAlreadyExists')) throw error;
  }
  await store.noteAddingAgain({ kind: 'config', domain, app }, configFields(config));
  await live.deleteSnapshotConfig(domain, app);
  await live.addSnapshotConfig(added);
}
