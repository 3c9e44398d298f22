import type { Capture, CaptureCallback, Mode } from './capture.ts';
import type { Instant } from './instant.ts';
import { DELIVERY_WINDOW_MS } from './judge-capture.ts';
import type { StreamKey } from './stream-key.ts';
import type { Template } from './template.ts';
import type { CallbackWitness, IndexWitness, ObjectWitness } from './witness.ts';

/** What the witnesses said of one object name of one stream, in any order. */
export interface NamedWitnesses {
  bucket: string;
  object: string;
  callbacks: readonly CallbackWitness[];
  stored: ObjectWitness | null;
  index: readonly IndexWitness[];
  /** When requests that name it were rejected. */
  rejectedAt: readonly Instant[];
}

export interface JoinTerms {
  mode: Mode;
  /** Overwrite captures nearer than half of it are one. Where a name is joined over several configs, that of each moment. */
  intervalMs: number | ((at: Instant) => number);
}

function intervalAt({ intervalMs }: JoinTerms, at: Instant): number {
  return typeof intervalMs === 'number' ? intervalMs : intervalMs(at);
}

/** Two witnesses that both know the moment of the capture differ by less. */
const PRECISE_TOLERANCE_MS = 60_000;
/** An object is not written before its capture; whole seconds and two clocks make it look so by less. */
const CLOCKS_APART_MS = 2_000;
/** Overwrite mode: testimonies come in order of time, so only the last few captures are near enough. */
const NEAR_CLUSTERS = 4;

/**
 * The captures behind one object name: one, where the name tells the time; where it does not (`{Sequence}` alone, overwrite mode)
 * as many as callbacks and index tell apart, and the object testifies only to the newest.
 * `capturedAt` is the instant in the name, if any.
 */
export function capturesOfName(named: NamedWitnesses, capturedAt: Instant | null, terms: JoinTerms): Capture[] {
  if (capturedAt === null) return capturesByTime(named, terms);
  const { bucket, object, stored, index, rejectedAt } = named;
  return [
    {
      at: capturedAt,
      bucket,
      object,
      callback: firstCallback(named.callbacks),
      stored: stored !== null,
      indexed: index.length > 0,
      rejected: rejectedAt.length > 0,
      replaced: false,
    },
  ];
}

export interface WitnessesOfStream {
  callbacks: Iterable<CallbackWitness>;
  objects: Iterable<ObjectWitness>;
  index: Iterable<IndexWitness>;
  rejected: Iterable<{ object: string; receivedAt: Instant }>;
}

/**
 * Joins the witnesses of one stream in one mode and one bucket by object name, in order of time. `templates` are those of every config
 * version that may have named the objects. In overwrite mode give only what is named as an overwrite object, else only the rest.
 */
export function joinCaptures(
  witnesses: WitnessesOfStream,
  bucket: string,
  stream: StreamKey,
  templates: readonly Template[],
  terms: JoinTerms,
): Capture[] {
  interface Named extends NamedWitnesses {
    callbacks: CallbackWitness[];
    index: IndexWitness[];
    rejectedAt: Instant[];
  }
  const byName = new Map<string, Named>();
  const named = (object: string): Named => {
    let entry = byName.get(object);
    if (!entry) {
      entry = { bucket, object, callbacks: [], stored: null, index: [], rejectedAt: [] };
      byName.set(object, entry);
    }
    return entry;
  };
  for (const callback of witnesses.callbacks) named(callback.object).callbacks.push(callback);
  for (const object of witnesses.objects) named(object.key).stored = object;
  for (const row of witnesses.index) named(row.object).index.push(row);
  for (const { object, receivedAt } of witnesses.rejected) byName.get(object)?.rejectedAt.push(receivedAt);
  const captures: Capture[] = [];
  for (const entry of byName.values()) {
    captures.push(...capturesOfName(entry, timeInName(entry.object, stream, templates, knownTime(entry)), terms));
  }
  return captures.sort(compareCaptures);
}

/** A moment soon after the capture, by whoever testifies to the name; of some names it tells how to read them. */
export function knownTime({
  index,
  stored,
  callbacks,
}: Pick<NamedWitnesses, 'index' | 'stored' | 'callbacks'>): Instant | null {
  return index[0]?.createdAt ?? callbacks[0]?.receivedAt ?? stored?.lastModified ?? null;
}

/** The instant in an object name; null where no template finds one. `near`: as for `Template.match`. */
function timeInName(
  object: string,
  stream: StreamKey,
  templates: readonly Template[],
  near: Instant | null,
): Instant | null {
  for (const template of templates) {
    const capturedAt = template.match(object, stream.app, stream.stream, near)?.capturedAt;
    if (capturedAt !== undefined && capturedAt !== null) return capturedAt;
  }
  return null;
}

function compareCaptures(a: Capture, b: Capture): number {
  return a.at - b.at || (a.object < b.object ? -1 : a.object > b.object ? 1 : 0);
}

/** Retries repeat a callback; the first one counts. Nobody can make a capture look early (or not ours) by an unsigned copy of it. */
function firstCallback(callbacks: readonly CallbackWitness[]): CaptureCallback | null {
  let first: CallbackWitness | null = null;
  for (const callback of callbacks) {
    const better =
      !first || (callback.verified !== first.verified ? callback.verified : callback.receivedAt < first.receivedAt);
    if (better) first = callback;
  }
  return first && { receivedAt: first.receivedAt, capturedAt: first.capturedAt, verified: first.verified };
}

interface Testimony {
  at: Instant;
  /** It knows the moment of the capture, not only that of its own arrival. */
  precise: boolean;
  callback: CallbackWitness | null;
  index: IndexWitness | null;
  rejected: boolean;
}

interface Cluster extends Pick<Testimony, 'at' | 'precise'> {
  callbacks: CallbackWitness[];
  index: IndexWitness | null;
  rejected: boolean;
}

function capturesByTime(named: NamedWitnesses, terms: JoinTerms): Capture[] {
  const clusters = clustersOf(named, terms);
  const { stored } = named;
  const captures = clusters.map((cluster) => captureOf(named, cluster));
  if (!stored) {
    for (const older of captures.slice(0, -1)) older.replaced = true;
    return captures;
  }
  // The newest capture that can have written what is there now; those before are replaced, those after were not stored.
  const written = stored.lastModified;
  const { before, after } = writingTolerance(terms, written);
  const newest = clusters.findLastIndex(
    (cluster) => cluster.at - written <= (cluster.precise ? Math.min(after, CLOCKS_APART_MS) : after),
  );
  const fits = newest >= 0 && written - clusters[newest]!.at <= before;
  for (let older = 0; older < (fits ? newest : newest + 1); older++) captures[older]!.replaced = true;
  if (fits) {
    captures[newest]!.stored = true;
    // Both come after the capture: a callback late, or the write because the object was written anew.
    if (!clusters[newest]!.precise) captures[newest]!.at = Math.min(clusters[newest]!.at, written);
    return captures;
  }
  const rejected = named.rejectedAt.some((at) => at >= written - after && at <= written + before);
  captures.splice(newest + 1, 0, { ...captureOf(named, null), at: written, stored: true, rejected });
  return captures;
}

/** How long before and after its writing a capture may seem to be. A name that counts is given once a push: at any distance. */
function writingTolerance(terms: JoinTerms, written: Instant): { before: number; after: number } {
  if (terms.mode === 'overwrite') return { before: DELIVERY_WINDOW_MS, after: intervalAt(terms, written) / 2 };
  return { before: Number.POSITIVE_INFINITY, after: Number.POSITIVE_INFINITY };
}

function clustersOf(named: NamedWitnesses, terms: JoinTerms): Cluster[] {
  return terms.mode === 'overwrite' ? clustersByDistance(named, terms) : clustersByPush(named);
}

/** Overwrite mode: every capture has the same name. */
function clustersByDistance(named: NamedWitnesses, terms: JoinTerms): Cluster[] {
  const clusters: Cluster[] = [];
  for (const testimony of testimoniesOf(named).sort((a, b) => a.at - b.at)) {
    const home = clusters
      .slice(-NEAR_CLUSTERS)
      .findLast((cluster) => belongs(testimony, cluster, intervalAt(terms, cluster.at)));
    if (home) join(home, testimony);
    else if (!testimony.rejected) clusters.push(newCluster(testimony));
  }
  return clusters;
}

/**
 * A name that only counts (`{Sequence}`) is one capture's, unless a new push began to count anew: then the index has a row of each, or
 * two witnesses that know the moment are far apart, or the object was written long after the capture and right before another
 * callback. Without that, a callback belongs to the last capture before it, however late it came.
 */
function clustersByPush(named: NamedWitnesses): Cluster[] {
  const clusters: Cluster[] = [];
  const written = named.stored?.lastModified ?? null;
  // Order matters: the index comes first, then whoever else knows the moment.
  const rank = ({ index, precise }: Testimony) => (index ? 0 : precise ? 1 : 2);
  for (const testimony of testimoniesOf(named).sort((a, b) => rank(a) - rank(b) || a.at - b.at)) {
    const { at, precise, rejected } = testimony;
    const home = precise ? nearest(clusters, at) : lastBefore(clusters, at);
    const tolerance = testimony.index ? CLOCKS_APART_MS : PRECISE_TOLERANCE_MS;
    const isFar = (instant: Instant) => home === undefined || instant - home.at > tolerance;
    const writtenThen = written !== null && Math.abs(at - written) <= PRECISE_TOLERANCE_MS;
    const anotherPush = precise ? isFar(at) : writtenThen && isFar(written);
    if (home && (rejected || !anotherPush)) join(home, testimony);
    else if (!rejected)
      clusters.splice(clusters.findLastIndex((cluster) => cluster.at <= at) + 1, 0, newCluster(testimony));
  }
  return clusters;
}

function nearest(clusters: readonly Cluster[], at: Instant): Cluster | undefined {
  let best: Cluster | undefined;
  for (const cluster of clusters) {
    if (cluster.at > at + PRECISE_TOLERANCE_MS) break;
    if (!best || Math.abs(cluster.at - at) <= Math.abs(best.at - at)) best = cluster;
  }
  return best;
}

/** What comes in before a capture comes from a clock that is slow, but of two captures the earlier one is meant. */
function lastBefore(clusters: readonly Cluster[], at: Instant): Cluster | undefined {
  const before = clusters.findLast((cluster) => cluster.at <= at + CLOCKS_APART_MS);
  return before ?? clusters.find((cluster) => cluster.at <= at + PRECISE_TOLERANCE_MS);
}

function testimoniesOf({ callbacks, index, rejectedAt }: NamedWitnesses): Testimony[] {
  const none = { callback: null, index: null, rejected: false };
  return [
    ...index.map((row) => ({ ...none, at: row.createdAt, precise: true, index: row })),
    ...callbacks.map((callback) => ({
      ...none,
      at: callback.capturedAt ?? callback.receivedAt,
      precise: callback.capturedAt !== null,
      callback,
    })),
    ...rejectedAt.map((at) => ({ ...none, at, precise: false, rejected: true })),
  ];
}

function belongs(testimony: Testimony, cluster: Cluster, intervalMs: number): boolean {
  if (testimony.callback && cluster.callbacks.length > 0) {
    // Nothing but its own word tells a repeated callback from the next capture.
    return testimony.callback.capturedAt !== null && testimony.callback.capturedAt === cluster.callbacks[0]!.capturedAt;
  }
  if (testimony.index && cluster.index) return testimony.index.createdAt === cluster.index.createdAt;
  return testimony.at - cluster.at <= intervalMs / 2;
}

function newCluster(testimony: Testimony): Cluster {
  const cluster: Cluster = {
    at: testimony.at,
    precise: testimony.precise,
    callbacks: [],
    index: null,
    rejected: false,
  };
  join(cluster, testimony);
  return cluster;
}

function join(cluster: Cluster, testimony: Testimony): void {
  if (testimony.precise && !cluster.precise) {
    cluster.at = testimony.at;
    cluster.precise = true;
  }
  if (testimony.callback) cluster.callbacks.push(testimony.callback);
  cluster.index ??= testimony.index;
  cluster.rejected ||= testimony.rejected;
}

function captureOf({ bucket, object }: NamedWitnesses, cluster: Cluster | null): Capture {
  const callback = cluster ? firstCallback(cluster.callbacks) : null;
  return {
    at: callback?.capturedAt ?? cluster?.index?.createdAt ?? cluster?.at ?? 0,
    bucket,
    object,
    callback,
    stored: false,
    indexed: cluster?.index != null,
    rejected: cluster?.rejected ?? false,
    replaced: false,
  };
}
