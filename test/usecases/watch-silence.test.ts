import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAlertingFacts } from '../../src/adapters/postgres/alerting-facts.ts';
import { createSilenceWatch } from '../../src/usecases/watch-silence.ts';
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

const hearing = (newestHeartbeat: number) => ({ newestHeartbeat, blind: [], excused: [] });

const createWatch = () =>
  createSilenceWatch({
    facts: createAlertingFacts(database),
    configVersions: async () => [WATCHED_CONFIG],
    rules: { misses: 1, graceSeconds: 15, missRatio: null },
  });

it('checks 10,000 streams on air in under 200 ms a tick', async () => {
  const watch = createWatch();
  const ticks: { ms: number; looked: number }[] = [];
  for (let second = 0; second < 20; second++) {
    await streams.beat(NOW + second * 1000);
    const startedAt = performance.now();
    const result = await watch(NOW + second * 1000, hearing(NOW + second * 1000));
    ticks.push({ ms: Math.round(performance.now() - startedAt), looked: result.looked });
    expect(result.watched).toBe(STREAMS);
  }
  const [first, ...others] = ticks;
  const sorted = others.map(({ ms }) => ms).sort((a, b) => a - b);
  console.log(
    `first tick ${first?.ms} ms (${first?.looked} looked up), then median ${sorted[9]} ms, worst ${sorted.at(-1)} ms`,
  );
  expect(sorted[9]).toBeLessThan(200);
}, 60_000);

it('keeps that up while all of them are silent', async () => {
  const watch = createWatch();
  const times: number[] = [];
  let suspected = 0;
  for (let second = 0; second < 20; second++) {
    const startedAt = performance.now();
    suspected = (await watch(NOW + 50_000 + second * 1000, hearing(NOW + 50_000 + second * 1000))).conditions.length;
    times.push(performance.now() - startedAt);
  }
  expect(suspected).toBe(STREAMS);
  const sorted = times.slice(1).sort((a, b) => a - b);
  console.log(`all silent: median ${Math.round(sorted[9]!)} ms, worst ${Math.round(sorted.at(-1)!)} ms`);
  // Not the promise, which `npm run bench:watch` measures, only a bound for a machine that does other things too.
  expect(sorted[9]).toBeLessThan(600);
}, 60_000);

it('looks up again, in one query, whatever has become due', async () => {
  const facts = createAlertingFacts(database);
  const ids = Array.from({ length: STREAMS }, (_, index) => index + 1);
  const startedAt = performance.now();
  const heard = await facts.lastHeard(ids, NOW - 86_400_000);
  console.log(`10,000 lookups: ${Math.round(performance.now() - startedAt)} ms`);
  expect(heard.size).toBe(STREAMS);
});
