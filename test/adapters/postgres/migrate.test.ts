import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/adapters/postgres/database.ts';
import { migrateToLatest } from '../../../src/adapters/postgres/migrate.ts';
import { timestamp } from '../../../src/adapters/postgres/timestamp.ts';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../../support/database.ts';

describe('migrateToLatest', () => {
  let empty: TestDatabase;
  beforeAll(async () => {
    empty = await createEmptyDatabase();
  });
  afterAll(() => empty.drop());

  it('is safe when eight processes start on an empty database at once', async () => {
    const starters = Array.from({ length: 8 }, () => openDatabase({ url: empty.url, maxConnections: 2 }));
    const applied = await Promise.all(starters.map(migrateToLatest));
    await Promise.all(starters.map((starter) => starter.close()));
    expect(applied.filter((names) => names.length > 0)).toHaveLength(1);
    expect(await empty.db.selectFrom('streams').selectAll().execute()).toEqual([]);
  });
});

describe('openDatabase', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  it('gives back an instant to the millisecond', async () => {
    const instant = Date.UTC(2026, 10, 24, 2, 46, 26, 123);
    const row = await database.db
      .insertInto('streams')
      .values({ domain: 'd', app: 'a', stream: 's', first_seen_at: timestamp(instant) })
      .returningAll()
      .executeTakeFirstOrThrow();
    expect(row.first_seen_at).toBe(instant);
    expect(row.id).toBe(1);
  });
});
