/**
 * What the stand-in for the vendor knows, in memory: domains, configs with their history, sessions and the snapshot index.
 * The Live endpoint and the broadcasters share one instance. It holds no judgement of ours: only what the real service would hold.
 *
 * The rule that shapes it (reference/live-api.md, section 5): a change of a config or of a callback key takes effect for a stream only
 * when its ingest restarts. So every setting is a history, and a session reads the entry that stood when it started.
 */

export interface VendorStreamKey {
  domain: string;
  app: string;
  stream: string;
}

export interface VendorSnapshotConfig {
  domain: string;
  app: string;
  intervalSeconds: number;
  bucket: string;
  endpoint: string;
  sequenceObject: string | null;
  overwriteObject: string | null;
  callback: string | null;
  createdAtMs: number;
}

export type VendorSnapshotConfigChange = Partial<Omit<VendorSnapshotConfig, 'domain' | 'app' | 'createdAtMs'>>;

export interface VendorAuth {
  enabled: boolean;
  key: string | null;
}

/** A domain-level URL with its key: push callbacks (ingest domain) or snapshot notify (streaming domain). */
export interface VendorNotify {
  url: string | null;
  auth: VendorAuth;
  exceptionUrl: string | null;
}

export interface VendorDomain {
  /** Main streaming domain. */
  domain: string;
  pushDomains: string[];
  subDomains: string[];
  region: string;
  createdAtMs: number;
}

export interface VendorSession extends VendorStreamKey {
  /** Unique within the state, counts up from 1. */
  id: number;
  pushDomain: string;
  startedAtMs: number;
  endedAtMs: number | null;
}

export interface VendorIndexRow extends VendorStreamKey {
  bucket: string;
  endpoint: string;
  object: string;
  createdAtMs: number;
  overlay: boolean;
}

/** What a session runs on: everything as it stood when the session started. */
export interface InForce {
  /** The exact app's config, else the `*` one; null where the domain had none: such a session is not captured. */
  config: VendorSnapshotConfig | null;
  /** Where snapshot callbacks go: the config's own Callback, else the domain's snapshot notify URL, else nowhere. */
  callbackUrl: string | null;
  /** The key that signs them; null: no signature headers are sent. */
  authKey: string | null;
}

interface Version<T> {
  fromMs: number;
  value: T;
}

type History<T> = Version<T>[];

const NO_AUTH: VendorAuth = { enabled: false, key: null };

function record<T>(history: History<T>, fromMs: number, value: T): void {
  history.push({ fromMs, value });
}

function latest<T>(history: History<T> | undefined): T | null {
  return history?.at(-1)?.value ?? null;
}

function standingAt<T>(history: History<T> | undefined, atMs: number): T | null {
  return history?.findLast((version) => version.fromMs <= atMs)?.value ?? null;
}

function grow<K, T>(histories: Map<K, History<T>>, key: K): History<T> {
  const history = histories.get(key) ?? [];
  histories.set(key, history);
  return history;
}

const streamId = (key: VendorStreamKey): string => `${key.domain}/${key.app}/${key.stream}`;
const configId = (domain: string, app: string): string => `${domain}/${app}`;

export class VendorState {
  readonly #now: () => number;
  readonly #domains = new Map<string, VendorDomain>();
  readonly #configs = new Map<string, History<VendorSnapshotConfig | null>>();
  readonly #callbackAuth = new Map<string, History<VendorAuth>>();
  readonly #snapshotNotify = new Map<string, History<VendorNotify | null>>();
  readonly #pushNotify = new Map<string, History<VendorNotify>>();
  readonly #sessions: VendorSession[] = [];
  readonly #index = new Map<string, VendorIndexRow[]>();

  constructor(options: { now?: () => number } = {}) {
    this.#now = options.now ?? Date.now;
  }

  now(): number {
    return this.#now();
  }

  // ---- domains ----

  addDomain(domain: { domain: string; pushDomains?: string[]; subDomains?: string[]; region?: string }): VendorDomain {
    const added: VendorDomain = {
      domain: domain.domain,
      pushDomains: domain.pushDomains ?? [],
      subDomains: domain.subDomains ?? [],
      region: domain.region ?? 'cn-shanghai',
      createdAtMs: this.#now(),
    };
    this.#domains.set(added.domain, added);
    return added;
  }

  domains(): VendorDomain[] {
    return [...this.#domains.values()];
  }

  streamingDomain(name: string): VendorDomain | null {
    return this.#domains.get(name) ?? null;
  }

  /** The domain that `name` belongs to, be it the streaming, a sub streaming or an ingest domain. */
  domainOf(name: string): VendorDomain | null {
    return (
      this.#domains.get(name) ??
      this.domains().find((domain) => domain.pushDomains.includes(name) || domain.subDomains.includes(name)) ??
      null
    );
  }

  // ---- snapshot configs ----

  /** The configs that stand now, in order of app. */
  configs(domain: string): VendorSnapshotConfig[] {
    return [...this.#configs.values()]
      .map((history) => latest(history))
      .filter((config): config is VendorSnapshotConfig => config?.domain === domain)
      .sort((a, b) => (a.app < b.app ? -1 : 1));
  }

  config(domain: string, app: string): VendorSnapshotConfig | null {
    return latest(this.#configs.get(configId(domain, app)));
  }

  /** Every value that ever stood, oldest first; null marks a deletion. */
  configHistory(domain: string, app: string): ReadonlyArray<Version<VendorSnapshotConfig | null>> {
    return this.#configs.get(configId(domain, app)) ?? [];
  }

  /** Writes a whole config (Add, or a change made behind somebody's back). */
  putConfig(config: Omit<VendorSnapshotConfig, 'createdAtMs'>): VendorSnapshotConfig {
    const createdAtMs = this.config(config.domain, config.app)?.createdAtMs ?? this.#now();
    const stored = { ...config, createdAtMs };
    record(grow(this.#configs, configId(config.domain, config.app)), this.#now(), stored);
    return stored;
  }

  /** False where there is nothing to change. */
  changeConfig(domain: string, app: string, change: VendorSnapshotConfigChange): boolean {
    const current = this.config(domain, app);
    if (!current) return false;
    record(grow(this.#configs, configId(domain, app)), this.#now(), { ...current, ...change });
    return true;
  }

  deleteConfig(domain: string, app: string): boolean {
    if (!this.config(domain, app)) return false;
    record(grow(this.#configs, configId(domain, app)), this.#now(), null);
    return true;
  }

  // ---- callback auth and notify URLs ----

  callbackAuth(domain: string): VendorAuth {
    return latest(this.#callbackAuth.get(domain)) ?? NO_AUTH;
  }

  setCallbackAuth(domain: string, auth: VendorAuth): void {
    record(grow(this.#callbackAuth, domain), this.#now(), auth);
  }

  /** The domain-level snapshot notify config; null where none is set. */
  snapshotNotify(domain: string): VendorNotify | null {
    return latest(this.#snapshotNotify.get(domain));
  }

  setSnapshotNotify(domain: string, notify: VendorNotify | null): void {
    record(grow(this.#snapshotNotify, domain), this.#now(), notify);
  }

  /** Where publish and publish_done callbacks of this ingest domain go. */
  pushNotify(pushDomain: string): VendorNotify {
    return latest(this.#pushNotify.get(pushDomain)) ?? { url: null, auth: NO_AUTH, exceptionUrl: null };
  }

  setPushNotify(pushDomain: string, notify: VendorNotify): void {
    record(grow(this.#pushNotify, pushDomain), this.#now(), notify);
  }

  // ---- sessions ----

  /** A stream goes on air. `atMs` defaults to now; an earlier instant writes history. */
  startSession(key: VendorStreamKey, atMs?: number, pushDomain?: string): VendorSession {
    const session: VendorSession = {
      id: this.#sessions.length + 1,
      domain: key.domain,
      app: key.app,
      stream: key.stream,
      pushDomain: pushDomain ?? this.#domains.get(key.domain)?.pushDomains[0] ?? key.domain,
      startedAtMs: atMs ?? this.#now(),
      endedAtMs: null,
    };
    this.#sessions.push(session);
    return session;
  }

  endSession(session: VendorSession, atMs?: number): void {
    session.endedAtMs = atMs ?? this.#now();
  }

  /** In order of start as they were written; `domain` is the streaming domain. */
  sessions(domain?: string): VendorSession[] {
    return domain === undefined ? [...this.#sessions] : this.#sessions.filter((session) => session.domain === domain);
  }

  /** On air at `atMs` (default now). */
  listOnline(domain: string, atMs: number = this.#now()): VendorSession[] {
    return this.#sessions.filter(
      (session) =>
        session.domain === domain &&
        session.startedAtMs <= atMs &&
        (session.endedAtMs === null || session.endedAtMs > atMs),
    );
  }

  /** What this session runs on: settings as they stood when its ingest started. */
  configInForce(session: VendorSession): InForce {
    const at = session.startedAtMs;
    const config =
      standingAt(this.#configs.get(configId(session.domain, session.app)), at) ??
      standingAt(this.#configs.get(configId(session.domain, '*')), at);
    if (!config) return { config: null, callbackUrl: null, authKey: null };
    const auth = standingAt(this.#callbackAuth.get(session.domain), at) ?? NO_AUTH;
    if (config.callback !== null) {
      return { config, callbackUrl: config.callback, authKey: auth.enabled ? auth.key : null };
    }
    const notify = standingAt(this.#snapshotNotify.get(session.domain), at);
    const notifyKey = notify?.auth.enabled ? notify.auth.key : null;
    return { config, callbackUrl: notify?.url ?? null, authKey: notifyKey };
  }

  /** Where the publish callbacks of this session go: the URL as it stands now, the key as it stood when the ingest started. */
  pushNotifyInForce(session: VendorSession): { url: string | null; authKey: string | null } {
    const auth = standingAt(this.#pushNotify.get(session.pushDomain), session.startedAtMs)?.auth ?? NO_AUTH;
    return { url: this.pushNotify(session.pushDomain).url, authKey: auth.enabled ? auth.key : null };
  }

  // ---- the snapshot index ----

  addIndexRow(row: VendorIndexRow): void {
    const id = streamId(row);
    const rows = this.#index.get(id) ?? [];
    this.#index.set(id, rows);
    let at = rows.length;
    while (at > 0 && rows[at - 1]!.createdAtMs > row.createdAtMs) at -= 1;
    rows.splice(at, 0, row);
  }

  /** True when a row was there. With `createdAtMs` only that row of the object, else the latest one. */
  deleteIndexRow(key: VendorStreamKey, object: string, createdAtMs?: number): boolean {
    const rows = this.#index.get(streamId(key)) ?? [];
    const at = rows.findLastIndex(
      (row) => row.object === object && (createdAtMs === undefined || row.createdAtMs === createdAtMs),
    );
    if (at < 0) return false;
    rows.splice(at, 1);
    return true;
  }

  /** Rows of one stream by creation, oldest first. */
  indexRows(key: VendorStreamKey): readonly VendorIndexRow[] {
    return this.#index.get(streamId(key)) ?? [];
  }

  /** False for a stream that neither published nor was captured, ever. */
  knowsStream(key: VendorStreamKey): boolean {
    return (
      this.#index.has(streamId(key)) ||
      this.#sessions.some(
        (session) => session.domain === key.domain && session.app === key.app && session.stream === key.stream,
      )
    );
  }
}
