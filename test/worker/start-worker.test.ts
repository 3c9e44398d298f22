import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareWorker, startWorker } from '../../src/worker/start-worker.ts';
import { startDatabaseProxy } from '../support/cuttable-proxy.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await wait(20);
  }
}

describe('the worker', () => {
  it('runs a job again and again, also after a run that failed, and reports the failure', async () => {
    const errors: string[] = [];
    let runs = 0;
    const worker = await startWorker({
      connectionString: database.url,
      jobs: [
        {
          name: 'test-again',
          everySeconds: 0,
          run: async () => {
            if (++runs === 1) throw new Error('no luck');
          },
        },
      ],
      onError: (name, error) => errors.push(`${name}: ${(error as Error).message}`),
    });
    await until(() => runs >= 3, 'the job ran three times');
    await worker.close();
    expect(errors).toEqual(['test-again: no luck']);
  });

  it('keeps a second replica from running the same job at the same time', async () => {
    let running = 0;
    let most = 0;
    let runs = 0;
    const job = {
      name: 'test-alone',
      everySeconds: 0,
      run: async () => {
        most = Math.max(most, ++running);
        await wait(50);
        running--;
        runs++;
      },
    };
    const options = { connectionString: database.url, jobs: [job], onError: () => {} };
    const replicas = await Promise.all([startWorker(options), startWorker(options)]);
    for (let round = 0; round < 4; round++) await Promise.all(replicas.map((replica) => replica.runSoon(job.name)));
    await until(() => runs >= 4, 'the job ran four times');
    await Promise.all(replicas.map((replica) => replica.close()));
    expect(most).toBe(1);
  });

  it('does not call a job failed that ended because it was told to', async () => {
    const errors: string[] = [];
    let started = false;
    const worker = await startWorker({
      connectionString: database.url,
      jobs: [
        {
          name: 'test-told',
          everySeconds: 60,
          run: async (signal) => {
            started = true;
            await wait(60_000, undefined, { signal });
          },
        },
      ],
      onError: (name) => errors.push(name),
    });
    await until(() => started, 'the job started');
    await worker.close();
    expect(errors).toEqual([]);
  });

  it('tells a running job to stop and leaves no connection behind', async () => {
    let started = false;
    let aborted = false;
    const worker = await startWorker({
      connectionString: database.url,
      jobs: [
        {
          name: 'test-long',
          everySeconds: 60,
          run: async (signal) => {
            started = true;
            await wait(60_000, undefined, { signal }).catch(() => {
              aborted = true;
            });
          },
        },
      ],
      onError: () => {},
    });
    await until(() => started, 'the job started');
    await worker.close();
    expect(aborted).toBe(true);
    // A server process ends a moment after its client has left.
    const open = async () => {
      const { rows } = await database.pool.query(
        `select count(*)::int as open from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
      );
      return rows[0].open;
    };
    await expect.poll(open, { timeout: 10_000 }).toBe(0);
  });

  it('throws away the job of a killed process, once nothing holds it any more', async () => {
    await prepareWorker(database.url);
    const leftBehind = async (name: string, lockedAt: Date | null) => {
      const { rows } = await database.pool.query('select id from graphile_worker.add_job($1, max_attempts := 1)', [
        name,
      ]);
      const set = 'update graphile_worker._private_jobs set attempts = 1, locked_at = $2 where id = $1';
      await database.pool.query(set, [rows[0].id, lockedAt]);
    };
    await leftBehind('test-over', null);
    await leftBehind('test-held', new Date());
    await prepareWorker(database.url);
    const { rows } = await database.pool.query(
      "select task_identifier from graphile_worker.jobs where task_identifier in ('test-over', 'test-held')",
    );
    expect(rows).toEqual([{ task_identifier: 'test-held' }]);
  });

  it('goes on within seconds when the database was away in the middle of a job', async () => {
    const { proxy, url } = await startDatabaseProxy(database.url);
    let running = 0;
    let runs = 0;
    let goOn = () => {};
    const worker = await startWorker({
      connectionString: url,
      jobs: [
        {
          name: 'test-cut-off',
          everySeconds: 0,
          run: async () => {
            running++;
            if (running === 1) await new Promise<void>((resolve) => (goOn = resolve));
            runs++;
          },
        },
      ],
      onError: () => {},
    });
    await until(() => running === 1, 'the job started');
    proxy.refuse();
    goOn();
    await wait(1_500);
    proxy.restore();
    await until(() => runs >= 3, 'the job ran again');
    await worker.close();
    await proxy.close();
  }, 40_000);
});
