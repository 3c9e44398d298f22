import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AuditWorld, createAuditWorld, DOMAIN, T0 } from '../support/audit-world.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

let world: AuditWorld;
beforeEach(async () => {
  world = await createAuditWorld();
});
afterEach(() => world.drop());

/** A capture every 10 s from 10 s after the start on, with exceptions by number (0 is the first). */
async function broadcast(
  stream: string,
  from: number,
  count: number,
  exceptions: Record<number, Parameters<AuditWorld['capture']>[2] | null> = {},
) {
  for (let number = 0; number < count; number++) {
    const told = exceptions[number];
    if (told === null) continue;
    await world.capture(stream, from + (number + 1) * 10 * SECOND, told);
  }
}

describe('the audit of a window', () => {
  it('finds every kind of fault, and says the same as a judgement of the same evidence from a file', async () => {
    world.config();
    await world.alive([T0 - MINUTE, T0 + 60 * MINUTE]);
    await world.session('cam01', T0, T0 + 10 * MINUTE);
    await broadcast('cam01', T0, 58, {
      5: { callback: false },
      12: { object: false },
      13: { object: false },
      20: { object: false, index: false },
      25: { object: false, index: false, verified: false },
      30: null,
      31: null,
      32: null,
      40: { delayMs: 45 * SECOND },
      45: { name: 'elsewhere/wrong.jpg', index: false },
    });
    world.clock.at = T0 + 20 * MINUTE;
    const outcome = await world.audit({ domain: DOMAIN });
    expect(outcome).toMatchObject({ error: null, failedStreams: 0, streams: 1 });
    const stored = await world.stored();
    expect(stored.gaps.map(({ verdict, cause, count }) => [verdict, cause, count])).toEqual([
      ['callback_missing', 'delivery_lost', 1],
      ['object_missing', 'object_deleted', 2],
      ['object_missing', 'never_stored', 1],
      ['object_missing', 'unconfirmed', 1],
      ['not_captured', 'not_captured', 3],
      ['late', 'late_delivery', 1],
      ['misnamed', 'wrong_name', 1],
    ]);
    expect(stored).toEqual(await world.judged(T0 + 19 * MINUTE));
  });
});
