import type { Instant } from '../core/instant.ts';
import { compareKeys } from '../core/object-key.ts';
import type { StreamKey } from '../core/stream-key.ts';
import type { Template } from '../core/template.ts';
import type { ObjectWitness } from '../core/witness.ts';
import type { Bucket } from '../ports.ts';
import type { StreamAudit } from './audit-window-stream.ts';
import { KEYS_PER_CALL, type PlannedListing, type StreamToList } from './plan-audit.ts';

/** What a listing is read for: one stream's objects with captures of `[from, to)`. */
export interface ListedStream {
  streamId: number;
  key: StreamKey;
  template: Template;
  from: Instant;
  to: Instant;
}

/** All objects of the stream whose captures lie between the chunk before and `until`, in key order. */
export interface ListedChunk {
  streamId: number;
  objects: ObjectWitness[];
  /** Keys that the stream's template does not explain, met on the way. */
  others: ObjectWitness[];
  until: Instant;
  lastKey: string | null;
}

export interface ListingTerms {
  bucket: Bucket;
  streams: readonly ListedStream[];
  /** Names without a time are taken by their LastModified, so much before `from` on. */
  marginMs: number;
  onPage(keys: number): void;
  signal?: AbortSignal | undefined;
}

/** So many keys are gathered before they are handed on: a few pages of memory, whatever the listing's size. */
const GATHERED_KEYS = 2_000;
const FEW_KEYS = 20;
/** Nobody tells how long objects are kept. */
const OBJECT_RETENTION_GUESS_SECONDS = 365 * 24 * 3_600;

/**
 * Reads one planned listing and hands it on stream by stream, in pieces of bounded size. Throws `CouldNotLookError`; what was
 * handed on before stands.
 */
export async function* readListing(listing: PlannedListing, terms: ListingTerms): AsyncGenerator<ListedChunk> {
  const [only] = terms.streams;
  if (!only) return;
  if (listing.startAfter === null) yield* readWhole(listing, only, terms);
  else yield* readInOrder(listing, terms);
}

/** Names that do not sort by time: the prefix is read whole, and what was written in time is kept. */
async function* readWhole(
  listing: PlannedListing,
  stream: ListedStream,
  terms: ListingTerms,
): AsyncGenerator<ListedChunk> {
  const chunk: ListedChunk = { streamId: stream.streamId, objects: [], others: [], until: stream.to, lastKey: null };
  const { app, stream: name } = stream.key;
  for await (const objects of pagesOf(listing, terms)) {
    for (const object of objects) {
      if (object.lastModified < stream.from - terms.marginMs) continue;
      (stream.template.match(object.key, app, name) ? chunk.objects : chunk.others).push(object);
    }
    chunk.lastKey = objects.at(-1)?.key ?? chunk.lastKey;
  }
  yield chunk;
}

interface Open extends ListedStream {
  endBefore: string;
  objects: ObjectWitness[];
  others: ObjectWitness[];
  done: boolean;
}

async function* readInOrder(listing: PlannedListing, terms: ListingTerms): AsyncGenerator<ListedChunk> {
  const open = terms.streams.map((stream): Open => {
    const range = stream.template.keyRange(stream.key.app, stream.key.stream, stream.from, stream.to);
    if (!range) throw new Error(`names of ${stream.key.stream} do not sort by time`);
    return { ...stream, endBefore: range.endBefore, objects: [], others: [], done: false };
  });
  const whose = finderOf(open);
  const last = open.reduce((most, each) => (compareKeys(each.endBefore, most) > 0 ? each.endBefore : most), '');
  const timeFirst = open.every((each) => each.template.timeBeforeStream);
  let gathered = 0;
  let current: Open | null = open.length === 1 ? open[0]! : null;
  let lastTime: Instant | null = null;
  let lastKey: string | null = null;

  const take = (each: Open, until: Instant): ListedChunk => {
    const later = each.objects.filter((object) => timeOf(each, object.key) >= until);
    const objects =
      later.length === 0 ? each.objects : each.objects.filter((object) => timeOf(each, object.key) < until);
    const chunk = { streamId: each.streamId, objects, others: each.others, until, lastKey };
    // Several captures may bear the same second, on two pages: they are handed on together, next time.
    each.objects = later;
    each.others = [];
    return chunk;
  };

  reading: for await (const objects of pagesOf(listing, terms)) {
    for (const object of objects) {
      if (compareKeys(object.key, last) >= 0) break reading;
      lastKey = object.key;
      const found = whose(object.key);
      if (!found) {
        const near = current && !current.done ? current : open.find((each) => !each.done);
        near?.others.push(object);
        continue;
      }
      current = found;
      const at = timeOf(found, object.key);
      if (found.done || at >= found.to) continue;
      lastTime = at;
      // Old keys that a shared listing crosses on its way to the next stream.
      if (at < found.from - 1_000) continue;
      found.objects.push(object);
      gathered++;
    }
    if (gathered < GATHERED_KEYS || lastKey === null) continue;
    const before = gathered;
    for (const each of open) {
      if (each.done) continue;
      if (!timeFirst && compareKeys(each.endBefore, lastKey) <= 0) {
        each.done = true;
        yield take(each, each.to);
      } else if ((timeFirst || each === current) && lastTime !== null && lastTime > each.from)
        yield take(each, lastTime);
    }
    gathered = open.reduce((sum, each) => sum + each.objects.length, 0);
    if (gathered === before) gathered = 0;
  }
  for (const each of open) if (!each.done) yield take(each, each.to);
}

/**
 * The adapter books as many keys of the vendor's allowance as a page may hold, so a first page asks for what is expected, and
 * some more. Where that was too few, whole pages follow.
 */
async function* pagesOf(listing: PlannedListing, terms: ListingTerms): AsyncGenerator<ObjectWitness[]> {
  let token: string | null = null;
  let maxKeys = Math.min(KEYS_PER_CALL, Math.ceil(listing.expectedKeys * 1.5) + FEW_KEYS);
  do {
    const page = await terms.bucket.listPage({
      prefix: listing.prefix,
      maxKeys,
      ...(token !== null ? { token } : listing.startAfter !== null ? { startAfter: listing.startAfter } : {}),
      ...(terms.signal && { signal: terms.signal }),
    });
    terms.onPage(page.objects.length);
    yield page.objects;
    token = page.nextToken;
    maxKeys = KEYS_PER_CALL;
  } while (token !== null);
}

/** Whose key it is, among the streams of the listing. */
function finderOf(open: readonly Open[]): (key: string) => Open | null {
  const [only] = open;
  if (open.length === 1 && only) {
    return (key) => (only.template.match(key, only.key.app, only.key.stream) ? only : null);
  }
  const byName = new Map<string, Open>();
  for (const each of open) {
    byName.set(`${each.key.app}\n${each.key.stream}`, each);
    if (!byName.has(`\n${each.key.stream}`)) byName.set(`\n${each.key.stream}`, each);
  }
  const templates = [...new Map(open.map((each) => [each.template.text, each.template])).values()];
  return (key) => {
    for (const template of templates) {
      for (const candidate of template.candidates(key)) {
        const found = byName.get(`${candidate.app ?? ''}\n${candidate.stream ?? ''}`);
        if (found?.template.match(key, found.key.app, found.key.stream)) return found;
      }
    }
    return null;
  };
}

function timeOf(stream: ListedStream, key: string): Instant {
  return stream.template.match(key, stream.key.app, stream.key.stream)?.capturedAt ?? 0;
}

/** What a stream needs listed; null where its objects are not found by listing. */
export function listingOf(audit: StreamAudit, secondsOnAir: number): StreamToList | null {
  const { template, config, stream, listFrom } = audit;
  if (!template || !config || listFrom === null) return null;
  const range = template.keyRange(stream.app, stream.stream, listFrom, audit.to);
  const newKeys = Math.ceil(audit.expectedKeys);
  return {
    streamId: stream.id,
    bucket: config.bucket,
    endpoint: config.endpoint,
    prefix: range?.prefix ?? template.streamPrefix(stream.app, stream.stream),
    sharedPrefix: template.staticPrefix(stream.app),
    startAfter: range?.startAfter ?? null,
    keysLieTogether: !template.timeBeforeStream,
    newKeys,
    allKeys: Math.max(newKeys, Math.min(secondsOnAir, OBJECT_RETENTION_GUESS_SECONDS) / config.intervalSeconds),
  };
}
