import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DesiredDomain } from '../../src/core/config-plan.ts';
import { applyPlan } from '../../src/usecases/apply-plan.ts';
import type { ConfigPorts } from '../../src/usecases/reconcile-configs.ts';
import { restoreConfigs } from '../../src/usecases/restore-configs.ts';
import { OUR_CALLBACK, PLAY, standing, THEIR_CALLBACK } from '../support/config-world.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  Crash,
  crashing,
  DESIRED,
  endOfRestore,
  expectTakenOver,
  restoreCrashingAt,
  worldOfOthers,
} from '../support/taken-over.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const applyAll = (ports: ConfigPorts, desired: DesiredDomain[]) => applyPlan(ports, desired, { shown: null });

describe('a crash between any two calls', () => {
  let callsOfApply: number;
  beforeAll(async () => {
    const world = await worldOfOthers(database);
    const applying = crashing(world, Number.POSITIVE_INFINITY, 'before');
    await applyAll(applying.ports, DESIRED);
    callsOfApply = applying.calls();
  });

  it('is made good by running apply again, nothing is applied twice in a harmful way, and restore still knows the former state', async () => {
    expect(callsOfApply).toBeGreaterThan(20);
    const point = fc.record({
      at: fc.integer({ min: 1, max: callsOfApply }),
      when: fc.constantFrom('before' as const, 'after' as const),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(point, { minLength: 1, maxLength: 3 }), async (crashes) => {
        const world = await worldOfOthers(database);
        const before = standing(world.state);
        for (const { at, when } of crashes) {
          await applyAll(crashing(world, at, when).ports, DESIRED).catch((error: unknown) => {
            if (!(error instanceof Crash)) throw error;
          });
          world.advance(1000);
        }
        expect(await applyAll(world.ports, DESIRED)).toMatchObject({ failed: [], failures: [] });
        expectTakenOver(world);
        // Each config changed once, from what it was to what it shall be; those that are not ours never did.
        for (const app of ['live', 'shop']) expect(world.state.configHistory(PLAY, app)).toHaveLength(2);
        for (const app of ['new', '*', 'others']) expect(world.state.configHistory(PLAY, app)).toHaveLength(1);
        const callbacks = (await world.store.versions(PLAY)).filter(({ app }) => app === 'live').map((v) => v.callback);
        expect(callbacks).toEqual([THEIR_CALLBACK, OUR_CALLBACK]);
        await restoreConfigs(world.ports, DESIRED, { scope: 'everything', shown: null });
        expect(standing(world.state)).toEqual(before);
      }),
      { numRuns: 30 },
    );
  }, 120_000);

  it.each([
    ['everything', 'removed'],
    ['callbacks', 'kept'],
  ] as const)(
    'is made good by running a restore of %s again (a Callback set to "-" is %s)',
    async (scope, callbackRemoval) => {
      const { expected, calls } = await endOfRestore(database, scope, callbackRemoval);
      const point = fc.record({
        at: fc.integer({ min: 1, max: calls }),
        when: fc.constantFrom('before' as const, 'after' as const),
      });
      await fc.assert(
        fc.asyncProperty(point, async ({ at, when }) => {
          expect(await restoreCrashingAt(database, at, when, scope, callbackRemoval)).toEqual(expected);
        }),
        { numRuns: 15 },
      );
    },
    120_000,
  );
});
