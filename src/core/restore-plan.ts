import { type ConfigFields, changeTowards, configFields, differingFields } from './config-diff.ts';
import type { ActualDomain, AuthView, NotifyView, PlanStep } from './config-plan.ts';
import type { Instant } from './instant.ts';

/** What stood before our first change of a subject; `former` null: nothing stood there. */
export type Baseline = { domain: string; rememberedAt: Instant } & (
  | {
      kind: 'config';
      app: string;
      former: ConfigFields | null;
      /** Its callback was given back, so it is no longer ours; the rest of `former` is remembered still. */
      isGivenBack?: boolean;
      /** A restore deleted it in order to add it again like this. */
      addingAgain?: ConfigFields | null;
    }
  | { kind: 'callback_auth'; app: null; former: AuthView }
  | { kind: 'push_notify'; app: null; pushDomain: string; former: NotifyView }
);

export type RestoreScope = 'everything' | 'callbacks';

/** What stands now, also at ingest domains that the settings no longer name. */
export interface ActualForRestore extends Pick<ActualDomain, 'configs' | 'callbackAuth'> {
  pushNotifies: ReadonlyMap<string, NotifyView>;
}

/**
 * The steps that put back what stood before the first take-over. Scope `callbacks` leaves interval, bucket and names as they are and
 * deletes no config: only Callback, key and push URL go back.
 */
export function planRestore(
  baselines: readonly Baseline[],
  actual: ActualForRestore,
  scope: RestoreScope = 'everything',
): PlanStep[] {
  return baselines.flatMap((baseline): PlanStep[] => {
    switch (baseline.kind) {
      case 'config':
        return restoreConfig(baseline, actual, scope);
      case 'callback_auth': {
        if (sameAuth(baseline.former, actual.callbackAuth)) return [];
        const { domain, former } = baseline;
        if (former.key === null) return [{ kind: 'delete_callback_auth', domain }];
        return [{ kind: 'set_callback_auth', domain, auth: former }];
      }
      case 'push_notify': {
        const { domain, pushDomain, former } = baseline;
        const standing = actual.pushNotifies.get(pushDomain);
        if (standing && standing.url === former.url && sameAuth(former.auth, standing.auth)) return [];
        return [{ kind: 'set_push_notify', domain, pushDomain, notify: former }];
      }
      default:
        throw new Error(`unknown baseline ${JSON.stringify(baseline satisfies never)}`);
    }
  });
}

function restoreConfig(
  { domain, app, former, isGivenBack, addingAgain }: Extract<Baseline, { kind: 'config' }>,
  actual: ActualForRestore,
  scope: RestoreScope,
): PlanStep[] {
  const standing = actual.configs.find((config) => config.app === app);
  if (scope === 'callbacks') {
    if (isGivenBack) return [];
    if (!standing) return addingAgain ? [{ kind: 'add_config', domain, app, config: addingAgain }] : [];
    if (standing.callback === (former?.callback ?? null)) return [];
    const change = { callback: former?.callback ?? null };
    return [{ kind: 'update_config', domain, app, change, config: { ...configFields(standing), ...change } }];
  }
  if (former === null) return standing ? [{ kind: 'delete_config', domain, app }] : [];
  if (!standing) return [{ kind: 'add_config', domain, app, config: former }];
  const differences = differingFields(former, standing);
  if (differences.length === 0) return [];
  return [{ kind: 'update_config', domain, app, change: changeTowards(differences), config: former }];
}

function sameAuth(a: AuthView, b: AuthView): boolean {
  return a.enabled === b.enabled && (a.key?.digest() ?? null) === (b.key?.digest() ?? null);
}
