import { afterAll, beforeAll, expect, it } from 'vitest';
import { createCallSlots } from '../../../src/adapters/postgres/call-slots.ts';
import { openDatabase } from '../../../src/adapters/postgres/database.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const SPACING = 40;
const noFallback = {
  reserve: () => Promise.reject(new Error('the fallback was asked')),
  pause: () => Promise.reject(new Error('the fallback was asked')),
};

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

it('hands out slots one spacing apart to all replicas together, and to each action apart', async () => {
  const replicas = [createCallSlots(database.db, noFallback), createCallSlots(database.db, noFallback)];
  const startedAt = performance.now();
  const slots = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const { waitMs } = await replicas[i % 2]!.reserve('Add', SPACING);
      return performance.now() - startedAt + waitMs;
    }),
  );
  slots.sort((a, b) => a - b);
  // The first slot is free at once, so the last of twenty is nineteen spacings after the beginning, however slow the machine is.
  expect(slots.at(-1)).toBeGreaterThan(19 * SPACING - 2);
  expect((await replicas[0]!.reserve('Update', SPACING)).waitMs).toBe(0);
});

it('lets everybody wait while the vendor throttles', async () => {
  const [one, two] = [createCallSlots(database.db, noFallback), createCallSlots(database.db, noFallback)];
  await one.pause('Set', 5000);
  const { waitMs } = await two.reserve('Set', SPACING);
  expect(waitMs).toBeGreaterThan(4000);
  expect(waitMs).toBeLessThanOrEqual(5000);
});

it('falls back on the replica’s own pacing while the database is away', async () => {
  const away = openDatabase({ url: 'postgres://nobody:x@127.0.0.1:1/none', maxConnections: 1 });
  const slots = createCallSlots(away.db, { reserve: async () => ({ waitMs: 7 }), pause: async () => {} });
  expect(await slots.reserve('Add', SPACING)).toEqual({ waitMs: 7 });
  await slots.pause('Add', 1000);
  await away.close();
});

it('is not silenced by a booking far ahead, as after the database’s clock was set back', async () => {
  const slots = createCallSlots(database.db, noFallback);
  await database.pool.query("insert into vendor_call_slots values ('Ahead', clock_timestamp() + interval '1 day')");
  expect((await slots.reserve('Ahead', SPACING)).waitMs).toBeLessThanOrEqual(120_000);
});
