import { PassThrough } from 'node:stream';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/adapters/postgres/database.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase({ maxConnections: 1 });
});
afterAll(() => test.drop());

const connections = async (applicationName: string) => {
  const select = 'select pid from pg_stat_activity where application_name = $1';
  return (await test.pool.query<{ pid: number }>(select, [applicationName])).rows;
};

describe('a pool of connections', () => {
  it('tells of a connection that the server ended, without the connection and its key', async () => {
    const log = new PassThrough();
    const logger = pino(log);
    const database = openDatabase({
      url: test.url,
      applicationName: 'ended',
      onError: (err) => logger.warn({ err }, 'an idle database connection ended'),
    });
    await database.pool.query('select 1');
    const [one] = await connections('ended');
    await test.pool.query('select pg_terminate_backend($1)', [one!.pid]);
    await expect.poll(() => log.readableLength, { timeout: 10_000 }).toBeGreaterThan(0);
    const line = String(log.read());
    expect(line).toContain('terminating connection');
    expect(line).not.toMatch(/secretKey|"client"/);
    await database.close();
  });

  it('is closed also where only plain queries were run on it', async () => {
    const database = openDatabase({ url: test.url, applicationName: 'plain' });
    await database.pool.query('select 1');
    expect(await connections('plain')).toHaveLength(1);
    await database.close();
    await expect.poll(() => connections('plain'), { timeout: 10_000 }).toEqual([]);
  });
});
