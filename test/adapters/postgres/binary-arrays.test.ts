import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { int2s, int4s, OutOfRangeError, timestamptzs } from '../../../src/adapters/postgres/binary-arrays.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const itself = (value: number) => value;

describe('arrays in the binary format', () => {
  it('are read by PostgreSQL as the numbers that were given', async () => {
    const rows = fc.array(
      fc.record({
        int2: fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 }),
        int4: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
        at: fc.oneof(
          fc.integer({ min: Date.UTC(1990, 0, 1), max: Date.UTC(2200, 0, 1) }),
          fc.constantFrom(Date.UTC(2000, 0, 1) - 1, Date.UTC(2000, 0, 1), Date.UTC(2000, 0, 1) + 1),
        ),
      }),
      { maxLength: 20 },
    );
    await fc.assert(
      fc.asyncProperty(rows, async (given) => {
        const read = await database.pool.query(
          'select * from unnest($1::int2[], $2::int4[], $3::timestamptz[]) as given (int2, int4, at)',
          [int2s(given, ({ int2 }) => int2), int4s(given, ({ int4 }) => int4), timestamptzs(given, ({ at }) => at)],
        );
        expect(read.rows).toEqual(given);
      }),
      { numRuns: 60 },
    );
  });

  it('refuse what the type does not hold, with the code that PostgreSQL has for it', () => {
    for (const value of [2 ** 15, -(2 ** 15) - 1, 1.5, Number.NaN]) {
      expect(() => int2s([value], itself)).toThrow(expect.objectContaining({ code: '22003' }));
    }
    expect(() => int4s([2 ** 31], itself)).toThrow(OutOfRangeError);
    expect(() => timestamptzs([Number.NaN], itself)).toThrow(OutOfRangeError);
    expect(() => timestamptzs([Date.UTC(2286, 0, 1)], itself)).toThrow(OutOfRangeError);
  });
});
