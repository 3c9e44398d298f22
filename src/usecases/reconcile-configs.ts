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
 * Looks at the vendor and records what it found: a config that changed becomes a version from this look on, and so does a key. The very
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
  const appended = await store.appendVersions(versionsOf(configs, known, domain, lookedAt), 'observed');
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

function notifyView(notify: NotifyUrlConfig): NotifyView {
  return { url: notify.url, auth: authView(notify.auth) };
}
