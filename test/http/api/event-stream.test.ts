import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestDashboard, type TestDashboard } from '../../support/dashboard.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
let dashboard: TestDashboard;
beforeAll(async () => {
  database = await createTestDatabase();
  dashboard = await startTestDashboard(database, { pingEveryMs: 20 });
});
afterAll(async () => {
  await dashboard?.close();
  await database?.drop();
});

/** The events as they come, by name. */
async function follow(token: string) {
  const response = await fetch(`${dashboard.url}/api/v1/events`, { headers: { Authorization: `Bearer ${token}` } });
  expect(response.status).toBe(200);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  return {
    async until(event: string) {
      for (let text = ''; !text.includes(`event: ${event}\n`); ) {
        const { done, value } = await reader.read();
        if (done) throw new Error(`the stream ended before ${event}`);
        text += value;
      }
    },
    async ended() {
      while (!(await reader.read()).done);
    },
    leave: () => reader.cancel(),
  };
}

describe('the stream of events', () => {
  it('ends when the token it was opened with is revoked, and goes on for others', async () => {
    const [leaver, stayer] = await Promise.all([
      dashboard.tokens.create({ name: 'leaver', scope: 'read' }),
      dashboard.tokens.create({ name: 'stayer', scope: 'read' }),
    ]);
    const [left, stayed] = [await follow(leaver.token), await follow(stayer.token)];
    await left.until('ping');
    await dashboard.tokens.revoke(leaver.row.id);
    await left.ended();
    await stayed.until('ping');
    await stayed.leave();
    expect(dashboard.errors).toEqual([]);
  });

  it('ends when the token expires', async () => {
    const { token, row } = await dashboard.tokens.create({ name: 'short', scope: 'read' });
    const followed = await follow(token);
    await followed.until('ping');
    await database.pool.query('update tokens set expires_at = now() where id = $1', [row.id]);
    await followed.ended();
  });
});
