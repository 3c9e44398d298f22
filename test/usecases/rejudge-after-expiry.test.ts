import { describe, expect, it } from 'vitest';
import { createConfigStore } from '../../src/adapters/postgres/config-store.ts';
import type { Bucket } from '../../src/ports.ts';
import { createAuditor } from '../../src/usecases/audit-window.ts';
import { type AuditWorld, DOMAIN, T0, type ToldCapture } from '../support/audit-world.ts';
import { eachAuditWorld } from '../support/each-audit-world.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

let world: AuditWorld;
eachAuditWorld(async (fresh) => {
  world = fresh;
  await world.alive([T0 - MINUTE, T0 + 3 * DAY]);
});

type Name = (at: number) => string;
const byTime: Name = (at) => `snapshot/live/cam01/${at / SECOND}.jpg`;
const byCount: Name = (at) => `snapshot/live/cam01/${(at - T0) / SECOND}.jpg`;
const always: Name = () => 'live/cam01.jpg';
const instants = (count: number, step = 10) =>
  Array.from({ length: count }, (_, number) => T0 + (number + 1) * step * SECOND);

/** Captures every 10 s, some of them otherwise, in a session that ended. */
async function broadcast(count: number, name: Name = byTime, others: Record<number, ToldCapture | null> = {}) {
  await world.session('cam01', T0, T0 + (count + 1) * 10 * SECOND);
  for (const [number, at] of instants(count).entries()) {
    const other = others[number];
    if (other !== null) await world.capture('cam01', at, { name: name(at), overlay: name === always, ...other });
  }
  await world.flush();
}

/** Two days later the rule of one day has taken all objects. */
function expire(count: number, name: Name = byTime): void {
  world.bucket.lifecycle = [{ prefix: '', days: 1 }];
  for (const at of instants(count)) world.bucket.delete(name(at));
  world.clock.at = T0 + 2 * DAY;
}

const excuse = (from: number, to: number) =>
  world.excused.add({ domain: DOMAIN, app: null, stream: null, from, to, reason: 'maintenance', author: 'test' });

async function found() {
  const { gaps, slots } = await world.stored();
  return { ok: slots.ok, gaps: gaps.map(({ verdict, cause, count }) => [verdict, cause, count]) };
}

describe('objects that a lifecycle rule deleted after their slots were judged', () => {
  it.each([
    ['the time', {}, byTime],
    ['a count', { sequenceObject: 'snapshot/{AppName}/{StreamName}/{Sequence}.jpg' }, byCount],
    ['always the same', { sequenceObject: null, overwriteObject: '{AppName}/{StreamName}.jpg' }, always],
  ])('were seen, whatever is judged again (names with %s)', async (_, config, name) => {
    world.config(config);
    await broadcast(60, name);
    world.clock.at = T0 + 15 * MINUTE;
    await world.audit({ domain: DOMAIN });
    expect(await found()).toEqual({ ok: 60, gaps: [] });
    expire(60, name);
    await excuse(T0 + 4 * MINUTE, T0 + 5 * MINUTE);
    await world.audit({ domain: DOMAIN });
    expect(await found()).toEqual({ ok: 60, gaps: [] });
    await world.audits.markLate([1], T0, 'asked-for');
    await world.audit({ domain: DOMAIN });
    expect(await found()).toEqual({ ok: 60, gaps: [] });
  });

  it('were seen, though nobody may read the rules, unless they are younger than any rule could ask', async () => {
    world.config();
    await broadcast(60);
    world.clock.at = T0 + 15 * MINUTE;
    await world.audit({ domain: DOMAIN });
    expire(60);
    world.bucket.fail('lifecycle', 'access-denied', { times: 10, transient: false });
    await world.audits.markLate([1], T0, 'asked-for');
    await world.audit({ domain: DOMAIN });
    expect(await found()).toEqual({ ok: 60, gaps: [] });
    world.clock.at = T0 + 20 * MINUTE;
    await world.audits.markLate([1], T0, 'asked-for');
    await world.audit({ domain: DOMAIN });
    expect(await found()).toEqual({ ok: 0, gaps: [['object_missing', 'undetermined', 60]] });
  });

  it.each(['a rule that nobody may read any more', 'a rule that is no longer there'])(
    'stay expired by %s',
    async (rule) => {
      const config = world.config();
      const store = createConfigStore(world.database, { sealingKeys: [] });
      world.parts.configVersions = store.versions;
      await broadcast(60);
      expire(60);
      await store.appendVersions([config], 'observed');
      await world.audit({ domain: DOMAIN });
      const expired = { ok: 0, gaps: [['object_missing', 'object_expired', 60]] };
      expect(await found()).toEqual(expired);
      if (rule.includes('read')) world.bucket.fail('lifecycle', 'access-denied', { times: 10, transient: false });
      else world.bucket.lifecycle = [];
      for (let again = 0; again < 2; again++) {
        await world.audits.markLate([1], T0, 'asked-for');
        await world.audit({ domain: DOMAIN });
        expect(await found()).toEqual(expired);
      }
    },
  );

  it('leave every other verdict as it was', async () => {
    world.config();
    await broadcast(60, byTime, {
      5: { callback: false },
      12: { object: false },
      20: { object: false, index: false },
      30: null,
      40: { delayMs: 45 * SECOND },
      50: { object: false },
    });
    world.clock.at = T0 + 15 * MINUTE;
    await world.audit({ domain: DOMAIN });
    const before = await found();
    expect(before.gaps).toHaveLength(6);
    expire(60);
    await world.audits.markLate([1], T0, 'asked-for');
    await world.audit({ domain: DOMAIN });
    const expired = before.gaps.map(([verdict, cause, count]) => [
      verdict,
      cause === 'object_deleted' ? 'object_expired' : cause,
      count,
    ]);
    expect(await found()).toEqual({ ...before, gaps: expired });
  });

  it('are held against nobody for a callback that comes now', async () => {
    world.config();
    await broadcast(60, byTime, { 20: { callback: false } });
    world.clock.at = T0 + 15 * MINUTE;
    await world.audit({ domain: DOMAIN });
    expire(60);
    await world.told('cam01', byTime(T0 + 210 * SECOND), world.clock.at);
    // Of a capture that nobody but this callback ever spoke for.
    await world.told('cam01', byTime(T0 + 215 * SECOND), world.clock.at);
    await world.audit({ domain: DOMAIN });
    expect(await found()).toEqual({
      ok: 59,
      gaps: [
        ['late', 'late_delivery', 1],
        ['object_missing', 'never_stored', 1],
      ],
    });
  });

  it('are expired where nobody had looked for them in time', async () => {
    const config = world.config();
    await broadcast(60);
    const store = createConfigStore(world.database, { sealingKeys: [] });
    world.parts.configVersions = store.versions;
    world.clock.at = T0 + 15 * MINUTE;
    await world.audit({ domain: DOMAIN });
    expire(60);
    await store.appendVersions([config], 'observed');
    await world.audit({ domain: DOMAIN });
    expect(await found()).toEqual({ ok: 0, gaps: [['object_missing', 'object_expired', 60]] });
  });

  it('were seen though the audit that judged them again did not come to its end', async () => {
    const count = 9_500;
    world.config({ intervalSeconds: 5 });
    await world.session('cam01', T0, T0 + (count + 1) * 5 * SECOND);
    for (const [number, at] of instants(count, 5).entries()) {
      await world.capture('cam01', at, { object: number !== 9_300 });
    }
    world.clock.at = T0 + 14 * 60 * MINUTE;
    await world.audit({ domain: DOMAIN });
    const gaps = [['object_missing', 'object_deleted', 1]];
    expect(await found()).toEqual({ ok: count - 1, gaps });
    world.bucket.lifecycle = [{ prefix: '', days: 1 }];
    world.clock.at = T0 + 2 * DAY;
    for (const at of instants(count, 5).slice(-400)) world.bucket.delete(byTime(at));
    await world.database.db.deleteFrom('judge_states').execute();
    await world.audits.markLate([1], T0, 'asked-for');
    const failed = await auditFailingAt(9);
    expect(failed.error).not.toBeNull();
    expect((await found()).gaps).not.toEqual(gaps);
    await world.audit({ domain: DOMAIN });
    expect(await found()).toEqual({ ok: count - 1, gaps: [['object_missing', 'object_expired', 1]] });
  });
});

/** The audit's nth listing, and no other, gets no answer. */
function auditFailingAt(call: number) {
  const { buckets } = world.parts;
  const open = (name: string, endpoint: string): Bucket => {
    const bucket = buckets.open(name, endpoint);
    let calls = 0;
    return {
      name,
      head: (key) => bucket.head(key),
      signedUrl: (key, seconds) => bucket.signedUrl(key, seconds),
      lifecycleRules: () => bucket.lifecycleRules(),
      async listPage(query) {
        if (++calls === call) world.bucket.fail('list', 'timeout');
        return bucket.listPage(query);
      },
    };
  };
  return createAuditor({ ...world.parts, buckets: { close: buckets.close, calls: buckets.calls, open } })({
    domain: DOMAIN,
  });
}
