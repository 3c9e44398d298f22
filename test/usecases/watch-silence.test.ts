import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAlertingFacts } from '../../src/adapters/postgres/alerting-facts.ts';
import { createSilenceWatch, type WatchParts } from '../../src/usecases/watch-silence.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { addWatchedStreams, WATCHED_CONFIG, type WatchedStreams } from '../support/watched-streams.ts';

const STREAMS = 10_000;
const NOW = Date.UTC(2026, 10, 24, 12);

let database: TestDatabase;
let streams: WatchedStreams;
beforeAll(async () => {
  database = await createTestDatabase();
  streams = await addWatchedStreams(database, STREAMS, NOW);
}, 120_000);
afterAll(() => database?.drop());

const hearing = (newestHeartbeat: number) => ({
  newestHeartbeat,
  blind: [],
  excused: [],
  lookedAt: null,
  resumedAt: null,
});

const createWatch = (parts: Pick<WatchParts, 'lookAtEnds'> = {}) =>
  createSilenceWatch({
    ...parts,
    facts: createAlertingFacts(database),
    configVersions: async () => [WATCHED_CONFIG],
    callbackUrl: null,
    rules: { misses: 1, graceSeconds: 15, missRatio: null },
  });

// How long a tick may take is for `npm run bench:watch` to say, which fails beyond it: here stands what it does.

it('looks up only those of 10,000 streams whose beat is due, once it has come to all of them', async () => {
  const watch = createWatch();
  const looked: number[] = [];
  for (let second = 0; second < 20; second++) {
    await streams.beat(NOW + second * 1000);
    const result = await watch(NOW + second * 1000, hearing(NOW + second * 1000));
    expect(result.watched).toBe(STREAMS);
    expect(result.conditions).toEqual([]);
    looked.push(result.looked);
  }
  // A part of the new ones at a time, then a beat of ten seconds: no tick looks up much more than a tenth.
  expect(looked[0]).toBe(2_000);
  expect(Math.max(...looked.slice(10))).toBeLessThanOrEqual(STREAMS / 5);
}, 60_000);

it('suspects all of them when all of them are silent, and looks up a part of them at a time', async () => {
  const watch = createWatch();
  let suspected = 0;
  const looked: number[] = [];
  for (let second = 0; second < 20; second++) {
    const result = await watch(NOW + 50_000 + second * 1000, hearing(NOW + 50_000 + second * 1000));
    suspected = result.conditions.length;
    looked.push(result.looked);
  }
  expect(suspected).toBe(STREAMS);
  expect(Math.max(...looked.slice(10))).toBeLessThanOrEqual(STREAMS / 2);
}, 60_000);

it('suspects no stream whose end was told and waits to be looked at', async () => {
  const { rows } = await database.pool.query<{ id: number; stream: string }>('select id, stream from streams');
  const half = rows.slice(0, STREAMS / 2);
  let waiting: ReadonlySet<number> = new Set(half.map(({ id }) => id));
  const watch = createWatch({ lookAtEnds: async () => waiting });
  let suspected: (string | null)[] = [];
  const tick = async (second: number) => {
    const at = NOW + 50_000 + second * 1000;
    const { conditions } = await watch(at, hearing(at));
    suspected = conditions.map(({ scope }) => scope.stream);
  };
  for (let second = 0; second < 10; second++) await tick(second);
  expect(new Set(suspected)).toEqual(new Set(rows.slice(STREAMS / 2).map(({ stream }) => stream)));
  waiting = new Set();
  for (let second = 10; second < 15; second++) await tick(second);
  expect(suspected).toHaveLength(STREAMS);
}, 60_000);

it('looks up again, in one query, whatever has become due', async () => {
  const facts = createAlertingFacts(database);
  const ids = Array.from({ length: STREAMS }, (_, index) => index + 1);
  const heard = await facts.lastHeard(ids, NOW - 86_400_000);
  expect(heard.size).toBe(STREAMS);
});
