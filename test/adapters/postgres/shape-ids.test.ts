import { afterAll, beforeAll, expect, it } from 'vitest';
import { createShapeIds } from '../../../src/adapters/postgres/shape-ids.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

/** One more than are kept in memory. */
const MANY = 10_001;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

it('gives every shape that is asked for, also where more have been read than are kept in memory', async () => {
  const { rows } = await database.pool.query<{ id: number }>(
    `insert into capture_shapes (fingerprint, shape)
     select number, jsonb_build_object('bucket', 'bucket' || number) from generate_series(0, $1) as number returning id`,
    [MANY],
  );
  const ids = rows.map(({ id }) => id);
  const shapes = createShapeIds({ strangersInAll: 0 });
  expect((await shapes.read(database.pool, ids.slice(0, MANY))).size).toBe(MANY);
  // One that was read before, and one that was not.
  const found = await shapes.read(database.pool, [ids[5]!, ids[MANY]!]);
  expect([...found.values()]).toEqual([{ bucket: 'bucket5' }, { bucket: `bucket${MANY}` }]);
});
