import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/adapters/postgres/database.ts';
import { type CuttableProxy, startDatabaseProxy } from '../support/cuttable-proxy.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startTestReceiver } from '../support/receiver.ts';

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
