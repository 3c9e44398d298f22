import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { timestamp } from '../../src/adapters/postgres/timestamp.ts';
import { createAlerting } from '../../src/compose/alerting.ts';
import { settingsSchema } from '../../src/config/settings.ts';
import { type RunningWorker, startWorker } from '../../src/worker/start-worker.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { addCaptures, addPartitions, addSession, addShape, addStream } from '../support/history.ts';
import { type LocalEndpoint, startLocalEndpoint } from '../support/local-endpoint.ts';

/** The jobs as the service runs them: two workers, the real clock. */

let database: TestDatabase;
let endpoint: LocalEndpoint;
const workers: RunningWorker[] = [];
afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.close();
  await endpoint?.close();
  await database?.drop();
});

const INTERVAL_MS = 5_000;
const GRACE_MS = 6_000;

it('tells of one silent stream of 200 within interval + grace + 2 s of real time, once, with two replicas at work', async () => {
  database = await createTestDatabase({ maxConnections: 10 });
  const arrivals: number[] = [];
  endpoint = await startLocalEndpoint(() => {
    arrivals.push(Date.now());
    return { body: 'ok' };
  });
  const domain = 'play.example.com';
  const settings = settingsSchema.parse({
    domains: [
      {
        domain,
        apps: [
          {
            app: '*',
            interval: '5s',
            bucket: 'bucket-a',
            endpoint: 'oss.example.com',
            overwriteObject: '{AppName}.jpg',
          },
        ],
      },
    ],
    notify: [{ name: 'chat', type: 'slack', url: endpoint.url }],
    alerting: { allowPrivate: true },
    watch: { grace: '6s' },
  });
  for (let replica = 0; replica < 2; replica++) {
    let worker: RunningWorker | undefined;
    const alerting = createAlerting({
      database,
      clock: { now: () => Date.now() },
      settings,
      secrets: { variable: () => undefined, file: () => '' },
      publicUrl: null,
      configVersions: async () => [
        {
          domain,
          app: '*',
          validFrom: 0,
          intervalSeconds: 5,
          bucket: 'bucket-a',
          endpoint: 'e',
          sequenceObject: null,
          overwriteObject: '{AppName}.jpg',
          callback: null,
        },
      ],
      logger: console,
      runSoon: async (job) => worker?.runSoon(job),
    });
    worker = await startWorker({
      connectionString: database.url,
      jobs: alerting.jobs,
      onError: (job, error) => console.error(job, error),
    });
    workers.push(worker);
  }

  const startedAt = Date.now();
  await addPartitions(database, startedAt - 86_400_000, startedAt + 86_400_000);
  const shapeId = await addShape(database);
  const streams: number[] = [];
  const last = new Map<number, number>();
  for (let index = 0; index < 200; index++) {
    const id = await addStream(database, domain, 'live', `cam${index}`);
    await addSession(database, id, Date.now(), null);
    streams.push(id);
    // Each stream has a beat of its own.
    last.set(id, Date.now() - INTERVAL_MS + (index % 50) * 100);
  }
  const play = async (silent: number | null, until: () => boolean) => {
    while (!until()) {
      const now = Date.now();
      const due = streams.filter((id) => id !== silent && now - last.get(id)! >= INTERVAL_MS);
      for (const id of due) last.set(id, now);
      await addCaptures(
        database,
        due.map((streamId) => ({ streamId, at: now, shapeId, delayMs: 0 })),
      );
      await database.db
        .insertInto('heartbeats')
        .values({
          receiver_id: '00000000-0000-4000-8000-000000000001',
          from_at: timestamp(startedAt),
          to_at: timestamp(now),
          host: 't',
        })
        .onConflict((conflict) => conflict.columns(['receiver_id', 'from_at']).doUpdateSet({ to_at: timestamp(now) }))
        .execute();
      await sleep(100);
    }
  };
  await play(null, () => Date.now() - startedAt > 15_000);
  expect(arrivals).toEqual([]);
  const victim = streams[20]!;
  const stopsAt = last.get(victim)!;
  await play(victim, () => arrivals.length > 0 || Date.now() - stopsAt > 30_000);
  const toldAfter = arrivals[0]! - stopsAt;
  console.log(`told ${toldAfter} ms after the last callback (interval + grace: ${INTERVAL_MS + GRACE_MS} ms)`);
  expect(endpoint.calls[0]!.body).toContain('cam20');
  expect(toldAfter).toBeGreaterThanOrEqual(INTERVAL_MS + GRACE_MS);
  expect(toldAfter).toBeLessThanOrEqual(INTERVAL_MS + GRACE_MS + 2_000);
  await play(victim, () => Date.now() - arrivals[0]! > 5_000);
  expect(arrivals).toHaveLength(1);
}, 120_000);
