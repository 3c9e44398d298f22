import { afterEach, describe, expect, it } from 'vitest';
import { createMissRatioWatch, type WatchedRow } from '../../src/usecases/watch-miss-ratio.ts';
import { type AlertingWorld, createAlertingWorld } from '../support/alerting-world.ts';

const T0 = Date.UTC(2026, 10, 24);

describe('a stream that is never silent for long, yet loses callbacks', () => {
  let world: AlertingWorld | undefined;
  afterEach(() => world?.close());
  /** Every second callback of the first stream, every fifth of the second. */
  const losing = async (watch: Record<string, unknown>) => {
    world = await createAlertingWorld({ apps: { live: 20 }, watch });
    const [bad, fair] = world.streams;
    const beat = (at: number) => Math.floor(at / 10_000);
    await world.pass({
      seconds: 240,
      step: 4,
      silent: (stream, at) => (stream === bad && beat(at) % 2 === 0) || (stream === fair && beat(at) % 5 === 0),
    });
    return world.titles();
  };

  it('is told where the settings name a miss ratio, with how many of how many, once', async () => {
    expect(await losing({ missRatio: { ratio: 0.3, over: '100s' } })).toEqual([
      '[Open] callbacks stopped: play.example.com/live/cam0000',
    ]);
    expect(world?.endpoint.calls[0]?.body).toMatch(/[456] of 10 missing/);
    // It is over when the last window is good again.
    await world?.pass({ seconds: 600, step: 10 });
    expect(world?.titles().slice(1)).toEqual(['[Resolved] callbacks stopped: play.example.com/live/cam0000']);
  }, 60_000);

  it('is not told without', async () => {
    expect(await losing({})).toEqual([]);
  }, 60_000);

  it('is not judged by a window in which we ourselves were blind', async () => {
    world = await createAlertingWorld({ apps: { live: 20 }, watch: { missRatio: { ratio: 0.3, over: '100s' } } });
    await world.pass({ seconds: 150, step: 5 });
    await world.pass({ seconds: 60, step: 5, receiving: false });
    await world.pass({ seconds: 60, step: 5 });
    expect(world.titles()).toEqual([expect.stringContaining('Snapaudit itself could not receive')]);
  }, 60_000);
});

describe('a miss ratio excuses nobody from what protects a silence', () => {
  let world: AlertingWorld | undefined;
  afterEach(() => world?.close());
  const watch = { missRatio: { ratio: 0.3, over: '60s' } };

  it('a stream that the vendor says is off air is not told', async () => {
    const onlineStreams = async () => [];
    world = await createAlertingWorld({ apps: { live: 20 }, watch, parts: { live: { onlineStreams } } });
    await world.database.db.updateTable('sessions').set({ certainty: 'listed' }).execute();
    await world.pass({ seconds: 80, step: 4 });
    const [ended] = world.streams;
    await world.pass({ seconds: 60, silent: (stream) => stream === ended });
    expect(world.titles()).toEqual([]);
  }, 60_000);

  it('nobody is told while our own public address cannot be reached', async () => {
    const parts = { callbackKey: null, publicUrl: 'http://127.0.0.1:9' };
    world = await createAlertingWorld({ apps: { live: 20 }, watch, parts });
    await world.pass({ seconds: 80, step: 4 });
    await world.pass({ seconds: 40, silent: () => true });
    expect(world.titles().filter((title) => !title.includes('Snapaudit itself could not receive'))).toEqual([]);
  }, 60_000);

  it('an outage of a whole app is one message', async () => {
    world = await createAlertingWorld({ apps: { live: 60 }, watch });
    await world.pass({ seconds: 80, step: 4 });
    await world.pass({ seconds: 50, silent: () => true });
    expect(world.titles()).toEqual(['[Open] callbacks stopped: play.example.com/live']);
    expect((await world.alerting.handle.incidents({ limit: 100 })).data).toHaveLength(1);
  }, 60_000);

  it('all streams that lose callbacks together wait for each other, too', async () => {
    world = await createAlertingWorld({ apps: { live: 20 }, watch: { missRatio: { ratio: 0.3, over: '100s' } } });
    await world.pass({ seconds: 120, step: 4 });
    const even = (at: number) => Math.floor(at / 10_000) % 2 === 0;
    await world.pass({ seconds: 120, silent: (_stream, at) => even(at) });
    expect(world.titles()).toEqual(['[Open] callbacks stopped: play.example.com/live']);
  }, 60_000);
});

describe('counting', () => {
  const row = (streamId: number): WatchedRow => ({
    streamId,
    domain: 'play.example.com',
    app: 'live',
    stream: `cam${streamId}`,
    startedAt: T0 - 3_600_000,
    certainty: 'announced',
    intervalSeconds: 10,
  });
  const rows = Array.from({ length: 4_000 }, (_, index) => row(index));

  it('is spread over the ticks, and every stream is counted within ten seconds or so', async () => {
    const asked: number[] = [];
    const seen = new Set<number>();
    const lossy = createMissRatioWatch({
      facts: {
        async heardCounts(streamIds) {
          asked.push(streamIds.length);
          for (const streamId of streamIds) seen.add(streamId);
          return new Map(streamIds.map((streamId) => [streamId, streamId === 7 ? 10 : 30]));
        },
      },
      rule: { ratio: 0.3, overSeconds: 300 },
    });
    for (let second = 0; second < 12; second++) {
      const found = await lossy(rows, T0 + second * 1000);
      expect(found.map((stream) => stream.row.streamId)).toEqual([7]);
    }
    expect(seen.size).toBe(rows.length);
    expect(Math.max(...asked)).toBe(500);
  });

  it('forgets a stream that is not to be judged any more', async () => {
    let heard = 10;
    const lossy = createMissRatioWatch({
      facts: { heardCounts: async (streamIds) => new Map(streamIds.map((streamId) => [streamId, heard])) },
      rule: { ratio: 0.3, overSeconds: 300 },
    });
    expect(await lossy([row(1)], T0)).toMatchObject([{ missed: 20, expected: 30, from: T0 - 300_000 }]);
    expect(await lossy([], T0 + 1000)).toEqual([]);
    heard = 21;
    expect(await lossy([row(1)], T0 + 2000)).toEqual([]);
  });
});
