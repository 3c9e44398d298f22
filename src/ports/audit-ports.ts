/** What tracking sessions and auditing need of the stores. */
import type { Mode } from '../core/capture.ts';
import type { Gap } from '../core/gap.ts';
import type { Instant } from '../core/instant.ts';
import type { StoredJudgement } from '../core/seen-stored.ts';
import type { Span } from '../core/span.ts';
import type { StreamKey } from '../core/stream-key.ts';
import type { SlotCounts } from '../core/verdict.ts';

export interface OnlineStream extends StreamKey {
  publishedAt: Instant;
  publishDomain: string | null;
}

export interface PublishRecord extends StreamKey {
  publishedAt: Instant;
  /** null while it runs (absent or empty in the answer). */
  stoppedAt: Instant | null;
  publishDomain: string | null;
}

export interface StreamRow extends StreamKey {
  id: number;
}

/** What was said about publishing. `online` and `listed`: one row per stream and publish, refreshed by every poll. */
export interface SessionSignalRow {
  kind: 'publish' | 'publish_done' | 'online' | 'listed';
  /** publish, publish_done: the instant that the signal names; online, listed: the publish time. */
  at: Instant;
  /** When it reached us; online: the last poll that saw the stream. */
  seenAt: Instant;
  startedAt: Instant | null;
  /** online: the first poll that no longer saw the stream; listed: the stop time. */
  endedAt: Instant | null;
  pushDomain: string | null;
}

export type SessionCertainty = 'announced' | 'listed' | 'inferred';

export interface StoredSession {
  startedAt: Instant;
  endedAt: Instant | null;
  certainty: SessionCertainty;
  endCertain: boolean;
}

export interface SessionStore {
  /** Ids in the order of `keys`; streams that are new are added. */
  ensureStreams(keys: readonly StreamKey[]): Promise<number[]>;
  streams(domain: string): Promise<StreamRow[]>;
  /** Those whose sessions may have changed since: something new was said of them, or they have captures that no session explains. */
  streamsToTrack(domain: string, since: Instant): Promise<StreamRow[]>;
  /** Those of the streams whose session goes on for us though a push callback may have told its end, last at `toldAt`. */
  endsToTrack(streamIds: readonly number[]): Promise<(StreamRow & { toldAt: Instant })[]>;
  /** All streams of the same domain and app whose names differ from one of these in case alone, these included. */
  streamsAlike(streams: readonly StreamRow[]): Promise<(StreamRow & { exact: boolean })[]>;
  /** Instants of captures that no announced or listed session explains, and that more than an unsigned claim speaks for; oldest first. */
  capturesOutsideSessions(streamId: number, from: Instant, limit: number): Promise<Instant[]>;
  /** The last capture of `[from, to)`; null where there is none. */
  lastCapture(streamId: number, from: Instant, to: Instant): Promise<Instant | null>;
  recordOnline(domain: string, streams: readonly OnlineStream[], polledAt: Instant): Promise<void>;
  recordPublishes(publishes: readonly PublishRecord[], seenAt: Instant): Promise<void>;
  /** In order of `at`. */
  signals(streamIds: readonly number[], from: Instant): Promise<Map<number, SessionSignalRow[]>>;
  /** Sessions that share an instant with `[from, to)`, in order of start. */
  sessions(streamIds: readonly number[], from: Instant, to: Instant): Promise<Map<number, StoredSession[]>>;
  /**
   * Makes the stored sessions of the stream that start at or after `from` equal to `sessions`, and marks what was already judged and has
   * changed as late evidence. Twice is harmless.
   */
  replaceSessions(streamId: number, from: Instant, sessions: readonly StoredSession[]): Promise<void>;
}

export interface AuditTotals {
  streams: number;
  /** Listings of OSS, those included that prove what a HEAD did not find. */
  listCalls: number;
  /** Calls to OSS about one thing: a HEAD, or a bucket's lifecycle rules where an object is gone. */
  headCalls: number;
  /** Calls to the vendor's Live API: pages of its index, and a backfill's look into the publish list. */
  indexCalls: number;
  keys: number;
  captures: number;
  /** Captures that nobody had told us of, and that a backfill found. */
  restored: number;
}

/** What a backfill has done before its audit. */
export interface BackfillCost extends Pick<AuditTotals, 'listCalls' | 'indexCalls' | 'keys' | 'restored'> {
  startedAt: Instant;
  seconds: number;
}

export interface Watermark {
  auditedUntil: Instant;
  lastKey: string | null;
  /** Opaque to the store. */
  state: unknown;
  /** 0 where there is none yet. */
  version: number;
}

export interface LateEvidence {
  from: Instant;
  ids: number[];
}

/** What one session in one mode amounts to; replaces what was judged after `StreamCommit.base`. */
export interface SessionCommit {
  /** null: captures outside every session. */
  sessionStartedAt: Instant | null;
  mode: Mode;
  /** Hours from this one on are replaced. */
  hoursFrom: Instant;
  hours: { hour: Instant; slots: SlotCounts }[];
  finalGaps: GapRow[];
  provisionalGaps: GapRow[];
}

export interface GapRow extends Gap {
  /** Object names and facts of the first slots, for people. */
  evidence: Record<string, unknown> | null;
}

export interface StreamCommit {
  streamId: number;
  auditId: number | null;
  /** The version that was judged from; where the stored one differs, nothing is written. */
  expectedVersion: number;
  /** The judgement went on from here: what became final by then stays. */
  base: Instant;
  /** What was judged of before is not touched, whenever it became final, and all from here on is replaced; null: no such border. */
  standsBefore: Instant | null;
  /** Where the audit stands now; where it could not look, where it stood before, and all after `base` is provisional. */
  watermark: Omit<Watermark, 'version'>;
  /** A state to keep for judging again; those after `base` are dropped. */
  keep: { at: Instant; state: unknown }[];
  sessions: SessionCommit[];
  /** Starts of all sessions that stand; what is stored for others that start at or after `base` goes. */
  standing: Instant[];
  /** Late evidence that this judgement took in. */
  lateEvidenceIds: number[];
  foreign: ForeignKeys[];
}

export interface ForeignKeys {
  bucket: string;
  prefix: string;
  count: number;
  example: string;
  lastModified: Instant;
}

/** A stream with sessions that are not judged to their end yet, or with late evidence. */
export interface StreamToAudit extends StreamRow {
  auditedUntil: Instant | null;
  /** Of all its sessions, as far as known: tells how many objects there may be. */
  secondsOnAir: number;
}

export interface AuditStore {
  /** Of a domain (and app, and stream), by app and stream. Sessions that begin before `to` count. */
  streamsToAudit(scope: {
    domain: string;
    app: string | null;
    stream: string | null;
    to: Instant;
  }): Promise<StreamToAudit[]>;
  /** When a receiver of ours was alive for the first time; null where none ever was. */
  observedSince(): Promise<Instant | null>;
  /** Captures of before were dropped (retention): no slot of then can be judged any more. null where none ever were. */
  capturesKeptSince(): Promise<Instant | null>;
  /** Spans of `[from, to)` in which no receiver of ours could take callbacks, merged. */
  blindSpans(from: Instant, to: Instant): Promise<Span[]>;
  /** Spans of `[from, to)` in which requests were rejected whose names could not be kept, merged. */
  unkeptSpans(from: Instant, to: Instant): Promise<Span[]>;
  /** Requests that were rejected and name one of the objects. */
  rejections(objects: readonly string[]): Promise<{ object: string; receivedAt: Instant; reason: string }[]>;
  begin(audit: {
    domain: string;
    app: string | null;
    kind: 'audit' | 'backfill';
    from: Instant;
    to: Instant;
    startedAt: Instant;
  }): Promise<number>;
  finish(
    id: number,
    outcome: { finishedAt: Instant; seconds: number; error: string | null } & AuditTotals,
  ): Promise<void>;
  watermark(streamId: number): Promise<Watermark | null>;
  watermarks(streamIds: readonly number[]): Promise<Map<number, Watermark>>;
  /** The latest kept state at or before the instant. */
  keptState(streamId: number, at: Instant): Promise<{ at: Instant; state: unknown } | null>;
  /** What stands of the stream for slots of `[from, to)`. */
  judgedBetween(streamId: number, from: Instant, to: Instant): Promise<StoredJudgement>;
  lateEvidence(streamIds: readonly number[]): Promise<Map<number, LateEvidence>>;
  markLate(streamIds: readonly number[], from: Instant, reason: string): Promise<void>;
  /** One transaction; false where another replica was faster, and then nothing was written. */
  commit(commit: StreamCommit): Promise<boolean>;
  /** Blind spans as the last audit saw them. */
  judgedBlindSpans(): Promise<Span[]>;
  /** Remembers them, and has the streams judged again that were on air during `changed` and are judged past its start. */
  replaceJudgedBlindSpans(spans: readonly Span[], changed: readonly Span[]): Promise<void>;
  /** Blind spans that a backfill of ours has filled. */
  backfilledSpans(from: Instant): Promise<Span[]>;
  recordBackfilledSpan(span: Span): Promise<void>;
  /** Slots and faults of `[from, to)`, for a summary. Hours are taken whole. */
  slotsBetween(
    scope: { domain: string; app: string | null; stream: string | null },
    from: Instant,
    to: Instant,
  ): Promise<SlotCounts>;
  /**
   * Drops states that nothing will be judged again from, rows of audits that nobody looks up any more, and late evidence of domains
   * that nobody has audited since `statesBefore` and that are none of `domains`.
   */
  prune(limits: { statesBefore: Instant; auditsBefore: Instant; domains: readonly string[] }): Promise<void>;
}

export interface StoredExcusedSpan {
  id: number;
  from: Instant;
  to: Instant;
  /** null: all of them. */
  domain: string | null;
  app: string | null;
  stream: string | null;
  reason: string;
}

export interface ExcusedSpanRow extends StoredExcusedSpan {
  author: string;
  createdAt: Instant;
  cancelledAt: Instant | null;
}

export interface ExcusedStore {
  /** Adds a span and has every stream that it touches judged again from its start. */
  add(span: Omit<ExcusedSpanRow, 'id' | 'createdAt' | 'cancelledAt'>): Promise<ExcusedSpanRow>;
  /** Ends its effect, on the past too; null where there is none with that id, or where it is cancelled already. */
  cancel(id: number, at: Instant): Promise<ExcusedSpanRow | null>;
  /** Those in force that share an instant with `[from, to)`. */
  inForce(from: Instant, to: Instant): Promise<ExcusedSpanRow[]>;
}
