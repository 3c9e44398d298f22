import { type VerdictLabels, verdictAt, verdictLabels } from '../core/capture-verdict.ts';
import type { Instant } from '../core/instant.ts';
import { NameResolver } from '../core/name-resolver.ts';
import { RefusalError } from '../core/refusal.ts';
import type { StreamKey } from '../core/stream-key.ts';
import type { TimeWindow, WindowWords } from '../core/time-window.ts';
import type { Cause, Verdict } from '../core/verdict.ts';
import type {
  Buckets,
  CaptureFilter,
  CapturePlace,
  CaptureRead,
  CaptureReads,
  Clock,
  ConfigReads,
  KnownStream,
  ScopeFilter,
  StreamReads,
} from '../ports.ts';
import { isDiscriminator, isId, isInstant, type Page, type PageWords, readWindowPage } from './query-paging.ts';

export interface CaptureView extends StreamKey, Omit<CaptureRead, 'discriminator'> {
  /** `<stream number>-<capture time in ms>-<discriminator>`; also where an export goes on from. */
  id: string;
  streamId: number;
  /** From capture to receipt; null where only backfill found it. */
  delayMs: number | null;
  verdict: Verdict;
  cause: Cause | null;
  discriminator: number;
}

export type CaptureWords = PageWords &
  WindowWords &
  ScopeFilter &
  Omit<CaptureFilter, 'verdict'> & {
    verdict?: readonly Verdict[] | undefined;
    order?: 'newest' | 'oldest' | undefined;
  };

type Place = [streamId: number, capturedAt: number, discriminator: number];

/** The first stream often fills a page alone. */
const FIRST_STREAMS = 4;
const MORE_STREAMS = 200;
const SIGNED_URL_SECONDS = 300;

export function captureQueries({
  reads,
  clock,
  buckets,
}: {
  reads: CaptureReads & StreamReads & ConfigReads;
  clock: Clock;
  buckets: Buckets | null;
}) {
  /** Rows of one stream with their verdicts. */
  async function ofStream(
    stream: KnownStream,
    words: CaptureWords,
    window: TimeWindow,
    after: CapturePlace | null,
    limit: number,
  ): Promise<CaptureView[]> {
    const { verdict, order = 'newest' } = words;
    const filter: CaptureFilter = {
      source: words.source,
      verified: words.verified,
      minDelayMs: words.minDelayMs,
      maxDelayMs: words.maxDelayMs,
    };
    if (verdict) {
      const labels = await labelsOf(reads, stream.id, window);
      const rows = await reads.captureRows({
        stream,
        window,
        filter: { ...filter, verdict: { is: verdict, labels } },
        order,
        after,
        limit,
      });
      return rows.map((row) => captureView(stream, row, labels));
    }
    const rows = await reads.captureRows({ stream, window, filter, order, after, limit });
    if (rows.length === 0) return [];
    const ends = [rows[0]!.capturedAt, rows.at(-1)!.capturedAt];
    const labels = await labelsOf(reads, stream.id, { from: Math.min(...ends), to: Math.max(...ends) + 1 });
    return rows.map((row) => captureView(stream, row, labels));
  }

  return {
    /** By domain, app, stream; within a stream the newest first, or the oldest. */
    captures(words: CaptureWords): Promise<Page<CaptureView>> {
      return readWindowPage<CaptureView, Place>({
        list: 'captures',
        words,
        now: clock.now(),
        isPlace,
        placeOf: (row) => [row.streamId, row.capturedAt, row.discriminator],
        read: async (window, place, limit) => {
          const found: CaptureView[] = [];
          let after: KnownStream | null = null;
          if (place) {
            const [streamId, capturedAt, discriminator] = place;
            after = await reads.streamById(streamId);
            if (!after) return found;
            found.push(...(await ofStream(after, words, window, { capturedAt, discriminator }, limit)));
          }
          for (let batchSize = FIRST_STREAMS; found.length < limit; batchSize = MORE_STREAMS) {
            const query = { filter: words, after, limit: batchSize };
            // Streams that are named are few: their captures are looked for at once.
            const batch: KnownStream[] = words.stream
              ? await reads.streams(query)
              : await reads.streamsWithCaptures({ ...query, window });
            for (const stream of batch) {
              found.push(...(await ofStream(stream, words, window, null, limit - found.length)));
              if (found.length >= limit) break;
            }
            after = batch.at(-1) ?? null;
            if (batch.length < batchSize) break;
          }
          return found;
        },
      });
    },

    async capture(id: string): Promise<CaptureView> {
      return findCapture(reads, id);
    },

    /** A GET URL of the object that lives five minutes. */
    async captureUrl(id: string): Promise<{ url: string; expiresAt: Instant }> {
      const capture = await findCapture(reads, id);
      if (!buckets)
        throw new RefusalError('conflict', 'This process holds no credentials for OSS, so it cannot sign a URL.');
      if (capture.bucket === null || capture.endpoint === null) {
        throw new RefusalError('conflict', 'The callback named no bucket or endpoint, so there is no URL to sign.');
      }
      if (!(await isOwnPlace(reads, capture, capture.bucket, capture.object))) {
        throw new RefusalError(
          'conflict',
          'No config that was ever seen of this app has this bucket and a template that gives this name, so no URL is signed.',
        );
      }
      const expiresAt = clock.now() + SIGNED_URL_SECONDS * 1_000;
      const url = await buckets.open(capture.bucket, capture.endpoint).signedUrl(capture.object, SIGNED_URL_SECONDS);
      return { url, expiresAt };
    },
  };
}

/**
 * Whether a config of the stream's app stood that stores under this name in this bucket. A callback is only a claim: without
 * this whoever can send one could have any object signed that our credentials may read.
 */
export async function isOwnPlace(
  reads: ConfigReads,
  stream: StreamKey,
  bucket: string,
  object: string,
): Promise<boolean> {
  const names = new NameResolver(await reads.configVersions({ domain: [stream.domain] }));
  return names.readAs({ domain: stream.domain, app: stream.app, stream: stream.stream }, bucket, object) !== null;
}

function isPlace(values: readonly (string | number | null)[]): values is Place {
  const [streamId, capturedAt, discriminator] = values;
  return values.length === 3 && isId(streamId) && isInstant(capturedAt) && isDiscriminator(discriminator);
}

export async function findCapture(reads: CaptureReads, id: string): Promise<CaptureView> {
  const place = parseCaptureId(id);
  const stream = place && (await reads.streamById(place.streamId));
  if (!stream) throw new RefusalError('not-found', 'There is no such capture.');
  const window = { from: place.capturedAt, to: place.capturedAt + 1 };
  const rows = await reads.captureRows({ stream, window, filter: {}, order: 'oldest', after: null, limit: 500 });
  const row = rows.find((each) => each.discriminator === place.discriminator);
  if (!row) throw new RefusalError('not-found', 'There is no such capture.');
  return captureView(stream, row, await labelsOf(reads, stream.id, window));
}

export function parseCaptureId(id: string): (CapturePlace & { streamId: number }) | null {
  const match = /^(\d{1,10})-(\d{1,15})-(-?\d{1,10})$/.exec(id);
  const [streamId, capturedAt, discriminator] = (match ?? []).slice(1).map(Number);
  if (!match || !isId(streamId) || !isInstant(capturedAt) || !isDiscriminator(discriminator)) return null;
  return { streamId, capturedAt, discriminator };
}

export async function labelsOf(reads: CaptureReads, streamId: number, window: TimeWindow): Promise<VerdictLabels> {
  const { runs, auditedUntil } = await reads.verdictRuns(streamId, window);
  return verdictLabels(runs, auditedUntil);
}

export function captureView(stream: KnownStream, row: CaptureRead, labels: VerdictLabels): CaptureView {
  const origin = row.receivedAt === null ? 'backfill' : 'callback';
  const { verdict, cause } = verdictAt(labels[row.mode][origin], row.capturedAt);
  return {
    ...row,
    id: `${stream.id}-${row.capturedAt}-${row.discriminator}`,
    streamId: stream.id,
    domain: stream.domain,
    app: stream.app,
    stream: stream.stream,
    delayMs: row.receivedAt === null ? null : row.receivedAt - row.capturedAt,
    verdict,
    cause,
  };
}
