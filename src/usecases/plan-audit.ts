import { compareKeys } from '../core/object-key.ts';

/** At most so many keys a list call returns (reference/oss.md section 1). */
export const KEYS_PER_CALL = 1_000;

/** One stream in one mode whose new objects are to be listed. */
export interface StreamToList {
  streamId: number;
  bucket: string;
  endpoint: string;
  /** The longest static prefix of this stream's keys. */
  prefix: string;
  /** The longest static prefix that all streams of the app share. */
  sharedPrefix: string;
  /** Exclusive: from here on come the keys that are new; null where the names do not sort by time. */
  startAfter: string | null;
  /** True where the stream's keys lie together in key order, so that one stream ends before the next begins. */
  keysLieTogether: boolean;
  /** How many keys are expected after `startAfter` (all of the stream's, where that is null). */
  newKeys: number;
  /** How many keys of the stream there are in all, as far as can be told. */
  allKeys: number;
}

/** One listing to make: pages under `prefix` after `startAfter`, serving `streams` in key order. */
export interface PlannedListing {
  bucket: string;
  endpoint: string;
  prefix: string;
  startAfter: string | null;
  /** stream: the prefix is one stream's own; shared: the keys of several streams come in it. */
  kind: 'stream' | 'shared';
  streams: StreamToList[];
  expectedKeys: number;
  /** Calls that this is expected to take. */
  expectedCalls: number;
}

/**
 * One listing per stream or one per shared prefix, whichever needs fewer calls. Where both need as many, per stream, for
 * that reads no key twice. A shared listing pays off in two cases: many idle streams with few keys each, and names in
 * which the time comes before the stream, so that everything new lies together.
 */
export function planAudit(streams: readonly StreamToList[]): PlannedListing[] {
  const groups = new Map<string, StreamToList[]>();
  for (const stream of streams) {
    const key = JSON.stringify([stream.bucket, stream.endpoint, stream.sharedPrefix]);
    const group = groups.get(key);
    if (group) group.push(stream);
    else groups.set(key, [stream]);
  }
  return [...groups.values()].flatMap((group) => {
    const alone = group.map(listAlone);
    const together = listTogether(group);
    const callsAlone = alone.reduce((sum, { expectedCalls }) => sum + expectedCalls, 0);
    return together && together.expectedCalls < callsAlone ? [together] : alone;
  });
}

function listAlone(stream: StreamToList): PlannedListing {
  const { bucket, endpoint, prefix, startAfter } = stream;
  const expectedKeys = stream.startAfter === null ? stream.allKeys : stream.newKeys;
  const expectedCalls = calls(expectedKeys);
  return { bucket, endpoint, prefix, startAfter, kind: 'stream', streams: [stream], expectedKeys, expectedCalls };
}

function listTogether(group: StreamToList[]): PlannedListing | null {
  const first = group[0];
  // Names without a time in order come in whole and would be held in memory for all streams at once.
  if (!first || group.length < 2 || group.some((stream) => stream.startAfter === null)) return null;
  // The listing must cross every key between the first new one and the last, so the old keys of all but the first
  // stream come along where a stream's keys lie together.
  const sorted = [...group].sort((a, b) => compareKeys(a.startAfter!, b.startAfter!));
  const keys = sorted.reduce(
    (sum, stream, index) => sum + (stream.keysLieTogether && index > 0 ? stream.allKeys : stream.newKeys),
    0,
  );
  return {
    bucket: first.bucket,
    endpoint: first.endpoint,
    prefix: first.sharedPrefix,
    startAfter: sorted[0]!.startAfter,
    kind: 'shared',
    streams: sorted,
    expectedKeys: keys,
    expectedCalls: calls(keys),
  };
}

function calls(keys: number): number {
  return Math.max(1, Math.ceil(keys / KEYS_PER_CALL));
}
