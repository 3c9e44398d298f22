import type { ConfigVersion } from '../core/config-version.ts';
import type { Instant } from '../core/instant.ts';
import type { LifecycleRule } from '../core/judge-capture.ts';
import type { StoredJudgement } from '../core/seen-stored.ts';
import type { Span } from '../core/span.ts';
import type { IndexWitness, ObjectWitness } from '../core/witness.ts';
import type { ExcusedSpanRow, StoredCapture, StoredSession, StreamRow, Watermark } from '../ports.ts';
import type { RecordedStretch, Rejection } from './audit-window-stretch.ts';

/** What the auditing of one stream asks of outside; each may throw `CouldNotLookError`. */
export interface StreamLooks {
  callbacks(streamId: number, from: Instant, to: Instant): Promise<StoredCapture[]>;
  /** null: proven absent; undefined: not asked, for the right is missing or enough were asked. */
  head(bucket: string, endpoint: string, key: string, essential: boolean): Promise<ObjectWitness | null | undefined>;
  index(stream: StreamRow, from: Instant, to: Instant): Promise<IndexWitness[]>;
  /** `RULES_NOT_READ` without the right to. */
  lifecycle(bucket: string, endpoint: string): Promise<readonly LifecycleRule[]>;
  rejections(objects: string[]): Promise<Rejection[]>;
  /** What stands of the stream for slots of `[from, to)`. */
  judged(streamId: number, from: Instant, to: Instant): Promise<StoredJudgement>;
  /** Has the stream judged again from there on. */
  markLate(streamId: number, from: Instant): Promise<void>;
  /** Takes down all that a stretch was judged by, for an evidence file. */
  record?: ((stretch: RecordedStretch) => Promise<void>) | undefined;
}

export interface StreamTerms {
  now: Instant;
  /** Slots before are judged. */
  to: Instant;
  settleSeconds: number;
  lateAfterSeconds: number;
  callbackUrl: string | null;
  /** Captures from before are not kept any more: nobody can tell who was told of them. The start of a day. */
  keptFrom: Instant;
  versions: readonly ConfigVersion[];
  blind: readonly Span[];
  /** In which more requests were rejected than could be kept by name. */
  unkept: readonly Span[];
  excused: readonly ExcusedSpanRow[];
  looks: StreamLooks;
}

/** Where the judgement of a stream starts from. */
export interface StreamStart {
  stream: StreamRow;
  /** In order of start; those that reach into what is to be judged, and a few before. */
  sessions: readonly StoredSession[];
  /** Nothing before is ours to judge. */
  since: Instant;
  watermark: Watermark | null;
  /** Late evidence: from here on it is judged again. */
  late: { from: Instant; ids: number[] } | null;
  /** A kept state from before the late evidence. */
  kept: { at: Instant; state: unknown } | null;
}
