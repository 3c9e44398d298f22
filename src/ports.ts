/**
 * What the use cases need from outside. Adapters implement these; only `compose.ts` joins the two.
 * "Could not look" is always an error (`CouldNotLookError`), never an empty answer.
 */

import type { CaptureSource } from './core/capture-flags.ts';
import type { CaptureRow } from './core/capture-shape.ts';
import type { ConfigFields } from './core/config-diff.ts';
import type { Instant } from './core/instant.ts';
import type { StorageRefusal } from './core/quarantine-reason.ts';
import type { StreamKey } from './core/stream-key.ts';
import type { TimeWindow } from './core/time-window.ts';
import type { Scope } from './core/token-scope.ts';
import type { IndexWitness, ObjectWitness } from './core/witness.ts';
import type { OnlineStream, PublishRecord } from './ports/audit-ports.ts';

export interface Clock {
  now(): Instant;
}

/**
 * The vendor (Live or OSS) gave no trustworthy answer: time-out, throttling that outlasted the retries, a refused
 * signature, rubbish, a missing bucket. The message is one sentence for the person who must act; it holds no secret.
 */
export class CouldNotLookError extends Error {
  override readonly name = 'CouldNotLookError';
  /** kebab-case, e.g. `timeout`, `throttled`, `access-denied`, `no-such-bucket`, `bad-answer`, `unreachable`. */
  readonly reason: string;
  /** True where trying again later can help without a person acting. */
  readonly transient: boolean;
  readonly requestId: string | null;
  constructor(
    message: string,
    details: { reason: string; transient: boolean; requestId?: string | null; cause?: unknown },
  ) {
    super(message, { cause: details.cause });
    this.reason = details.reason;
    this.transient = details.transient;
    this.requestId = details.requestId ?? null;
  }
}

/** The vendor understood the call and refused it (a 4xx with a code); `code` is the vendor's own. */
export class LiveApiError extends Error {
  override readonly name = 'LiveApiError';
  readonly action: string;
  readonly code: string;
  readonly status: number;
  readonly requestId: string | null;
  constructor(
    message: string,
    details: { action: string; code: string; status: number; requestId?: string | null; cause?: unknown },
  ) {
    super(message, { cause: details.cause });
    this.action = details.action;
    this.code = details.code;
    this.status = details.status;
    this.requestId = details.requestId ?? null;
  }
}

// ---- OSS ----

/** One page of a listing, already checked against the traps of reference/oss.md section 0. */
export interface ObjectPage {
  /** In UTF-8 byte order of the key. */
  objects: ObjectWitness[];
  /** To be passed on for the next page; null on the last one. */
  nextToken: string | null;
}

export interface LifecycleRule {
  prefix: string;
  days: number;
}

/** One bucket. Every method throws `CouldNotLookError` when the answer cannot be trusted. */
export interface Bucket {
  readonly name: string;
  /** One list call, at most 1,000 keys after `startAfter` (exclusive). */
  listPage(query: {
    prefix: string;
    startAfter?: string;
    token?: string;
    maxKeys?: number;
    signal?: AbortSignal;
  }): Promise<ObjectPage>;
  /** One HEAD; null only when the absence is proven (the bucket answers, the key does not). */
  head(key: string): Promise<ObjectWitness | null>;
  /** A GET URL that lives `expiresSeconds` (at most 7 days), signed V4. */
  signedUrl(key: string, expiresSeconds: number): Promise<string>;
  /** Enabled expiration-by-days rules; empty where the bucket has none. */
  lifecycleRules(): Promise<LifecycleRule[]>;
}

export interface Buckets {
  /** Same arguments give the same instance. `endpoint` is the config's OssEndpoint, e.g. `oss-cn-shanghai.aliyuncs.com`. */
  open(bucket: string, endpoint: string): Bucket;
  /** Requests made since the start, retries included, and the keys that listings returned. */
  calls(): { list: number; head: number; keys: number };
  close(): Promise<void>;
}

// ---- ApsaraVideo Live ----

/** A snapshot config as the vendor holds it. */
export interface SnapshotConfig extends ConfigFields {
  domain: string;
  app: string;
  createdAt: Instant | null;
}

/** Fields of Update: absent = leave, null = remove (sent as `-`). */
export type SnapshotConfigChange = Partial<ConfigFields>;

export interface CallbackAuth {
  enabled: boolean;
  /** The key in clear text as the vendor returns it. Never print it. */
  key: string | null;
}

export interface NotifyUrlConfig {
  url: string | null;
  auth: CallbackAuth;
}

export interface DomainMapping {
  streamingDomain: string | null;
  pushDomains: string[];
}

/**
 * The calls of the Live OpenAPI that we use, paged to the end, rate-limited and retried inside the adapter.
 * Throws `LiveApiError` (refused with a code) or `CouldNotLookError`.
 */
export interface LiveApi {
  snapshotConfigs(domain: string): Promise<SnapshotConfig[]>;
  addSnapshotConfig(config: Omit<SnapshotConfig, 'createdAt'>): Promise<void>;
  updateSnapshotConfig(domain: string, app: string, change: SnapshotConfigChange): Promise<void>;
  deleteSnapshotConfig(domain: string, app: string): Promise<void>;
  /** All rows of [from, to), oldest first, deduplicated; spans over a day are split. A stream the vendor does not know has no rows. */
  snapshotRecords(key: StreamKey, from: Instant, to: Instant): AsyncIterable<IndexWitness[]>;
  onlineStreams(domain: string): Promise<OnlineStream[]>;
  publishRecords(domain: string, from: Instant, to: Instant): Promise<PublishRecord[]>;
  streamState(key: StreamKey): Promise<'online' | 'offline'>;
  callbackAuth(domain: string): Promise<CallbackAuth>;
  /** `enabled` false keeps the key but signs nothing. Default true. */
  setCallbackAuth(domain: string, key: string, enabled?: boolean): Promise<void>;
  deleteCallbackAuth(domain: string): Promise<void>;
  notifyUrl(pushDomain: string): Promise<NotifyUrlConfig>;
  /** A null URL removes it; `enabled` (sign the calls) is by default true where there is a key. Other fields of the entry are kept. */
  setNotifyUrl(pushDomain: string, url: string | null, key: string | null, enabled?: boolean): Promise<void>;
  /** The domain-level snapshot notify config, a second place where a callback URL can stand; null where none is set. */
  snapshotNotifyUrl(domain: string): Promise<NotifyUrlConfig | null>;
  domainMapping(domain: string): Promise<DomainMapping>;
  /** Region of the domain's live centre, e.g. `cn-shanghai`; null where the vendor does not say, or does not list the domain. */
  domainRegion(domain: string): Promise<string | null>;
  /** All streaming domains of the account. */
  streamingDomains(): Promise<string[]>;
  /** How many HTTP calls were made since the start, by action. */
  calls(): Record<string, number>;
  close(): Promise<void>;
}

/** The call allowance of one account at the vendor, shared by every replica that uses it. */
export interface CallBudget {
  /** Books the next free slot of this action and says how long to wait for it. */
  reserve(action: string, spacingMs: number): Promise<{ waitMs: number }>;
  /** The vendor throttled us: nobody books a slot of this action before `pauseMs` have passed. */
  pause(action: string, pauseMs: number): Promise<void>;
}

// ---- the query side ----

export * from './ports/query-ports.ts';
export * from './ports/wall-ports.ts';

export interface TokenRow {
  id: number;
  name: string;
  scope: Scope;
  /** Prefix and first characters. */
  hint: string;
  createdAt: Instant;
  expiresAt: Instant | null;
  lastUsedAt: Instant | null;
  revokedAt: Instant | null;
}

/** Tokens by their SHA-256; a token itself is never stored. */
export interface TokenStore {
  add(token: {
    name: string;
    scope: Scope;
    hint: string;
    hash: Buffer;
    createdAt: Instant;
    expiresAt: Instant | null;
  }): Promise<TokenRow>;
  /** All of them, oldest first, with those that were revoked. */
  list(): Promise<(TokenRow & { hash: Buffer })[]>;
  /** False where there is no such token or it was revoked before. */
  revoke(id: number, at: Instant): Promise<boolean>;
  touch(id: number, usedAt: Instant): Promise<void>;
}

/** Every write that came over the API or a command, for people to read later. Never holds a secret. */
export interface OperatorLog {
  record(entry: OperatorLogEntry): Promise<void>;
  /** Newest first; `after` is the id of the last row of the page before. */
  list(query: { window: TimeWindow; after: number | null; limit: number }): Promise<RecordedOperation[]>;
}

export interface RecordedOperation extends OperatorLogEntry {
  id: number;
  at: Instant;
}

export interface OperatorLogEntry {
  /** Name of the token, `environment`, `local` or `command line`. */
  actor: string;
  /** e.g. `POST /excused-spans` or `tokens create`. */
  action: string;
  /** What it was done to: a path or an id. */
  target: string;
  /** The request as far as it holds no secret. */
  detail: unknown;
  /** HTTP status, or null from a command. */
  status: number | null;
  remoteAddress: string | null;
}

// ---- streams, sessions and the audit ----

export * from './ports/audit-ports.ts';

// ---- what the receiver keeps ----

/** A capture on its way into the store; one row may stand for several deliveries. */
export interface IncomingCapture extends CaptureRow {
  flags: number;
  deliveries: number;
}

export interface QuarantineEntry {
  receivedAt: Instant;
  /** rejected: the signature; unclassified: the body; implausible: e.g. a time before 2016. */
  kind: 'rejected' | 'unclassified' | 'implausible';
  /** kebab-case, e.g. `signature-mismatch`. */
  reason: string;
  remoteAddress: string | null;
  headers: Record<string, string>;
  body: Uint8Array;
  domain: string | null;
  app: string | null;
  stream: string | null;
  object: string | null;
}

/** What of the quarantine is kept; of bodies the bytes. */
export interface QuarantineLimits {
  before: Instant;
  maxRows: number;
  maxBytes: number;
}

/** A request in the quarantine. */
export interface KeptRequest extends QuarantineEntry {
  id: number;
}

export interface RetryableQuarantine {
  /** Requests that were kept whole and neither stored since nor dropped, by id. Of others there is no body to offer again. */
  unsettled(query: {
    afterId: number;
    limit: number;
    kind: QuarantineEntry['kind'] | null;
    reason: string | null;
  }): Promise<KeptRequest[]>;
  /** `outcome`: `stored`, `dropped` or `still-<reason>`. */
  settle(settled: readonly { id: number; outcome: string }[], at: Instant): Promise<void>;
}

/** What was said about publishing; sessions are derived from it. `stream` as told (a push callback may lower-case it). */
export interface SessionSignal extends StreamKey {
  at: Instant;
  kind: 'publish' | 'publish_done' | 'online' | 'listed';
  seenAt: Instant;
  startedAt: Instant | null;
  endedAt: Instant | null;
  pushDomain: string | null;
}

/** An item the store will never take, however often it is offered. */
export interface RefusedItem<T> {
  item: T;
  reason: StorageRefusal;
}

/**
 * Takes whole batches; resolves after the commit. `again` says that an earlier try of this very batch may have committed, so that
 * its deliveries are not counted twice. Rejects when nothing could be committed; returns what it refused for good.
 */
export interface BatchStore<T> {
  write(items: T[], options: { again: boolean; timeoutMs: number }): Promise<RefusedItem<T>[]>;
}

export type SpoolKind = 'capture' | 'signal' | 'quarantine' | 'forward';

export interface SpoolEntry {
  id: number;
  kind: SpoolKind;
  /** JSON of the item. */
  payload: string;
  again: boolean;
}

/** A durable log on the local disk for the time that the database is away. Every method is synchronous and throws `SpoolFullError` or I/O errors. */
export interface Spool {
  /** Durable when it returns. */
  append(entries: Omit<SpoolEntry, 'id'>[]): void;
  /** False where so much of the room is taken that the rest is kept for what is ours to keep. */
  hasRoomForForwards(): boolean;
  /** Oldest first. */
  read(limit: number): SpoolEntry[];
  /** The same, beyond what `removeOthersThrough` has left. */
  readOn(limit: number): SpoolEntry[];
  removeThrough(id: number): void;
  /** Removes all but the forwards, which `read` still gives; returns how many. */
  removeOthersThrough(id: number): number;
  /** From now on these entries read `again`: called before they are written elsewhere, for a crash may come in between. */
  markTriedThrough(id: number): void;
  depth(): { entries: number; bytes: number; oldestAt: Instant | null };
  /** A durable note that this receiver could take callbacks during `[fromAt, toAt)`, for the database later. */
  noteAlive(beat: Heartbeat): void;
  aliveNotes(): Heartbeat[];
  forgetAliveNotes(notes: Heartbeat[]): void;
  /** Takes over a few of the entries that receivers that are gone left in files of their own; true where more are left. */
  absorb(): boolean;
  close(): void;
}

/** What can be seen of a spool from outside. */
export interface SpoolLook {
  /** In files that no process holds. */
  left: { entries: number; oldestAt: Instant | null };
  /** Files that running receivers hold: what is in them only they know. */
  held: number;
  damaged: string[];
}

/** A span in which one receiver could accept callbacks and keep them. */
export interface Heartbeat {
  receiverId: string;
  fromAt: Instant;
  toAt: Instant;
  host: string;
  /** When a request from outside (a callback, the canary) last came through; null or absent: none yet. */
  provenAt?: Instant | null;
}

/** A capture as it is read back. */
export interface StoredCapture extends StreamKey {
  streamId: number;
  at: Instant;
  bucket: string | null;
  object: string;
  /** What the body said, when it said it. */
  capturedAt: Instant | null;
  /** Null where only backfill speaks for it. */
  receivedAt: Instant | null;
  verified: boolean;
  deliveries: number;
  sources: CaptureSource[];
  /** With `at` the row's own key, for paging. */
  discriminator: number;
}

export interface CaptureCursor {
  streamId: number;
  at: Instant;
  discriminator: number;
}

// ---- configs, doctor and passing callbacks on ----

export * from './ports/config-ports.ts';

// ---- alerting ----

export * from './ports/alerting-ports.ts';
export * from './ports/notification-ports.ts';
