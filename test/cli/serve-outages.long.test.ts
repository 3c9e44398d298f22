import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepareWorker } from '../../src/worker/start-worker.ts';
import { type CuttableProxy, startDatabaseProxy } from '../support/cuttable-proxy.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { signedCallback } from '../support/receiver.ts';
import { discardServe, type ServeProcess, startServe } from '../support/serve-process.ts';

const CUTS = 6;
const CUT_MS = 1_000;
/** Jobs run most of the time, so that a cut finds some of them under way. */
const BUSY = `
audit: { every: 1s, pollEvery: 1s }
watch: { every: 1s }
`;
const PATIENCE = { timeout: 30_000, interval: 20 };

let database: TestDatabase;
let proxy: CuttableProxy;
let proxiedUrl: string;
let running: ServeProcess | null;
let predecessor: Server | null;
beforeEach(async () => {
  running = null;
  predecessor = null;
  database = await createTestDatabase();
  ({ proxy, url: proxiedUrl } = await startDatabaseProxy(database.url));
});
afterEach(async () => {
  if (running) await discardServe(running);
  predecessor?.closeAllConnections();
  predecessor?.close();
  await proxy.close();
  await database.drop();
});

async function serve(options: Parameters<typeof startServe>[0]): Promise<ServeProcess> {
  running = await startServe(options);
  return running;
}

/** Sends one callback of a stream, and resolves with the status of the answer. */
async function send({ url, host }: ServeProcess, stream: string, bytes = 0): Promise<number> {
  const body = {
    DomainName: 'play.example.com',
    AppName: 'live',
    StreamName: stream,
    OssBucket: 'snap',
    OssObject: `snapshot/live/${stream}/${Math.floor(Date.now() / 1000)}.jpg`,
    ...(bytes > 0 && { Extra: 'x'.repeat(bytes) }),
  };
  const response = await fetch(`${url}/callbacks/snapshot`, signedCallback(body, { host }));
  return response.status;
}

const hasEnded = ({ child }: ServeProcess) => child.exitCode !== null || child.signalCode !== null;
const count = async (sql: string) => (await database.pool.query<{ n: number }>(sql)).rows[0]!.n;
const capturesStored = () => count('select count(*)::int as n from captures');
const jobsUnderWay = () =>
  count('select count(*)::int as n from graphile_worker._private_jobs where key is not null and locked_at is not null');
/** When the next polls are due; a job that has run puts its next run there. */
const nextPolls = () =>
  count(
    `select coalesce(max(extract(epoch from run_at)), 0)::float8 as n from graphile_worker._private_jobs where key = 'poll-sessions'`,
  );

describe('serve while the database goes away for a moment', () => {
  it(`takes every callback and runs its jobs afterwards, though jobs were under way at each of ${CUTS} cuts`, async () => {
    const service = await serve({ databaseUrl: proxiedUrl, moreSettings: BUSY });
    for (let cut = 1; cut <= CUTS; cut++) {
      await expect.poll(jobsUnderWay, PATIENCE).toBeGreaterThan(0);
      proxy.refuse();
      expect(await send(service, `cam${cut}`)).toBe(200);
      await delay(CUT_MS);
      proxy.restore();
      await expect.poll(capturesStored, PATIENCE).toBe(cut);
      expect(hasEnded(service)).toBe(false);
    }
    // A chain that was lost is put together again within a minute, and only a run moves what is due then.
    for (let moves = 0; moves < 2; moves++) {
      const due = await nextPolls();
      await expect.poll(nextPolls, { ...PATIENCE, timeout: 90_000 }).toBeGreaterThan(due);
    }
    expect(await service.stop()).toBe(0);
  }, 300_000);

  it('takes callbacks, and runs its jobs afterwards, where that happens just when they begin, twice', async () => {
    await prepareWorker(database.url);
    const client = await database.pool.connect();
    let service: ServeProcess;
    try {
      await client.query('begin; lock table graphile_worker._private_tasks');
      service = await serve({ databaseUrl: proxiedUrl });
      const startsWaiting = `select count(*)::int as n from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and query like '%add_job%'`;
      await expect.poll(() => count(startsWaiting), PATIENCE).toBeGreaterThan(0);
      proxy.refuse();
      // Seen by the start itself, or first by the worker that it began.
      await expect.poll(service.log, PATIENCE).toMatch(/cannot be used|Connection terminated/);
      // PostgreSQL does not see that nobody waits for it any more.
      const waiting = await count(startsWaiting);
      proxy.restore();
      await expect.poll(() => count(startsWaiting), PATIENCE).toBeGreaterThan(waiting);
      proxy.refuse();
    } finally {
      client.release(true);
    }
    expect(await send(service, 'cam1')).toBe(200);
    proxy.restore();
    await expect.poll(capturesStored, PATIENCE).toBe(1);
    await expect.poll(nextPolls, PATIENCE).toBeGreaterThan(Date.now() / 1000);
    expect(await service.stop()).toBe(0);
  }, 60_000);
});

describe('serve whose spool file is damaged while it runs', () => {
  it('goes on taking callbacks, into the database once that is back, and says that it is ready', async () => {
    const service = await serve({ databaseUrl: proxiedUrl });
    proxy.refuse();
    const statuses = new Set<number>();
    for (let sent = 0; sent < 200; sent++) statuses.add(await send(service, `cam${sent}`, 50_000));
    expect([...statuses]).toEqual([200]);
    damage(['spool.sqlite', 'spool.sqlite-wal'].map((name) => path.join(service.directory, 'spool', name)));
    proxy.restore();

    await expect.poll(() => service.log(), PATIENCE).toContain('the spool could not be moved into the database');
    const readiness = async () => (await fetch(`${service.url}/readyz`)).json();
    await expect.poll(readiness, PATIENCE).toMatchObject({ status: 'ready', database: 'ok' });
    const before = await capturesStored();
    expect(await send(service, 'afterwards')).toBe(200);
    expect(await capturesStored()).toBe(before + 1);
    expect(hasEnded(service)).toBe(false);
  }, 90_000);
});

/** Everything but their first pages, as by a disk that fails. All are opened first: whoever finds the damage of one lets go of the others. */
function damage(files: readonly string[]): void {
  const pageBytes = 4096;
  const descriptors = files.map((file) => openSync(file, 'r+'));
  try {
    for (const descriptor of descriptors) {
      const { size } = fstatSync(descriptor);
      for (let at = pageBytes; at < size; at += pageBytes) {
        writeSync(descriptor, Buffer.alloc(pageBytes, 7), 0, pageBytes, at);
      }
    }
  } finally {
    for (const descriptor of descriptors) closeSync(descriptor);
  }
}

describe('serve that ends while callbacks are being passed on', () => {
  let arrived: number;
  const heldSince = async () => {
    const { rows } = await database.pool.query<{ lockedAt: number | null }>(
      `select locked_at as "lockedAt" from graphile_worker._private_jobs as jobs
       join graphile_worker._private_tasks as tasks on tasks.id = jobs.task_id where identifier = 'forward-callback'`,
    );
    return rows.map(({ lockedAt }) => lockedAt);
  };

  /** Three callbacks are on their way to a predecessor that takes requests and answers none. */
  async function passOn() {
    arrived = 0;
    const listening = createServer(() => {
      arrived++;
    });
    predecessor = listening;
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
    const { port } = listening.address() as AddressInfo;
    const options = {
      databaseUrl: database.url,
      moreSettings: `        forward: http://127.0.0.1:${port}/\ncallbacks: { forwardAllowPrivate: true }\n`,
    };
    const service = await serve(options);
    for (const stream of ['cam1', 'cam2', 'cam3']) expect(await send(service, stream)).toBe(200);
    await expect.poll(() => arrived, PATIENCE).toBe(3);
    return { service, options };
  }

  it('lets go of them at once on SIGTERM, and leaves them to whoever starts next', async () => {
    const { service } = await passOn();
    const begun = Date.now();
    expect(await service.stop()).toBe(0);
    expect(Date.now() - begun).toBeLessThan(10_000);
    expect(await heldSince()).toEqual([null, null, null]);
  }, 60_000);

  it('has them passed on by whoever runs five minutes after a SIGKILL', async () => {
    const { service, options } = await passOn();
    await discardServe(service);
    expect(await heldSince()).not.toContain(null);
    await database.pool.query(
      `update graphile_worker._private_jobs set locked_at = locked_at - interval '5 minutes', run_at = run_at - interval '5 minutes'`,
    );
    await serve(options);
    await expect.poll(() => arrived, PATIENCE).toBe(6);
  }, 60_000);
});
