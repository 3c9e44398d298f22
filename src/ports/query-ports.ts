/**
 * What the query use cases need of the database: plain reads, in pages by key. Rows come back in the order that the method
 * names; `after` is the last row of the page before. Part of `ports.ts`.
 */

import type { Mode } from '../core/capture.ts';
import type { CaptureSource } from '../core/capture-flags.ts';
import type { VerdictLabels, VerdictRun } from '../core/capture-verdict.ts';
import type { ConfigVersion } from '../core/config-version.ts';
import type { Instant } from '../core/instant.ts';
import type { StreamKey } from '../core/stream-key.ts';
import type { TimeWindow } from '../core/time-window.ts';
import type { Cause, SlotCounts, Verdict } from '../core/verdict.ts';
import type { AuditTotals, StoredExcusedSpan } from './audit-ports.ts';
import type { StoredConfigState } from './config-ports.ts';

/** Several values are alternatives; absent: all. */
export interface ScopeFilter {
  domain?: readonly string[] | undefined;
  app?: readonly string[] | undefined;
  stream?: readonly string[] | undefined;
}

export interface KnownStream extends StreamKey {
  id: number;
  firstSeenAt: Instant;
}

/** What is stored of the present of one stream. */
export interface StoredStanding {
  streamId: number;
  session: { startedAt: Instant; endedAt: Instant | null } | null;
  /** The newest capture of that session. */
  lastCaptureAt: Instant | null;
  openGap: (VerdictRun & { slots: number }) | null;
  auditedUntil: Instant | null;
}

export interface StreamReads {
  /** By domain, app, stream. */
  streams(query: { filter: ScopeFilter; after: StreamKey | null; limit: number }): Promise<KnownStream[]>;
  standings(streamIds: readonly number[]): Promise<Map<number, StoredStanding>>;
  domains(): Promise<{ domain: string; apps: number; streams: number }[]>;
  apps(filter: ScopeFilter): Promise<{ domain: string; app: string; streams: number }[]>;
  /** Spans, not cancelled, that share an instant with `[from, to)`. */
  excusedSpans(from: Instant, to: Instant): Promise<StoredExcusedSpan[]>;
  /** The end of the newest heartbeat of any receiver. */
  receiverAliveUntil(): Promise<Instant | null>;
}

export interface StoredConfigVersion extends ConfigVersion {
  id: number;
  source: 'observed' | 'applied';
  recordedAt: Instant;
}

export interface ConfigReads {
  /** All versions, oldest first; they are few. */
  configVersions(filter: ScopeFilter): Promise<StoredConfigVersion[]>;
  /** What the last look found, by domain, kind and app; of the filter only `domain` counts. */
  configStates(filter: ScopeFilter): Promise<StoredConfigState[]>;
}

export interface SessionRow extends StreamKey {
  streamId: number;
  startedAt: Instant;
  endedAt: Instant | null;
  certainty: 'announced' | 'listed' | 'inferred';
  endCertain: boolean;
}

export interface SessionReads {
  /** Newest start first; those that share an instant with the window. */
  sessionRows(query: {
    filter: ScopeFilter;
    window: TimeWindow;
    onAir: boolean | null;
    after: { startedAt: Instant; streamId: number } | null;
    limit: number;
  }): Promise<SessionRow[]>;
  sessionRow(streamId: number, startedAt: Instant): Promise<SessionRow | null>;
  /** When the stream's session before that one ended, and when the one after it started. */
  sessionNeighbours(
    streamId: number,
    startedAt: Instant,
  ): Promise<{ endedBefore: Instant | null; startedAfter: Instant | null }>;
  /** Slots per session, sequence and overwrite mode together; a session that was not judged yet has none. */
  sessionSlots(
    sessions: readonly { streamId: number; startedAt: Instant; endedAt: Instant | null }[],
  ): Promise<SlotCounts[]>;
}

export interface CaptureFilter {
  source?: readonly CaptureSource[] | undefined;
  verified?: boolean | undefined;
  /** Delay from capture to receipt, inclusive; a capture that only backfill found has none. */
  minDelayMs?: number | undefined;
  maxDelayMs?: number | undefined;
  /** With the verdicts of the stream's instants. */
  verdict?: { is: readonly Verdict[]; labels: VerdictLabels } | undefined;
}

export interface CapturePlace {
  capturedAt: Instant;
  discriminator: number;
}

export interface CaptureRead extends CapturePlace {
  bucket: string | null;
  endpoint: string | null;
  object: string;
  /** What the body said. */
  toldAt: Instant | null;
  /** null where only backfill found it. */
  receivedAt: Instant | null;
  deliveries: number;
  verified: boolean;
  sources: CaptureSource[];
  /** Overwrite where the body says so, or the name holds neither time nor number. */
  mode: Mode;
}

export interface StoredRun extends VerdictRun {
  mode: Mode;
  slots: number;
  sessionStartedAt: Instant | null;
}

export interface CaptureReads {
  /** Streams that have a capture in the window, by domain, app, stream. */
  streamsWithCaptures(query: {
    filter: ScopeFilter;
    window: TimeWindow;
    after: StreamKey | null;
    limit: number;
  }): Promise<KnownStream[]>;
  captureRows(query: {
    stream: KnownStream;
    window: TimeWindow;
    filter: CaptureFilter;
    order: 'newest' | 'oldest';
    after: CapturePlace | null;
    limit: number;
  }): Promise<CaptureRead[]>;
  /** What the callback of one capture said, field for field; null where no callback came. */
  callbackBody(stream: KnownStream, place: CapturePlace): Promise<Record<string, unknown> | null>;
  streamById(id: number): Promise<KnownStream | null>;
  /** Runs of the stream that share an instant with the window, by start; and how far the audit has come. */
  verdictRuns(streamId: number, window: TimeWindow): Promise<{ runs: StoredRun[]; auditedUntil: Instant | null }>;
}

/** Captures as lines of a file, streamed at constant memory. */
export interface CaptureExports {
  /** Oldest first; whole lines with their ends, in chunks of any size. No header. */
  captureLines(query: {
    stream: KnownStream;
    window: TimeWindow;
    filter: CaptureFilter;
    labels: VerdictLabels;
    after: CapturePlace | null;
    format: 'csv' | 'ndjson';
  }): AsyncIterable<Buffer>;
}

export interface GapRead extends StreamKey {
  streamId: number;
  from: Instant;
  to: Instant;
  sessionStartedAt: Instant | null;
  slots: number;
  verdict: Verdict;
  cause: Cause | null;
  mode: Mode;
  /** The run may still grow or change. */
  open: boolean;
  reason: string | null;
  evidence: unknown;
}

export interface GapPlace {
  from: Instant;
  streamId: number;
  verdict: Verdict;
  mode: Mode;
}

export interface GapFilter {
  verdict?: readonly Verdict[] | undefined;
  cause?: readonly Cause[] | undefined;
  open?: boolean | undefined;
}

export interface GapReads {
  /** Newest start first; runs that share an instant with the window. */
  gapRows(query: {
    scope: ScopeFilter;
    filter: GapFilter;
    window: TimeWindow;
    after: GapPlace | null;
    limit: number;
  }): Promise<GapRead[]>;
  gapRow(place: GapPlace): Promise<GapRead | null>;
}

export interface LongestGap {
  streamId: number;
  /** Within the window. */
  from: Instant;
  to: Instant;
  slots: number;
  verdict: Verdict;
  cause: Cause | null;
  mode: Mode;
}

export interface ReportReads {
  /** The longest fault of every stream that has one in the window. */
  longestGaps(scope: ScopeFilter, from: Instant, to: Instant): Promise<LongestGap[]>;
}

export const COVERAGE_UNITS = ['hour', 'day', 'month', 'total'] as const;
export type CoverageUnit = (typeof COVERAGE_UNITS)[number];
export const COVERAGE_GROUPS = ['stream', 'app', 'domain', 'all'] as const;
export type CoverageGroup = (typeof COVERAGE_GROUPS)[number];

export interface CoverageRow {
  /** Start of the hour, day or month (UTC); null for `total`. */
  at: Instant | null;
  domain: string | null;
  app: string | null;
  stream: string | null;
  slots: SlotCounts;
}

/** Names are '' where the group does not have them, `at` is 0 for `total`. */
export type CoveragePlace = [at: Instant, domain: string, app: string, stream: string];

export interface CoverageReads {
  /** By time, then by name. The window holds whole hours. */
  coverageRows(query: {
    scope: ScopeFilter;
    from: Instant;
    to: Instant;
    per: CoverageUnit;
    by: CoverageGroup;
    after: CoveragePlace | null;
    limit: number;
  }): Promise<CoverageRow[]>;
}

export interface AuditRead extends AuditTotals {
  id: number;
  domain: string;
  app: string | null;
  kind: 'audit' | 'backfill';
  from: Instant;
  to: Instant;
  startedAt: Instant;
  finishedAt: Instant | null;
  status: 'running' | 'done' | 'failed';
  error: string | null;
  seconds: number | null;
}

export interface AuditReads {
  /** Newest first. */
  auditRows(query: {
    domain: readonly string[] | undefined;
    status: readonly AuditRead['status'][] | undefined;
    window: TimeWindow;
    after: number | null;
    limit: number;
  }): Promise<AuditRead[]>;
}

export type QuarantineKind = 'rejected' | 'unclassified' | 'implausible';

export interface QuarantineRead {
  id: number;
  receivedAt: Instant;
  kind: QuarantineKind;
  reason: string;
  remoteAddress: string | null;
  domain: string | null;
  app: string | null;
  stream: string | null;
  object: string | null;
  bodyBytes: number;
  retriedAt: Instant | null;
  outcome: string | null;
}

export interface QuarantineHistory {
  /** Newest first. */
  quarantineRows(query: {
    scope: ScopeFilter;
    kind: readonly QuarantineKind[] | undefined;
    reason: readonly string[] | undefined;
    settled: boolean | undefined;
    window: TimeWindow;
    after: number | null;
    limit: number;
  }): Promise<QuarantineRead[]>;
  quarantineRow(id: number): Promise<(QuarantineRead & { headers: Record<string, unknown>; body: Buffer }) | null>;
}

export interface HistoryReads
  extends StreamReads,
    ConfigReads,
    SessionReads,
    CaptureReads,
    GapReads,
    ReportReads,
    CoverageReads,
    AuditReads,
    QuarantineHistory {}
