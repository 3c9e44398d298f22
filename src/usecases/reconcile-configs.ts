import { differingFields } from '../core/config-diff.ts';
import type { ActualDomain, AuthView, DesiredDomain, DomainPlan, NotifyView } from '../core/config-plan.ts';
import { planDomain } from '../core/config-plan.ts';
import type { ConfigVersion } from '../core/config-version.ts';
import type { Instant } from '../core/instant.ts';
import { SecretText } from '../core/secret-text.ts';
import type { CallbackAuth, Clock, ConfigStore, LiveApi, NotifyUrlConfig, SnapshotConfig } from '../ports.ts';

export interface ConfigPorts {
  live: LiveApi;
  store: ConfigStore;
  clock: Clock;
}

/** One domain as one look found it. */
export interface DomainLook {
  actual: ActualDomain;
  /** Before the first call of the look: what it found stood no later than this. */
  lookedAt: Instant;
  /** All versions of the domain, the new ones included. */
  versions: ConfigVersion[];
}

/**
 * Looks at the vendor and records what it found: a config that changed becomes a version from this look on (`datedFrom`), and so
 * does a key. The very
 * first version of a config stands from its creation at the vendor, for the streams on air now were started under something.
 * Throws what the Live API throws.
 */
export async function reconcileDomain(ports: ConfigPorts, desired: DesiredDomain): Promise<DomainLook> {
  const { live, store, clock } = ports;
  const { domain, pushDomain } = desired;
  const lookedAt = clock.now();
  const [configs, auth, push, notify] = await Promise.all([
    live.snapshotConfigs(domain),
    live.callbackAuth(domain),
    pushDomain === null ? null : live.notifyUrl(pushDomain),
    live.snapshotNotifyUrl(domain),
  ]);
  const actual: ActualDomain = {
    domain,
    configs,
    callbackAuth: authView(auth),
    pushNotify: push && notifyView(push),
    snapshotNotify: notify && notifyView(notify),
  };
  const known = await store.versions(domain);
  const found = versionsOf(configs, known, domain, lookedAt);
  const states = await store.states(domain);
  const lookedBefore = (app: string) =>
    states.find((state) => state.kind === 'config' && state.app === app)?.lookedAt ?? lookedAt;
  const appended = await store.appendVersions(
    found.map((version) => datedFrom(version, known, lookedBefore(version.app))),
    'observed',
  );
  await recordKeys(store, actual, lookedAt);
  return { actual, lookedAt, versions: [...known, ...appended] };
}

/** The plan for what a look found, with the sessions that still run on older versions. */
export async function planOfLook(ports: ConfigPorts, desired: DesiredDomain, look: DomainLook): Promise<DomainPlan> {
  return planDomain(desired, look.actual, look.versions, await ports.store.runningSessions(desired.domain));
}

function versionsOf(
  configs: readonly SnapshotConfig[],
  known: readonly ConfigVersion[],
  domain: string,
  lookedAt: Instant,
): ConfigVersion[] {
  const knownApps = new Set(known.map(({ app }) => app));
  const standingApps = new Set(configs.map(({ app }) => app));
  const standing = configs.map(({ createdAt, ...config }) => ({
    ...config,
    domain,
    validFrom: knownApps.has(config.app) ? lookedAt : Math.min(createdAt ?? lookedAt, lookedAt),
  }));
  const gone = [...knownApps]
    .filter((app) => !standingApps.has(app))
    .map((app) => absentVersion(domain, app, lookedAt));
  return [...standing, ...gone];
}

/**
 * Where nothing but the callback changed, the version stands from just after the last look that found the former one: when between
 * two looks it changed cannot be known, and a session that started in between and announced nothing must not be told as a callback
 * that the vendor lost. Nothing else depends on the date then, for a callback that did come is good under either version.
 */
function datedFrom(version: ConfigVersion, known: readonly ConfigVersion[], lookedBefore: Instant): ConfigVersion {
  const former = known.findLast(({ app }) => app === version.app);
  if (!former || former.absent || version.absent) return version;
  const differing = differingFields(former, version);
  const onlyCallback = differing.length === 1 && differing[0]!.field === 'callback';
  return onlyCallback ? { ...version, validFrom: Math.min(version.validFrom, lookedBefore + 1) } : version;
}

/** The version that says: from here on there was no config. */
export function absentVersion(domain: string, app: string, validFrom: Instant): ConfigVersion {
  return {
    ...{ domain, app, validFrom, absent: true },
    ...{ intervalSeconds: 0, bucket: '', endpoint: '', sequenceObject: null, overwriteObject: null, callback: null },
  };
}

async function recordKeys(store: ConfigStore, actual: ActualDomain, at: Instant): Promise<void> {
  const { domain, callbackAuth, pushNotify } = actual;
  await store.recordKey(domain, { kind: 'callback_auth', at, keyDigest: digestOf(callbackAuth) }, 'observed');
  if (pushNotify === null) return;
  await store.recordKey(domain, { kind: 'push_notify', at, keyDigest: digestOf(pushNotify.auth) }, 'observed');
}

/** Of the key that signs; null where nothing is signed. */
export function digestOf(auth: AuthView): string | null {
  return auth.enabled && auth.key ? auth.key.digest() : null;
}

function authView(auth: CallbackAuth): AuthView {
  return { enabled: auth.enabled, key: auth.key === null ? null : new SecretText(auth.key) };
}

export function notifyView(notify: NotifyUrlConfig): NotifyView {
  return { url: notify.url, auth: authView(notify.auth) };
}
