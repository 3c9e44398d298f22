import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/adapters/postgres/database.ts';
import { type CallbackLoad, forkReceiver, loadCallbacks } from '../support/callback-load.ts';
import { type CuttableProxy, startDatabaseProxy } from '../support/cuttable-proxy.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startTestReceiver } from '../support/receiver.ts';
import { CANNOT_MOUNT, mountSmallDisk } from '../support/small-disk.ts';

/** More rounds than the suite has time for: SNAPAUDIT_KILL_ROUNDS=20. */
const ROUNDS = Number(process.env.SNAPAUDIT_KILL_ROUNDS ?? 5);
/** How long the database stays away, longer than the suite has time for: SNAPAUDIT_OUTAGE_SECONDS=120. */
const OUTAGE_MS = Number(process.env.SNAPAUDIT_OUTAGE_SECONDS ?? 0) * 1_000;

let database: TestDatabase;
let proxy: CuttableProxy;
let proxiedUrl: string;
let directory: string;
beforeAll(async () => {
  database = await createTestDatabase();
  ({ proxy, url: proxiedUrl } = await startDatabaseProxy(database.url));
  directory = mkdtempSync(path.join(os.tmpdir(), 'snapaudit-durable-'));
});
afterEach(() => proxy.restore());
afterAll(async () => {
  await proxy.close();
  await database.drop();
  rmSync(directory, { recursive: true, force: true });
});

/** The acknowledged objects that are not in the database. */
async function lost(loads: CallbackLoad[]): Promise<string[]> {
  const { rows } = await database.pool.query<{ object: string }>(
    `select 'snapshot/live/' || stream || '/' || (extract(epoch from captured_at) * 1000)::bigint || '.jpg' as object
     from captures join streams on streams.id = stream_id`,
  );
  const stored = new Set(rows.map((row) => row.object));
  return loads.flatMap((load) => [...load.acknowledged]).filter((object) => !stored.has(object));
}

async function until(isTrue: () => boolean | Promise<boolean>, timeoutMs = 15_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error('the condition did not come true in time');
    await delay(20);
  }
}

describe('a callback that was answered 200 is in the database', () => {
  it(
    `after kill -9 of the receiver at random moments, ${ROUNDS} times`,
    async () => {
      const spool = path.join(directory, 'killed');
      const loads: CallbackLoad[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const receiver = await forkReceiver({ url: database.url, spoolDirectory: spool });
        const load = loadCallbacks(receiver.url, 32);
        loads.push(load);
        await delay(100 + ((round * 137) % 400));
        receiver.child.kill('SIGKILL');
        await receiver.exited;
        await load.stop();
      }
      expect(loads.reduce((sum, load) => sum + load.acknowledged.size, 0)).toBeGreaterThan(ROUNDS * 10);
      expect(await lost(loads)).toEqual([]);
    },
    60_000 + ROUNDS * 15_000,
  );

  it('after kill -9 of the receiver while the database is away and callbacks go to the spool', async () => {
    const spool = path.join(directory, 'spooling');
    const first = await forkReceiver({ url: proxiedUrl, spoolDirectory: spool });
    const load = loadCallbacks(first.url, 32);
    await until(() => load.acknowledged.size > 50);
    proxy.refuse();
    const before = load.acknowledged.size;
    await until(() => load.acknowledged.size > before + 300);
    first.child.kill('SIGKILL');
    await first.exited;
    await load.stop();
    expect(await lost([load])).not.toEqual([]);

    proxy.restore();
    const second = await forkReceiver({ url: proxiedUrl, spoolDirectory: spool });
    await until(async () => (await lost([load])).length === 0);
    second.child.kill('SIGTERM');
    expect(await second.exited).toBe(0);
    const { rows } = await database.pool.query('select max(deliveries) as most from captures');
    expect(rows).toEqual([{ most: 1 }]);
  }, 60_000);

  for (const how of ['refuse', 'freeze'] as const) {
    it(
      `when the database is away (${how}) and comes back, with none counted twice`,
      async () => {
        const receiving = openDatabase({ url: proxiedUrl, maxConnections: 4 });
        // As large as the service's: at full size two minutes of this load fill more than the tests' usual one.
        const running = await startTestReceiver(receiving, { spoolBytes: 1024 ** 3 });
        const load = loadCallbacks(running.url, 32, { pauseMs: 5 });
        await until(() => load.acknowledged.size > 50);
        proxy[how]();
        await until(() => (running.receiver.state().spool?.entries ?? 0) > 200);
        const ready = await fetch(`${running.url}/readyz`);
        expect(ready.status).toBe(200);
        expect(await ready.json()).toMatchObject({ status: 'ready', database: 'away' });
        expect(running.receiver.state().databaseDownSince).not.toBeNull();
        await delay(OUTAGE_MS);
        proxy.restore();
        const back = load.acknowledged.size;
        await until(() => running.receiver.state().databaseDownSince === null);
        await until(() => running.receiver.state().spool?.entries === 0, 15_000 + OUTAGE_MS);
        await until(() => load.acknowledged.size > back + 50);
        await load.stop();
        expect(await lost([load])).toEqual([]);
        expect([...load.answers.keys()]).toEqual([200]);
        const { rows } = await database.pool.query('select max(deliveries) as most from captures');
        expect(rows).toEqual([{ most: 1 }]);
        await running.close();
        await receiving.close();
      },
      60_000 + 3 * OUTAGE_MS,
    );
  }
});

describe('what cannot be kept is answered 503, never 200', () => {
  it('when the spool is full and the database away; the receiver counts as blind meanwhile', async () => {
    const receiving = openDatabase({ url: proxiedUrl, maxConnections: 4 });
    const running = await startTestReceiver(receiving, { spoolBytes: 256 * 1024 });
    const load = loadCallbacks(running.url, 16, { pauseMs: 2 });
    await until(() => load.acknowledged.size > 50);
    proxy.refuse();
    await until(() => (load.answers.get(503) ?? 0) > 50, 30_000);
    await until(() => running.receiver.state().aliveUntil === null);
    const response = await fetch(`${running.url}/readyz`);
    expect(response.status).toBe(503);
    proxy.restore();
    const back = load.acknowledged.size;
    await until(() => load.acknowledged.size > back + 50);
    await until(() => running.receiver.state().spool?.entries === 0);
    await until(() => running.receiver.state().aliveUntil !== null);
    await load.stop();
    expect(await lost([load])).toEqual([]);
    const { rows } = await database.pool.query<{ beats: number }>(
      'select count(*) as beats from heartbeats where receiver_id = $1',
      [running.receiver.receiverId],
    );
    expect(rows[0]!.beats).toBeGreaterThanOrEqual(2);
    await running.close();
    await receiving.close();
  }, 60_000);
});

describe.skipIf(CANNOT_MOUNT)('the disk of the spool is full and the database away', () => {
  it('answers 503, never 200, and loses nothing that it said it keeps', async () => {
    const disk = mountSmallDisk(1_024)!;
    const receiving = openDatabase({ url: proxiedUrl, maxConnections: 4 });
    const running = await startTestReceiver(receiving, { spoolDirectory: path.join(disk.directory, 'spool') });
    const load = loadCallbacks(running.url, 16, { pauseMs: 2 });
    await until(() => load.acknowledged.size > 50);
    proxy.refuse();
    await until(() => (load.answers.get(503) ?? 0) > 50, 60_000);
    expect(running.receiver.state().spool?.entries).toBeGreaterThan(50);
    proxy.restore();
    const back = load.acknowledged.size;
    await until(() => load.acknowledged.size > back + 50);
    await until(() => running.receiver.state().spool?.entries === 0);
    await load.stop();
    expect(await lost([load])).toEqual([]);
    expect([...load.answers.keys()].sort()).toEqual([200, 503]);
    await running.close();
    await receiving.close();
    disk.remove();
  }, 120_000);
});

describe('a receiver that closes', () => {
  it('does not wait for a database that answers nobody; the spool keeps what it holds', async () => {
    const receiving = openDatabase({ url: proxiedUrl, maxConnections: 4 });
    const running = await startTestReceiver(receiving, { spoolDirectory: path.join(directory, 'closing') });
    const load = loadCallbacks(running.url, 8, { pauseMs: 5 });
    await until(() => load.acknowledged.size > 50);
    proxy.freeze();
    await until(() => (running.receiver.state().spool?.entries ?? 0) > 50);
    await load.stop();
    const begun = performance.now();
    await running.close();
    expect(performance.now() - begun).toBeLessThan(7_000);
    expect([...load.answers.keys()]).toEqual([200]);

    proxy.restore();
    const again = await startTestReceiver(database, { spoolDirectory: path.join(directory, 'closing') });
    await until(async () => (await lost([load])).length === 0);
    await again.close();
    // The server side of what hung is gone with the proxy's connections.
    proxy.refuse();
    await receiving.close();
  }, 60_000);
});

describe('SIGTERM under load', () => {
  it('answers what is in flight, resets no connection and exits within 10 s', async () => {
    const receiver = await forkReceiver({ url: database.url, spoolDirectory: path.join(directory, 'terminated') });
    const load = loadCallbacks(receiver.url, 32);
    await until(() => load.acknowledged.size > 200);
    const begun = Date.now();
    receiver.child.kill('SIGTERM');
    expect(await receiver.exited).toBe(0);
    expect(Date.now() - begun).toBeLessThan(10_000);
    await load.stop();
    expect(await lost([load])).toEqual([]);
    expect([...load.answers.keys()]).toEqual([200]);
  }, 90_000);
});
