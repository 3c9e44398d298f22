import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/adapters/postgres/database.ts';
import { isDone, untilDone } from '../../src/compose/storage.ts';
import { type CuttableProxy, startDatabaseProxy } from '../support/cuttable-proxy.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const logger = pino({ level: 'silent' });
let direct: TestDatabase;
let proxy: CuttableProxy;
let database: Database;
beforeAll(async () => {
  direct = await createTestDatabase();
  const proxied = await startDatabaseProxy(direct.url);
  proxy = proxied.proxy;
  database = openDatabase({ url: proxied.url, onError: () => {} });
});
afterAll(async () => {
  await database.close();
  await proxy.close();
  await direct.drop();
});

describe('work that is to be done once the database is there', () => {
  it('is tried once more where the database went away and is back before anybody looked', async () => {
    let tries = 0;
    const work = async () => {
      tries += 1;
      const asked = database.pool.query('select pg_sleep(0.2)');
      if (tries === 1) setTimeout(() => proxy.refuse(), 50);
      await asked.finally(() => proxy.restore());
    };
    expect(await isDone(work, database, logger)).toBe(true);
    expect(tries).toBe(2);
  });

  it('throws what fails with the database there', async () => {
    const work = async () => {
      throw new Error('a fault of ours');
    };
    await expect(isDone(work, database, logger)).rejects.toThrow('a fault of ours');
  });

  it('waits again where the database goes away in the middle of it', async () => {
    let tries = 0;
    const work = async () => {
      tries += 1;
      if (tries === 1) {
        proxy.refuse();
        setTimeout(() => proxy.restore(), 300);
      }
      await database.pool.query('select 1');
    };
    await untilDone(work, database, { signal: new AbortController().signal, logger });
    expect(tries).toBe(2);
  });
});
