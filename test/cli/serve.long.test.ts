import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPartitions, dayOf } from '../../src/adapters/postgres/partitions.ts';
import { loadCallbacks } from '../support/callback-load.ts';
import { type CuttableProxy, startDatabaseProxy } from '../support/cuttable-proxy.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { discardServe, type ServeProcess, startServe } from '../support/serve-process.ts';

let database: TestDatabase;
let proxy: CuttableProxy;
let proxiedUrl: string;
const processes: ServeProcess[] = [];
beforeEach(async () => {
  database = await createTestDatabase();
  ({ proxy, url: proxiedUrl } = await startDatabaseProxy(database.url));
});
afterEach(async () => {
  for (const serve of processes.splice(0)) await discardServe(serve);
  await proxy.close();
  await database.drop();
});

async function serve(...given: Parameters<typeof startServe>): Promise<ServeProcess> {
  const started = await startServe(...given);
  processes.push(started);
  return started;
}

async function until(isTrue: () => boolean | Promise<boolean>, what: string, timeoutMs = 30_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await delay(20);
  }
}

async function readiness({ url }: ServeProcess): Promise<{ database: string; spool: { entries: number } }> {
  return (await fetch(`${url}/readyz`)).json() as never;
}

async function stopUnderLoad(running: ServeProcess, meanwhile: () => Promise<void>) {
  const load = loadCallbacks(running.url, 16, { host: running.host });
  await until(() => load.acknowledged.size > 50, 'callbacks are being answered');
  await meanwhile();
  const begun = Date.now();
  const exitCode = await running.stop();
  const tookMs = Date.now() - begun;
  await load.stop();
  return { exitCode, tookMs, answers: [...load.answers.keys()], acknowledged: load.acknowledged.size };
}

describe('SIGTERM to serve, under load', () => {
  it('answers what is in flight and exits within 10 s, though jobs have minutes of work before them', async () => {
    const day = dayOf(Date.now()) - 3;
    const client = await database.pool.connect();
    await createPartitions().ensure(client, [day]);
    // A reader that does not end: the exchange has to wait for it.
    await client.query('begin isolation level repeatable read');
    await client.query('select count(*) from captures');
    const running = await serve({ databaseUrl: database.url });
    const sealing = async () => {
      const { rows } = await database.pool.query(
        `select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
         and (query like '%log_sealing_change%' or query like '%backend_xmin%')`,
      );
      return rows.length > 0;
    };
    const stopped = await stopUnderLoad(running, () => until(sealing, 'the day is being sealed'));
    client.release(true);
    expect(stopped).toMatchObject({ exitCode: 0, answers: [200] });
    expect(stopped.tookMs).toBeLessThan(10_000);
    expect(running.log()).not.toContain('a job failed');
  }, 90_000);

  it('exits within 10 s while the database answers nobody, and keeps what it said it keeps', async () => {
    const running = await serve({ databaseUrl: proxiedUrl });
    const isAway = async () => (await readiness(running)).database === 'away';
    const stopped = await stopUnderLoad(running, async () => {
      proxy.freeze();
      await until(isAway, 'the database counts as away');
    });
    expect(stopped).toMatchObject({ exitCode: 0, answers: [200] });
    expect(stopped.tookMs).toBeLessThan(10_000);

    proxy.restore();
    const again = await serve({ databaseUrl: database.url, directory: running.directory });
    const stored = async () => {
      const { rows } = await database.pool.query<{ n: number }>('select count(*) as n from captures');
      return rows[0]!.n;
    };
    await until(async () => (await stored()) >= stopped.acknowledged, 'all of them are in the database');
    expect(await again.stop()).toBe(0);
  }, 90_000);
});

describe('serve with a damaged spool file', () => {
  it('goes on with another one, and tells people', async () => {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'snapaudit-serve-'));
    await mkdir(path.join(directory, 'spool'));
    await writeFile(path.join(directory, 'spool', 'spool.sqlite'), 'this is no database'.repeat(500));
    const running = await serve({ databaseUrl: database.url, directory });
    expect(running.log()).toMatch(/spool\.sqlite.*damaged/);
  }, 30_000);
});

it('serve notes its settings at its start, also where another replica does all the watching', async () => {
  const inForce = async () => {
    const { rows } = await database.pool.query<{ digest: string }>('select digest from settings_in_force');
    return rows.map(({ digest }) => digest);
  };
  const watching = await database.pool.connect();
  await watching.query(`select pg_advisory_lock(hashtextextended('snapaudit:watch-drift', 0))`);
  await database.pool.query(`insert into settings_in_force values ('play.example.com', 'of an apply', now())`);
  const running = await serve({ databaseUrl: database.url });
  await until(async () => (await inForce())[0] !== 'of an apply', 'its own settings are noted');
  expect(await inForce()).toEqual([expect.stringMatching(/^[0-9a-f]{128}$/)]);
  watching.release(true);
  expect(await running.stop()).toBe(0);
}, 90_000);

describe('serve while the database is away', () => {
  it('takes callbacks again after a crash, and runs its jobs once the database is back', async () => {
    const first = await serve({ databaseUrl: proxiedUrl });
    first.child.kill('SIGKILL');
    await until(() => first.child.signalCode !== null, 'the first one is dead');
    proxy.refuse();
    const second = await serve({ databaseUrl: proxiedUrl, directory: first.directory });
    const load = loadCallbacks(second.url, 4, { host: second.host, pauseMs: 5 });
    await until(() => load.acknowledged.size > 50, 'callbacks are being answered');
    expect(await readiness(second)).toMatchObject({ database: 'away' });
    await load.stop();
    expect([...load.answers.keys()]).toEqual([200]);

    proxy.restore();
    const count = async (sql: string) => (await database.pool.query<{ n: number }>(sql)).rows[0]!.n;
    await until(
      async () => (await count('select count(*) as n from captures')) === load.acknowledged.size,
      'all of them are in the database',
    );
    const listening = `select count(*) as n from pg_stat_activity where datname = current_database() and query like '%LISTEN%'`;
    await until(async () => (await count(listening)) > 0, 'a worker waits for jobs');
    expect(await second.stop()).toBe(0);
  }, 90_000);

  it('ends with one sentence where no start has ever reached it', async () => {
    proxy.refuse();
    await expect(serve({ databaseUrl: proxiedUrl })).rejects.toThrow(
      /^serve ended: snapaudit: The database .* cannot be used: /,
    );
  }, 30_000);
});
