import type { Mode } from '../core/capture.ts';
import type { Instant } from '../core/instant.ts';
import { RefusalError } from '../core/refusal.ts';
import type { Slot } from '../core/session-slots.ts';
import type { StreamKey } from '../core/stream-key.ts';
import type { IndexWitness, ObjectWitness } from '../core/witness.ts';
import type { Buckets, Clock, HistoryReads, KnownStream, LiveApi, TimelineReads } from '../ports.ts';
import { type CaptureView, captureView, findCapture, isOwnPlace, labelsOf } from './query-captures.ts';
import type { GapView } from './query-gaps.ts';
import { configLookup } from './query-streams.ts';
import { timelineQuery } from './query-timeline.ts';

export interface SlotWords extends StreamKey {
  at: Instant;
  /** Absent: one that the config in force has. */
  mode?: Mode | undefined;
}

/** One slot with all that is stored of it. */
export interface SlotView {
  slot: Slot;
  mode: Mode;
  intervalSeconds: number | null;
  /** What we were told, or what backfill found; null where no capture is known. */
  capture:
    | (CaptureView & {
        /** What the callback said, field for field, as JSON text; null where no callback came. */
        body: string | null;
      })
    | null;
  /** The run that the slot is part of; null for a good or pending one. */
  gap: GapView | null;
  previous: Slot | null;
  next: Slot | null;
  /** Where its picture lies, as far as somebody named it. */
  place: ObjectPlace | null;
  /** The nearest captures before and after. */
  previousCapture: CaptureView | null;
  nextCapture: CaptureView | null;
  auditedUntil: Instant | null;
  /** Spans without a living receiver in the time in which the callback was due. */
  blind: { from: Instant; to: Instant }[];
}

export interface ObjectPlace {
  bucket: string;
  endpoint: string;
  object: string;
}

/** What OSS says right now: null is proven absence; where OSS could not be asked, an error is thrown. */
export interface ObjectLook extends ObjectPlace {
  lookedAt: Instant;
  found: Pick<ObjectWitness, 'lastModified' | 'sizeBytes'> | null;
  /** A GET URL that lives five minutes; null where no config of the app stores there. */
  url: string | null;
}

export interface InspectDeps {
  reads: HistoryReads & TimelineReads;
  gaps: { gap(id: string): Promise<GapView> };
  clock: Clock;
  /** null where this process holds no credentials. */
  buckets: Buckets | null;
  live: Pick<LiveApi, 'snapshotRecords'> | null;
}

const DEFAULT_INTERVAL_MS = 60_000;
/** The vendor tries to deliver for so long. */
const DELIVERY_MS = 35_000;
/** The nearest capture is looked for so far away. */
const NEAREST_MS = 24 * 3_600_000;
const INDEX_ROWS = 200;
const SIGNED_URL_SECONDS = 300;

export function inspectSlots(deps: InspectDeps) {
  const { reads, clock, buckets, live } = deps;
  const timeline = timelineQuery({ reads, clock });

  async function readCapture(stream: KnownStream, id: string): Promise<SlotView['capture']> {
    const capture = await findCapture(reads, id);
    const body = await reads.callbackBody(stream, capture);
    // Numbers that JavaScript cannot hold are still in their digits here, and would not be in an object.
    return { ...capture, body: body && JSON.stringify(body, null, 2) };
  }

  /** The slot at the instant, or the one nearest to it. */
  async function slot({ at, mode: asked, ...key }: SlotWords): Promise<SlotView> {
    const filter = { domain: [key.domain], app: [key.app], stream: [key.stream] };
    const [[stream], versions] = await Promise.all([
      reads.streams({ filter, after: null, limit: 1 }),
      reads.configVersions({ domain: filter.domain, app: filter.app }),
    ]);
    if (!stream) throw new RefusalError('not-found', 'This stream was never seen.');
    const config = configLookup(versions)(key.domain, key.app, at);
    const reachMs = 3 * (config ? config.intervalSeconds * 1_000 : DEFAULT_INTERVAL_MS);
    const near = await timeline({ ...key, mode: asked, from: at - reachMs, to: at + reachMs, parts: 1 });
    const { mode } = near;
    const slots = near.slots ?? [];
    const index = nearestIndex(slots, at);
    const found = slots[index];
    if (!found) throw new RefusalError('not-found', 'No slot of this stream is known at this time.');
    const around = (order: 'newest' | 'oldest') =>
      reads.captureRows({
        stream,
        window:
          order === 'newest'
            ? { from: found.at - NEAREST_MS, to: found.at }
            : { from: found.at + 1, to: found.at + NEAREST_MS },
        filter: {},
        order,
        after: null,
        limit: 1,
      });
    const [capture, [before], [after], runs, blind] = await Promise.all([
      found.captureId === null ? null : readCapture(stream, found.captureId),
      around('newest'),
      around('oldest'),
      reads.verdictRuns(stream.id, { from: found.at, to: found.at + 1 }),
      reads.blindSpans(found.at, Math.min(found.at + DELIVERY_MS, Math.max(clock.now(), found.at + 1))),
    ]);
    const run = runs.runs.findLast((each) => each.verdict === found.verdict && each.mode === mode);
    const gap = run ? await deps.gaps.gap(`${stream.id}-${run.from}-${run.verdict}-${run.mode}`) : null;
    const labels = await labelsOf(reads, stream.id, {
      from: Math.min(found.at, before?.capturedAt ?? found.at),
      to: Math.max(found.at, after?.capturedAt ?? found.at) + 1,
    });
    return {
      slot: found,
      mode,
      intervalSeconds: near.intervalSeconds,
      capture,
      gap,
      place: placeOf(capture, gap, found, config?.endpoint ?? null),
      previous: slots[index - 1] ?? null,
      next: slots[index + 1] ?? null,
      previousCapture: before ? captureView(stream, before, labels) : null,
      nextCapture: after ? captureView(stream, after, labels) : null,
      auditedUntil: near.auditedUntil,
      blind,
    };
  }

  return {
    clock,
    timeline,
    slot,

    /** Asks OSS for the object of the slot now. */
    async lookAtObject(words: SlotWords): Promise<ObjectLook> {
      const { place } = await slot(words);
      if (!place)
        throw new RefusalError('conflict', 'Nobody named an object for this slot, so there is nothing to look for.');
      if (!buckets) throw new RefusalError('conflict', 'This process holds no credentials for OSS, so it cannot look.');
      const bucket = buckets.open(place.bucket, place.endpoint);
      const object = await bucket.head(place.object);
      return {
        ...place,
        lookedAt: clock.now(),
        found: object && { lastModified: object.lastModified, sizeBytes: object.sizeBytes },
        url:
          object && (await isOwnPlace(reads, words, place.bucket, place.object))
            ? await bucket.signedUrl(place.object, SIGNED_URL_SECONDS)
            : null,
      };
    },

    /** Asks the vendor's index for what it lists around the instant now; the vendor allows few such calls. */
    async lookAtIndex(
      key: StreamKey,
      from: Instant,
      to: Instant,
    ): Promise<{ lookedAt: Instant; rows: IndexWitness[] }> {
      if (!live)
        throw new RefusalError('conflict', 'This process holds no credentials for the vendor, so it cannot ask.');
      const rows: IndexWitness[] = [];
      for await (const page of live.snapshotRecords(key, from, to)) {
        rows.push(...page);
        if (rows.length >= INDEX_ROWS) break;
      }
      return { lookedAt: clock.now(), rows: rows.slice(0, INDEX_ROWS) };
    },
  };
}

export type SlotInspector = ReturnType<typeof inspectSlots>;

/** A capture names its object; of a run without captures, the first slot's may be known to the audit. */
function placeOf(
  capture: CaptureView | null,
  gap: GapView | null,
  slot: Slot,
  endpointInForce: string | null,
): ObjectPlace | null {
  if (capture) {
    const { bucket, object } = capture;
    const endpoint = capture.endpoint ?? endpointInForce;
    return bucket !== null && endpoint !== null ? { bucket, endpoint, object } : null;
  }
  const evidence: unknown = gap?.from === slot.at ? gap.evidence : null;
  if (typeof evidence !== 'object' || evidence === null || endpointInForce === null) return null;
  if (!('bucket' in evidence) || !('object' in evidence)) return null;
  const { bucket, object } = evidence;
  if (typeof bucket !== 'string' || typeof object !== 'string') return null;
  return { bucket, endpoint: endpointInForce, object };
}

function nearestIndex(slots: readonly Slot[], at: Instant): number {
  let best = -1;
  for (const [index, slot] of slots.entries()) {
    if (best === -1 || Math.abs(slot.at - at) < Math.abs(slots[best]!.at - at)) best = index;
  }
  return best;
}
