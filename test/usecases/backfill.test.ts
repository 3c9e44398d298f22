import { describe, expect, it } from 'vitest';
import { sourcesOf } from '../../src/core/capture-flags.ts';
import { CouldNotLookError } from '../../src/ports.ts';
import { type Backfill, createBackfill } from '../../src/usecases/backfill.ts';
import { createTrackSessions } from '../../src/usecases/track-sessions.ts';
import { APP, type AuditWorld, DOMAIN, T0 } from '../support/audit-world.ts';
import { eachAuditWorld } from '../support/each-audit-world.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

let world: AuditWorld;
let backfill: Backfill;
eachAuditWorld(async (fresh) => {
  world = fresh;
  const { parts } = world;
  const track = createTrackSessions({ ...parts, domains: [DOMAIN] });
  backfill = createBackfill({ ...parts, captures: world.captures, track, audit: world.audit, domains: [DOMAIN] });
});

/** Captures every 10 s of [from, to); those of the outage were never told of. */
async function broadcast(from: number, to: number, outage: [number, number] = [0, 0]): Promise<void> {
  for (let at = from + 10 * SECOND; at < to; at += 10 * SECOND) {
    await world.capture('cam01', at, { callback: at < outage[0] || at >= outage[1] });
  }
  await world.flush();
}

async function publishSaid(from: number, to: number | null): Promise<void> {
  const session = world.vendor.startSession({ domain: DOMAIN, app: APP, stream: 'cam01' }, from);
  if (to !== null) world.vendor.endSession(session, to);
}

async function rows() {
  const stored = await world.database.db
    .selectFrom('captures')
    .select(['captured_at', 'flags'])
    .orderBy('captured_at')
    .execute();
  return stored.map(({ captured_at, flags }) => ({ at: captured_at, sources: sourcesOf(flags) }));
}

describe('a backfill', () => {
  it('restores what an outage of ours missed, marks its sources, and corrects the coverage', async () => {
    world.config();
    await world.alive([T0 - MINUTE, T0 + 4 * MINUTE], [T0 + 8 * MINUTE, T0 + 60 * MINUTE]);
    await publishSaid(T0, T0 + 12 * MINUTE);
    await broadcast(T0, T0 + 12 * MINUTE - 10 * SECOND, [T0 + 4 * MINUTE, T0 + 8 * MINUTE]);
    world.clock.at = T0 + 20 * MINUTE;
    expect(await backfill.ownOutages()).toBe(1);

    const inOutage = (await rows()).filter(({ at }) => at >= T0 + 4 * MINUTE && at < T0 + 8 * MINUTE);
    expect(inOutage).toHaveLength(24);
    for (const { sources } of inOutage) expect(sources).toEqual(['index', 'object']);
    const { slots, gaps } = await world.stored();
    expect(gaps.map(({ verdict, cause, count }) => [verdict, cause, count])).toEqual([
      ['callback_missing', 'receiver_down', 24],
    ]);
    expect(slots).toMatchObject({ ok: 46, callback_missing: 24, unknown: 0 });
    expect((await world.auditRows()).map(({ kind, restored }) => [kind, restored])).toEqual([['backfill', 24]]);

    expect(await backfill.ownOutages()).toBe(0);
  });

  it('leaves a row that tells all its calls, keys and captures, and when it began', async () => {
    world.config();
    await world.alive([T0 + 10 * MINUTE, T0 + 60 * MINUTE]);
    await publishSaid(T0, T0 + 5 * MINUTE);
    await broadcast(T0, T0 + 5 * MINUTE - 10 * SECOND, [T0, T0 + 5 * MINUTE]);
    world.clock.at = T0 + 20 * MINUTE;
    const startedAt = world.clock.at;
    let calls = 0;
    world.liveOptions.before = () => {
      calls++;
      world.clock.at += SECOND;
    };
    const outcome = await backfill.range({ domain: DOMAIN, from: T0, to: T0 + 5 * MINUTE });
    const { list, keys } = world.buckets.calls();
    expect(outcome).toMatchObject({ error: null, listCalls: list, keys, indexCalls: calls });
    expect(calls).toBeGreaterThan(1);
    expect(await world.auditRows()).toMatchObject([
      { kind: 'backfill', started_at: startedAt, list_calls: list, index_calls: calls, keys },
    ]);
  });

  it('stops before it stores another page when it is asked to', async () => {
    world.config();
    await world.alive([T0 + 10 * MINUTE, T0 + 60 * MINUTE]);
    await publishSaid(T0, T0 + 5 * MINUTE);
    await broadcast(T0, T0 + 5 * MINUTE - 10 * SECOND, [T0, T0 + 5 * MINUTE]);
    world.clock.at = T0 + 20 * MINUTE;
    const stop = new AbortController();
    world.liveOptions.before = (action) => {
      if (action === 'DescribeLiveStreamSnapshotInfo') stop.abort();
    };
    const { signal } = stop;
    await expect(backfill.range({ domain: DOMAIN, from: T0, to: T0 + 5 * MINUTE, signal })).rejects.toThrow();
    expect(await rows()).toEqual([]);
  });

  it('settles slots that were unknown, for OSS could not be listed during the outage either', async () => {
    world.config();
    await world.alive([T0 - MINUTE, T0 + 4 * MINUTE], [T0 + 8 * MINUTE, T0 + 60 * MINUTE]);
    await publishSaid(T0, T0 + 12 * MINUTE);
    await broadcast(T0, T0 + 12 * MINUTE - 10 * SECOND, [T0 + 4 * MINUTE, T0 + 8 * MINUTE]);
    world.clock.at = T0 + 20 * MINUTE;
    await createTrackSessions({ ...world.parts, domains: [DOMAIN] })();
    world.bucket.fail('list', 'timeout', { times: 100 });
    await backfill.range({ domain: DOMAIN, from: T0, to: T0 + MINUTE }).catch((error) => {
      expect(error).toBeInstanceOf(CouldNotLookError);
    });
    await world.audit({ domain: DOMAIN });
    expect((await world.stored()).gaps.map(({ cause }) => cause)).toContain('receiver_down');
    expect((await world.stored()).slots.unknown).toBeGreaterThan(20);
    world.buckets.bucket('snap');
    for (let left = 100; left > 0; left--) await world.bucket.listPage({ prefix: 'x' }).catch(() => {});
    await backfill.ownOutages();
    const { slots } = await world.stored();
    expect(slots).toMatchObject({ ok: 46, callback_missing: 24, unknown: 0 });
  });

  it('fills a domain though another one cannot be looked at, and that one once it can', async () => {
    world.config();
    await world.alive([T0 - MINUTE, T0 + 4 * MINUTE], [T0 + 8 * MINUTE, T0 + 60 * MINUTE]);
    await publishSaid(T0, T0 + 12 * MINUTE);
    await broadcast(T0, T0 + 12 * MINUTE - 10 * SECOND, [T0 + 4 * MINUTE, T0 + 8 * MINUTE]);
    world.clock.at = T0 + 20 * MINUTE;
    const { parts } = world;
    const domains = ['later.example.com', DOMAIN];
    const track = createTrackSessions({ ...parts, domains });
    const both = createBackfill({ ...parts, captures: world.captures, track, audit: world.audit, domains });
    await expect(both.ownOutages()).rejects.toThrow('later.example.com');
    expect((await world.stored()).slots).toMatchObject({ ok: 46, callback_missing: 24, unknown: 0 });
    const audits = (await world.auditRows()).length;
    await expect(both.ownOutages()).rejects.toThrow('later.example.com');
    expect(await world.auditRows()).toHaveLength(audits);
    world.vendor.addDomain({ domain: 'later.example.com', pushDomains: [] });
    expect(await both.ownOutages()).toBe(1);
    expect(await both.ownOutages()).toBe(0);
  });

  it('reaches back to before the first receiver of ours was alive, where it is asked to', async () => {
    world.config();
    await world.alive([T0 + 10 * MINUTE, T0 + 60 * MINUTE]);
    await publishSaid(T0, T0 + 5 * MINUTE);
    await broadcast(T0, T0 + 5 * MINUTE - 10 * SECOND, [T0, T0 + 5 * MINUTE]);
    world.clock.at = T0 + 20 * MINUTE;
    await world.audit({ domain: DOMAIN });
    expect((await world.stored()).slots.callback_missing).toBe(0);

    const outcome = await backfill.range({ domain: DOMAIN, from: T0 - MINUTE, to: T0 + 10 * MINUTE });
    expect(outcome).toMatchObject({ error: null, restored: 28 });
    expect(await rows()).toHaveLength(28);
    expect((await world.stored()).gaps.map(({ verdict, cause, count }) => [verdict, cause, count])).toEqual([
      ['callback_missing', 'receiver_down', 28],
    ]);
    await backfill.range({ domain: DOMAIN, from: T0 - MINUTE, to: T0 + 10 * MINUTE });
    expect(await rows()).toHaveLength(28);
    expect((await world.stored()).slots.callback_missing).toBe(28);
  });
});
