import { describe, expect, it } from 'vitest';
import { type AuditWorld, DOMAIN, T0 } from '../support/audit-world.ts';
import { eachAuditWorld } from '../support/each-audit-world.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

describe('the rules of a bucket', () => {
  let world: AuditWorld;
  eachAuditWorld(async (fresh) => {
    world = fresh;
    world.config();
    await world.alive([T0 - MINUTE, T0 + 60 * MINUTE]);
    await world.session('cam01', T0, null);
    world.clock.at = T0 + 10 * MINUTE;
    world.bucket.lifecycle = [{ prefix: 'snapshot/', days: 1 }];
  });

  /** A capture every 10 s; that of number 20 is gone from OSS. */
  async function broadcast(gone: boolean): Promise<void> {
    for (let number = 1; number < 54; number++) {
      await world.capture('cam01', T0 + number * 10 * SECOND, { object: !(gone && number === 20) });
    }
  }
  const gaps = async () =>
    (await world.stored()).gaps.map(({ verdict, cause, count }) => `${count} ${verdict}/${cause}`);

  it('are asked for where a picture is gone, and only there', async () => {
    await broadcast(false);
    world.bucket.fail('lifecycle', 'timeout');
    expect(await world.audit({ domain: DOMAIN })).toMatchObject({ error: null, headCalls: 0 });
  });

  it('tell an expired picture from a deleted one; the call is counted', async () => {
    await broadcast(true);
    // Its absence is confirmed by a HEAD, and that by a listing of the one key.
    expect(await world.audit({ domain: DOMAIN })).toMatchObject({ error: null, headCalls: 2, listCalls: 2 });
    expect(await gaps()).toEqual(['1 object_missing/object_deleted']);
    await world.forgetJudgement();
    world.clock.at += 2 * DAY;
    await world.audit({ domain: DOMAIN, to: T0 + 9 * MINUTE });
    expect(await gaps()).toEqual(['1 object_missing/object_expired']);
  });

  it('leave the cause undetermined where nobody may read them', async () => {
    await broadcast(true);
    world.bucket.fail('lifecycle', 'access-denied', { transient: false });
    expect((await world.audit({ domain: DOMAIN })).error).toBeNull();
    expect(await gaps()).toEqual(['1 object_missing/undetermined']);
  });

  it('are asked for again where they did not come, and until then nothing is called deleted', async () => {
    await broadcast(true);
    world.bucket.fail('lifecycle', 'timeout');
    expect((await world.audit({ domain: DOMAIN })).error).toMatch(/could not be looked at/);
    expect((await gaps()).join()).not.toContain('object_deleted');
    expect((await world.audit({ domain: DOMAIN })).error).toBeNull();
    expect(await gaps()).toEqual(['1 object_missing/object_deleted']);
    expect(await world.stored()).toEqual(await world.judged(world.clock.at - MINUTE));
  });
});
