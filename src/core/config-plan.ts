import { createHash } from 'node:crypto';
import {
  type ConfigField,
  type ConfigFields,
  type ConfigState,
  changeTowards,
  configFields,
  differingFields,
  type FieldDifference,
  shownDifferences,
} from './config-diff.ts';
import type { ConfigSubject } from './config-subject.ts';
import type { ConfigVersion } from './config-version.ts';
import { foundText } from './found-words.ts';
import { type PendingSession, pendingSessions, type RunningSession } from './pending-reingest.ts';
import type { SecretText } from './secret-text.ts';
import { shownUrl } from './shown-url.ts';

export interface DesiredConfig extends ConfigFields {
  domain: string;
  app: string;
  /** Fields that may differ from the file. */
  ignore: readonly ConfigField[];
}

/** What one domain of the settings file asks for, with our callback URLs and key put in. */
export interface DesiredDomain {
  domain: string;
  /** Ingest domain; null: publish callbacks are not ours to set. */
  pushDomain: string | null;
  mode: 'observe' | 'enforce';
  configs: DesiredConfig[];
  /** null: callbacks are not signed, and the vendor's key is left alone. */
  key: SecretText | null;
  /** Where publish and publish_done go. */
  streamCallback: string;
}

export interface AuthView {
  enabled: boolean;
  key: SecretText | null;
}

export interface NotifyView {
  url: string | null;
  auth: AuthView;
}

/** What stands at the vendor for one domain, as one look found it. */
export interface ActualDomain {
  domain: string;
  configs: (ConfigFields & { domain: string; app: string })[];
  callbackAuth: AuthView;
  /** null where the settings name no ingest domain. */
  pushNotify: NotifyView | null;
  /** The domain-level snapshot notify config, a second place for a callback URL. */
  snapshotNotify: NotifyView | null;
}

export type { ConfigSubject, SubjectKind } from './config-subject.ts';

/** Names a subject; two are the same where this is. */
export function subjectKey({ kind, domain, app, pushDomain }: ConfigSubject): string {
  return `${kind}|${domain}|${app ?? pushDomain ?? ''}`;
}

export interface PlanEntry extends ConfigSubject {
  state: ConfigState;
  differences: FieldDifference[];
  pending: PendingSession[];
}

/** One call to make. Every step can be repeated: it says what shall stand, not what to add. */
export type PlanStep =
  | { kind: 'add_config'; domain: string; app: string; config: ConfigFields }
  | { kind: 'update_config'; domain: string; app: string; change: Partial<ConfigFields>; config: ConfigFields }
  | { kind: 'delete_config'; domain: string; app: string }
  | { kind: 'set_callback_auth'; domain: string; auth: AuthView }
  | { kind: 'delete_callback_auth'; domain: string }
  | { kind: 'set_push_notify'; domain: string; pushDomain: string; notify: NotifyView };

export interface PlanWarning {
  kind: 'two_callbacks';
  domain: string;
  /** The one that stands beside ours. */
  url: string;
  detail: string;
}

export interface DomainPlan {
  domain: string;
  entries: PlanEntry[];
  steps: PlanStep[];
  warnings: PlanWarning[];
}

/** Which subject a step works on. */
export function subjectOf(step: PlanStep): ConfigSubject {
  switch (step.kind) {
    case 'add_config':
    case 'update_config':
    case 'delete_config':
      return { kind: 'config', domain: step.domain, app: step.app };
    case 'set_callback_auth':
    case 'delete_callback_auth':
      return { kind: 'callback_auth', domain: step.domain, app: null };
    case 'set_push_notify':
      return { kind: 'push_notify', domain: step.domain, app: null, pushDomain: step.pushDomain };
    default:
      throw new Error(`unknown step ${JSON.stringify(step satisfies never)}`);
  }
}

/** Tells whether two steps are the same, keys included, without showing them. */
export function stepFingerprint(step: PlanStep): string {
  const seen = JSON.stringify(step, (name, value) => (name === 'key' ? undefined : value));
  const auth =
    step.kind === 'set_callback_auth' ? step.auth : step.kind === 'set_push_notify' ? step.notify.auth : null;
  return createHash('sha256')
    .update(`${seen}|${auth?.key?.digest() ?? ''}`)
    .digest('hex');
}

/** Desired against actual, field by field. Pure: the same look gives the same plan. */
export function planDomain(
  desired: DesiredDomain,
  actual: ActualDomain,
  versions: readonly ConfigVersion[],
  running: readonly RunningSession[],
): DomainPlan {
  const steps: PlanStep[] = [];
  const entries: PlanEntry[] = [];
  const auth = planAuth(desired, actual, steps);
  const push = planPush(desired, actual, steps);
  for (const config of desired.configs) entries.push(planConfig(config, actual, versions, running, steps));
  const managed = new Set(desired.configs.map(({ app }) => app));
  for (const { app } of actual.configs.filter((config) => !managed.has(config.app))) {
    entries.push({ kind: 'config', domain: desired.domain, app, state: 'unmanaged', differences: [], pending: [] });
  }
  return {
    domain: desired.domain,
    entries: [...entries, ...[auth, push].filter((entry) => entry !== null)],
    steps,
    warnings: warningsOf(actual),
  };
}

function planConfig(
  desired: DesiredConfig,
  actual: ActualDomain,
  versions: readonly ConfigVersion[],
  running: readonly RunningSession[],
  steps: PlanStep[],
): PlanEntry {
  const { domain, app } = desired;
  const subject = { kind: 'config' as const, domain, app, pending: [] };
  const standing = actual.configs.find((config) => config.app === app);
  if (!standing) {
    steps.push({ kind: 'add_config', domain, app, config: configFields(desired) });
    return { ...subject, state: 'missing', differences: [] };
  }
  const differences = differingFields(desired, standing, desired.ignore);
  if (differences.length > 0) {
    const change = changeTowards(differences);
    steps.push({ kind: 'update_config', domain, app, change, config: { ...configFields(standing), ...change } });
    return { ...subject, state: 'drifted', differences: shownDifferences(differences) };
  }
  const pending = pendingSessions({ domain, app, ...configFields(standing) }, versions, running);
  return { ...subject, state: pending.length > 0 ? 'pending_reingest' : 'in_sync', differences, pending };
}

function authDifferences(desired: SecretText, actual: AuthView): FieldDifference[] {
  const differences: FieldDifference[] = [];
  if (!actual.enabled) differences.push({ field: 'signed', desired: 'yes', actual: 'no' });
  if (!actual.key || actual.key.digest() !== desired.digest()) {
    differences.push({ field: 'key', desired: 'ours', actual: actual.key ? 'another key' : 'none' });
  }
  return differences;
}

function planAuth(desired: DesiredDomain, actual: ActualDomain, steps: PlanStep[]): PlanEntry | null {
  const { domain, key } = desired;
  if (key === null) return null;
  const differences = authDifferences(key, actual.callbackAuth);
  if (differences.length > 0) steps.push({ kind: 'set_callback_auth', domain, auth: { enabled: true, key } });
  const state = differences.length > 0 ? 'drifted' : 'in_sync';
  return { kind: 'callback_auth', domain, app: null, state, differences, pending: [] };
}

function planPush(desired: DesiredDomain, actual: ActualDomain, steps: PlanStep[]): PlanEntry | null {
  const { domain, pushDomain, key } = desired;
  const notify = actual.pushNotify;
  if (pushDomain === null || notify === null) return null;
  const differences: FieldDifference[] = key === null ? [] : authDifferences(key, notify.auth);
  if (notify.url !== desired.streamCallback) {
    differences.unshift({ field: 'url', desired: desired.streamCallback, actual: notify.url });
  }
  if (differences.length > 0) {
    const auth = key === null ? notify.auth : { enabled: true, key };
    const asked = { url: desired.streamCallback, auth };
    steps.push({ kind: 'set_push_notify', domain, pushDomain, notify: asked });
  }
  const state = notify.url === null ? 'missing' : differences.length > 0 ? 'drifted' : 'in_sync';
  return {
    kind: 'push_notify',
    domain,
    app: null,
    pushDomain,
    state,
    differences: shownDifferences(differences),
    pending: [],
  };
}

function warningsOf(actual: ActualDomain): PlanWarning[] {
  if (!actual.snapshotNotify?.url) return [];
  const url = shownUrl(actual.snapshotNotify.url);
  const detail = foundText({ code: 'two-callbacks', url }, 'en');
  return [{ kind: 'two_callbacks', domain: actual.domain, url, detail }];
}
