import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/adapters/postgres/database.ts';
import { loadCallbacks } from '../support/callback-load.ts';
import { type CuttableProxy, startDatabaseProxy } from '../support/cuttable-proxy.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { signedCallback, startTestReceiver } from '../support/receiver.ts';

let database: TestDatabase;
let proxy: CuttableProxy;
let proxiedUrl: string;
beforeAll(async () => {
  database = await createTestDatabase();
  ({ proxy, url: proxiedUrl } = await startDatabaseProxy(database.url));
});
afterEach(() => proxy.restore());
afterAll(async () => {
  await proxy.close();
  await database.drop();
});

describe('a receiver that is closed while the database is away', () => {
  it('leaves what it took to the one that runs beside it', async () => {
    const spoolDirectory = mkdtempSync(path.join(os.tmpdir(), 'snapaudit-spool-'));
    const receiving = openDatabase({ url: proxiedUrl, maxConnections: 4 });
    const stored = async () => (await database.pool.query('select count(*)::int as n from captures')).rows[0].n;
    try {
      const old = await startTestReceiver(receiving, { spoolDirectory });
      const next = await startTestReceiver(receiving, { spoolDirectory, limits: { absorbEveryMs: 50 } });
      try {
        proxy.refuse();
        const object = `snapshot/live/cam01/${Math.floor(Date.now() / 1000)}.jpg`;
        const body = { domain: 'play.example.com', app: 'live', stream: 'cam01', object };
        expect((await fetch(`${old.url}/callbacks/snapshot`, signedCallback(body))).status).toBe(200);
        await old.close();
        expect(await stored()).toBe(0);
        proxy.restore();
        await expect.poll(stored, { timeout: 10_000 }).toBe(1);
      } finally {
        await old.close();
        await next.close();
      }
    } finally {
      await receiving.close();
      rmSync(spoolDirectory, { recursive: true, force: true });
    }
  });
});

describe('a queue of forwards that takes nothing', () => {
  it('keeps no callback from being answered 200 and stored, and does not make the database count as away', async () => {
    await database.pool.query('truncate captures');
    let isBroken = true;
    const queued = new Set<string>();
    const running = await startTestReceiver(database, {
      forwardTargetsOf: () => ['https://old.example.com/'],
      forwards: {
        async write(callbacks) {
          if (isBroken) throw new Error('the queue is broken');
          for (const { bodyBase64 } of callbacks) queued.add(bodyBase64);
          return [];
        },
      },
    });
    const load = loadCallbacks(running.url, 8);
    try {
      // More than one page of the spool.
      await expect.poll(() => load.acknowledged.size, { timeout: 20_000 }).toBeGreaterThan(700);
      expect(running.receiver.state().databaseDownSince).toBeNull();
      await load.stop();
      expect([...load.answers.keys()]).toEqual([200]);
      const { rows } = await database.pool.query('select count(*)::int as n, max(deliveries) as most from captures');
      expect(rows).toEqual([{ n: load.acknowledged.size, most: 1 }]);
      expect(queued.size).toBe(0);
      expect(running.receiver.state().spool?.entries).toBe(load.acknowledged.size);

      isBroken = false;
      await expect.poll(() => queued.size, { timeout: 10_000 }).toBe(load.acknowledged.size);
      await expect.poll(() => running.receiver.state().spool?.entries).toBe(0);
    } finally {
      await load.stop();
      await running.close();
    }
  }, 60_000);

  it('takes a part of the spool at most: beyond it callbacks are stored, and counted as not passed on', async () => {
    await database.pool.query('truncate captures');
    const receiving = openDatabase({ url: proxiedUrl, maxConnections: 4 });
    const spoolBytes = 400_000;
    const running = await startTestReceiver(receiving, {
      spoolBytes,
      forwardTargetsOf: () => ['https://old.example.com/'],
      forwards: {
        async write() {
          throw new Error('the queue is broken');
        },
      },
    });
    const load = loadCallbacks(running.url, 8);
    const dropped = () => running.receiver.state().forwardsDropped;
    try {
      await expect.poll(dropped, { timeout: 20_000 }).toBeGreaterThan(500);
      expect(running.receiver.state().spool?.bytes).toBeLessThan(0.75 * spoolBytes);
      // There is room left for captures when the database goes away as well.
      proxy.refuse();
      const before = load.acknowledged.size;
      await expect.poll(() => load.acknowledged.size, { timeout: 10_000 }).toBeGreaterThan(before + 50);
      await load.stop();
      expect([...load.answers.keys()]).toEqual([200]);
      proxy.restore();
      const stored = async () => (await database.pool.query('select count(*)::int as n from captures')).rows[0].n;
      await expect.poll(stored, { timeout: 10_000 }).toBe(load.acknowledged.size);
    } finally {
      await load.stop();
      await running.close();
      await receiving.close();
    }
  }, 60_000);

  it('does not keep the database away that has come back', async () => {
    const receiving = openDatabase({ url: proxiedUrl, maxConnections: 4 });
    const running = await startTestReceiver(receiving, {
      forwardTargetsOf: () => ['https://old.example.com/'],
      forwards: {
        async write() {
          throw new Error('the queue is broken');
        },
      },
      limits: { heartbeatEveryMs: 50 },
    });
    const isAway = () => running.receiver.state().databaseDownSince !== null;
    const load = loadCallbacks(running.url, 2, { pauseMs: 5 });
    try {
      proxy.refuse();
      await expect.poll(isAway, { timeout: 10_000 }).toBe(true);
      const before = load.acknowledged.size;
      await expect.poll(() => load.acknowledged.size, { timeout: 10_000 }).toBeGreaterThan(before + 20);
      await load.stop();
      proxy.restore();
      await expect.poll(isAway, { timeout: 10_000 }).toBe(false);
      // Of what is left all are forwards.
      await expect
        .poll(() => running.receiver.state().spool?.entries, { timeout: 10_000 })
        .toBe(load.acknowledged.size);
    } finally {
      await load.stop();
      await running.close();
      await receiving.close();
    }
  });
});

describe('a database that goes away and comes back while no callback comes', () => {
  for (const [name, parts] of [
    ['with a spool', {}],
    ['without a spool', { spool: null }],
  ] as const) {
    it(`is told by /readyz, ${name}`, async () => {
      const receiving = openDatabase({ url: proxiedUrl, maxConnections: 4 });
      proxy.refuse();
      const running = await startTestReceiver(receiving, { ...parts, limits: { heartbeatEveryMs: 50 } });
      const told = async () => ((await (await fetch(`${running.url}/readyz`)).json()) as { database: string }).database;
      expect(await told()).toBe('away');
      proxy.restore();
      await expect.poll(told, { timeout: 10_000 }).toBe('ok');
      proxy.refuse();
      await expect.poll(told, { timeout: 10_000 }).toBe('away');
      proxy.restore();
      await expect.poll(told, { timeout: 10_000 }).toBe('ok');
      await running.close();
      await receiving.close();
    });
  }
});
