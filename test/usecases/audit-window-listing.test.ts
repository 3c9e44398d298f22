import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileTemplate } from '../../src/core/template.ts';
import { type ListedChunk, type ListedStream, readListing } from '../../src/usecases/audit-window-listing.ts';
import { planAudit } from '../../src/usecases/plan-audit.ts';
import { FakeBuckets } from '../support/fake-buckets.ts';

const T0 = Date.UTC(2026, 10, 24);
const SECOND = 1_000;
const APP = 'live';

/** Objects of some streams, several a second here and there, and what is asked of each stream. */
function scene(text: string, streams: string[], perStream: number[], seed: number) {
  const template = compileTemplate(text, 'sequence');
  const bucket = new FakeBuckets().bucket('snap');
  const times = new Map<string, number[]>();
  for (const [index, stream] of streams.entries()) {
    const own: number[] = [];
    for (let number = 0; number < perStream[index]!; number++) {
      const at = T0 + Math.floor((number * 7 + ((number * seed) % 5)) / 2) * SECOND;
      const unixTimestamp = at / SECOND;
      bucket.put(template.render({ app: APP, stream, unixTimestamp, sequence: number }), at);
      own.push(at);
    }
    times.set(stream, own);
  }
  return { template, bucket, times };
}

async function readAll(
  { template, bucket }: ReturnType<typeof scene>,
  streams: ListedStream[],
): Promise<{ chunks: ListedChunk[]; calls: number }> {
  const plan = planAudit(
    streams.map((stream) => {
      const range = template.keyRange(APP, stream.key.stream, stream.from, stream.to);
      return {
        streamId: stream.streamId,
        bucket: 'snap',
        endpoint: 'oss-cn-shanghai.aliyuncs.com',
        prefix: range!.prefix,
        sharedPrefix: template.staticPrefix(APP),
        startAfter: range!.startAfter,
        keysLieTogether: !template.timeBeforeStream,
        newKeys: 1_000,
        allKeys: 1_000,
      };
    }),
  );
  const chunks: ListedChunk[] = [];
  let calls = 0;
  for (const listing of plan) {
    const own = listing.streams.map((each) => streams.find((stream) => stream.streamId === each.streamId)!);
    const terms = { bucket, streams: own, marginMs: 0, onPage: () => void calls++ };
    for await (const chunk of readListing(listing, terms)) chunks.push(chunk);
  }
  return { chunks, calls };
}

describe('reading a listing', () => {
  const texts = [
    'snapshot/{AppName}/{StreamName}/{UnixTimestamp}-{Sequence}.jpg',
    'snapshot/{UnixTimestamp}/{StreamName}-{Sequence}.jpg',
    '{StreamName}{UnixTimestamp}_{Sequence}.jpg',
  ];

  it.each(texts)('hands on every object of %s once, in the stretch of its time', async (text) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 0, max: 4_000 }),
        fc.integer({ min: 1, max: 8_000 }),
        async (perStream, seed, skipSeconds, seconds) => {
          const names = ['cam1', 'cam10', 'cam2', 'a.b-c'].slice(0, perStream.length);
          const set = scene(text, names, perStream, seed);
          const from = T0 + skipSeconds * SECOND;
          const to = from + seconds * SECOND;
          const { chunks } = await readAll(
            set,
            names.map((stream, index) => ({
              streamId: index,
              key: { domain: 'd', app: APP, stream },
              template: set.template,
              from,
              to,
            })),
          );
          for (const [index, stream] of names.entries()) {
            const own = chunks.filter((chunk) => chunk.streamId === index);
            let before = Number.NEGATIVE_INFINITY;
            const seen: number[] = [];
            for (const chunk of own) {
              for (const { key } of chunk.objects) {
                const at = set.template.match(key, APP, stream)!.capturedAt!;
                expect(at).toBeLessThan(chunk.until);
                expect(at).toBeGreaterThanOrEqual(Math.min(before, from - SECOND));
                if (seen.length > 0 && before > from) expect(at).toBeGreaterThanOrEqual(before);
                seen.push(at);
              }
              expect(chunk.until).toBeGreaterThan(before);
              before = chunk.until;
            }
            expect(before).toBe(to);
            const expected = set.times.get(stream)!.filter((at) => at >= from && at < to);
            expect(seen.filter((at) => at >= from).sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b));
          }
        },
      ),
      { numRuns: 15 },
    );
  });

  it('holds a few pages, however long the listing is', async () => {
    const set = scene(texts[0]!, ['cam1'], [30_000], 3);
    const key = { domain: 'd', app: APP, stream: 'cam1' };
    const stream = { streamId: 0, key, template: set.template, from: T0, to: T0 + 365 * 86_400 * SECOND };
    const { chunks, calls } = await readAll(set, [stream]);
    expect(calls).toBeLessThanOrEqual(31);
    expect(Math.max(...chunks.map((chunk) => chunk.objects.length))).toBeLessThanOrEqual(3_100);
  });
});
