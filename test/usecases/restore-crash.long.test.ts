import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { endOfRestore, restoreCrashingAt } from '../support/taken-over.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

// Where the vendor does not clear a Callback, the config is deleted and added again: no crash may leave it deleted.
describe.each(['everything', 'callbacks'] as const)('a crash at any call of a restore of %s', (scope) => {
  it.each(['removed', 'kept', 'literal', 'refused'] as const)(
    'is made good by running it again, a Callback set to "-" being %s',
    async (callbackRemoval) => {
      const { expected, calls } = await endOfRestore(database, scope, callbackRemoval);
      expect(calls).toBeGreaterThan(20);
      for (let at = 1; at <= calls; at += 1) {
        for (const when of ['before', 'after'] as const) {
          const end = await restoreCrashingAt(database, at, when, scope, callbackRemoval);
          expect(end, `crash ${when} call ${at}`).toEqual(expected);
        }
      }
    },
    120_000,
  );
});
