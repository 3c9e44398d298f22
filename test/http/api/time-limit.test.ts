import request from 'supertest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../../src/adapters/postgres/database.ts';
import { createTestApi } from '../../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { fillHistory, NOW } from '../../support/filled-history.ts';

let database: TestDatabase;
let asking: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  await fillHistory(database);
  asking = openDatabase({ url: database.url, maxConnections: 2, statementTimeoutMs: 100 });
});
afterAll(async () => {
  await asking?.close();
  await database?.drop();
});

it('a question that takes too long is stopped with a problem that says so; an export may take its time', async () => {
  const api = createTestApi(database, NOW, { asking });
  const get = (path: string) => request(api.app).get(`/api/v1${path}`).set('Host', 'localhost');
  await get('/captures').expect(200);
  const holder = await database.pool.connect();
  try {
    await holder.query('begin; lock table captures in access exclusive mode');
    // Begun first, it has waited for longer than the question when that is stopped.
    const whole = get('/exports/captures?format=ndjson').then((response) => response);
    const { status, body, headers } = await get('/captures');
    expect([status, body.type]).toEqual([503, '/api/v1/problems/took-too-long']);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(api.errors).toMatchObject([{ code: '57014' }]);
    await holder.query('rollback');
    expect((await whole).text.trimEnd().split('\n')).toHaveLength(300);
  } finally {
    await holder.query('rollback');
    holder.release();
  }
});
