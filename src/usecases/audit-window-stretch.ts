import type { Capture } from '../core/capture.ts';
import type { ConfigVersion } from '../core/config-version.ts';
import type { Instant } from '../core/instant.ts';
import type { LifecycleRule } from '../core/judge-capture.ts';
import type { Span } from '../core/span.ts';
import type { CallbackWitness, IndexWitness, ObjectWitness } from '../core/witness.ts';
import type { StoredCapture, StreamRow } from '../ports.ts';

export interface Rejection {
  object: string;
  receivedAt: Instant;
  reason: string;
}

/** Nobody may say, or has said yet, why an object is gone. */
export const RULES_NOT_READ: readonly LifecycleRule[] = [{ prefix: '', days: null }];

/** Where was looked, and what the bucket's rules are: empty where none is, or where no object is gone and nobody asked. */
export interface StretchLooks {
  listed: Span[];
  indexed: Span[];
  lifecycle: readonly LifecycleRule[];
}

/** What was seen of a stretch of one stream's time, besides the callbacks. */
export interface Stretch extends StretchLooks {
  objects: readonly ObjectWitness[];
  /** The object that overwrite captures are written to. */
  overwritten: ObjectWitness | null;
  rejected: readonly Rejection[];
  index: readonly IndexWitness[];
}

export const NOTHING_SEEN: Stretch = {
  objects: [],
  overwritten: null,
  rejected: [],
  index: [],
  listed: [],
  indexed: [],
  lifecycle: [],
};

/** All that one stretch of a stream was judged by, besides sessions, configs and what holds for every stream. */
export interface RecordedStretch extends Omit<Stretch, 'listed'> {
  stream: StreamRow;
  config: ConfigVersion | null;
  /** Some of them were recorded with the stretch before: neighbouring stretches overlap. */
  callbacks: readonly StoredCapture[];
  /** Prefixes (or whole keys) under which OSS was looked at in full. */
  listed: readonly { prefix: string; from: Instant; to: Instant }[];
}

/** Stored captures by who testifies to them: a callback, and (where a backfill asked it) the vendor's index. */
export function witnessesOf(read: readonly StoredCapture[]): { callbacks: CallbackWitness[]; index: IndexWitness[] } {
  const callbacks: CallbackWitness[] = [];
  const index: IndexWitness[] = [];
  for (const { at, bucket, object, capturedAt, receivedAt, verified, sources } of read) {
    if (receivedAt !== null) callbacks.push({ bucket: bucket ?? '', object, capturedAt, receivedAt, verified });
    if (sources.includes('index')) index.push({ object, createdAt: capturedAt ?? at, overlay: null });
  }
  return { callbacks, index };
}

/** Only the bucket's rules can tell why. */
export function isGone({ stored, indexed, replaced }: Capture): boolean {
  return indexed && !stored && !replaced;
}
