import { afterAll, beforeAll, expect, it } from 'vitest';
import { createForwardQueue, releaseForwards } from '../../../src/adapters/postgres/forward-queue.ts';
import type { ForwardedCallback } from '../../../src/ports.ts';
import { FORWARD_TASK } from '../../../src/usecases/forward-callback.ts';
import { prepareWorker, startWorker } from '../../../src/worker/start-worker.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await prepareWorker(database.url);
});
afterAll(() => database.drop());

const HELD_SECONDS = 300;
const callback = (name: string): ForwardedCallback => ({
  target: 'https://old.example.com/',
  headers: {},
  bodyBase64: name,
  receivedAt: Date.now(),
});

/** As a process leaves a job that is killed while it works on it. */
async function hold(name: string, forSeconds: number): Promise<void> {
  await database.pool.query(
    `update graphile_worker._private_jobs set locked_by = 'killed', locked_at = now() - make_interval(secs => $2), attempts = 1
     where payload ->> 'bodyBase64' = $1`,
    [name, forSeconds],
  );
}

it('a callback that a killed process was passing on is passed on by another one, minutes later', async () => {
  await createForwardQueue({ database, task: FORWARD_TASK }).write(['long', 'short'].map(callback), {
    again: false,
    timeoutMs: 10_000,
  });
  await createForwardQueue({ database, task: 'another-task' }).write([callback('other')], {
    again: false,
    timeoutMs: 10_000,
  });
  await hold('long', HELD_SECONDS + 1);
  await hold('short', HELD_SECONDS - 10);
  await hold('other', HELD_SECONDS + 1);

  await releaseForwards({ database, task: FORWARD_TASK, heldSeconds: HELD_SECONDS });
  const { rows } = await database.pool.query<{ name: string }>(
    `select payload ->> 'bodyBase64' as name from graphile_worker._private_jobs where locked_at is not null order by 1`,
  );
  expect(rows.map(({ name }) => name)).toEqual(['other', 'short']);

  const passedOn: string[] = [];
  const worker = await startWorker({
    connectionString: database.url,
    jobs: [],
    tasks: [
      { name: FORWARD_TASK, run: async (payload) => void passedOn.push((payload as ForwardedCallback).bodyBase64) },
    ],
    onError: () => {},
  });
  try {
    await expect.poll(() => passedOn, { timeout: 10_000 }).toEqual(['long']);
  } finally {
    await worker.close();
  }
});
