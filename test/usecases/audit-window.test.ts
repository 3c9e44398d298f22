import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { describe, expect, it } from 'vitest';
import { CouldNotLookError } from '../../src/ports.ts';
import { createAuditor } from '../../src/usecases/audit-window.ts';
import { type AuditWorld, DOMAIN, T0 } from '../support/audit-world.ts';
import { eachAuditWorld } from '../support/each-audit-world.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

let world: AuditWorld;
eachAuditWorld((fresh) => {
  world = fresh;
});

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

  it('judges in any number of pieces as in one go', async () => {
    for (const seed of [1, 2, 3]) {
      const random = xoroshiro128plus(seed);
      const between = (low: number, high: number) => uniformInt(random, low, high);
      const stream = `cam${seed}`;
      if (seed === 1) {
        world.config();
        await world.alive([T0 - MINUTE, T0 + 20 * MINUTE], [T0 + 23 * MINUTE, T0 + 200 * MINUTE]);
      }
      await world.session(stream, T0, T0 + 50 * MINUTE);
      await world.session(stream, T0 + 52 * MINUTE, T0 + 100 * MINUTE);
      for (let at = T0; at < T0 + 100 * MINUTE; at += 10 * SECOND) {
        if (at >= T0 + 50 * MINUTE - 10 * SECOND && at < T0 + 52 * MINUTE + 10 * SECOND) continue;
        const drawn = between(0, 40);
        if (drawn === 0) continue;
        await world.capture(stream, at + between(0, 3) * SECOND, {
          callback: drawn !== 1,
          object: drawn !== 2 && drawn !== 3,
          index: drawn !== 3 && drawn !== 4,
          delayMs: drawn === 5 ? 40 * SECOND : 700,
        });
      }
    }
    world.clock.at = T0 + 120 * MINUTE;
    await world.audit({ domain: DOMAIN });
    const inOneGo = await world.stored();
    expect(inOneGo.gaps.length).toBeGreaterThan(20);

    await world.forgetJudgement();
    const random = xoroshiro128plus(7);
    for (let to = T0; to < T0 + 119 * MINUTE; ) {
      to += uniformInt(random, 5, 900) * SECOND;
      world.clock.at = Math.min(T0 + 120 * MINUTE, to + 60 * SECOND);
      await world.audit({ domain: DOMAIN });
    }
    world.clock.at = T0 + 120 * MINUTE;
    await world.audit({ domain: DOMAIN });
    expect(await world.stored()).toEqual(inOneGo);
    expect(inOneGo).toEqual(await judgedWithBlind([T0 + 20 * MINUTE, T0 + 23 * MINUTE]));
  });

  async function judgedWithBlind([from, to]: [number, number]) {
    world.lines.push({ type: 'blind', from, to });
    return world.judged(T0 + 119 * MINUTE);
  }

  it('stores the work of one replica only when two are at it at once', async () => {
    world.config();
    await world.alive([T0 - MINUTE, T0 + 60 * MINUTE]);
    for (const stream of ['cam01', 'cam02', 'cam03']) {
      await world.session(stream, T0, T0 + 5 * MINUTE);
      await broadcast(stream, T0, 28, { 3: null, 9: { callback: false } });
    }
    world.clock.at = T0 + 10 * MINUTE;
    const outcomes = await Promise.all([1, 2, 3].map(() => world.audit({ domain: DOMAIN })));
    expect(outcomes.map(({ error }) => error)).toEqual([null, null, null]);
    expect(await world.stored()).toEqual(await world.judged(T0 + 9 * MINUTE));
    const versions = await world.database.db.selectFrom('watermarks').select('version').execute();
    const stored = outcomes.reduce((sum, outcome) => sum + outcome.streams, 0);
    expect(versions.reduce((sum, { version }) => sum + version, 0)).toBeLessThanOrEqual(stored);
    const before = await world.stored();
    await world.audit({ domain: DOMAIN });
    expect(await world.stored()).toEqual(before);
  });

  it('leaves what it has not judged to the next audit when it is asked to stop', async () => {
    world.config();
    await world.alive([T0 - MINUTE, T0 + 60 * MINUTE]);
    for (const stream of ['cam01', 'cam02']) {
      // So much was on air before that each stream is listed by itself.
      await world.session(stream, T0 - 2_000 * 60 * MINUTE, T0 - 1_000 * 60 * MINUTE);
      await world.session(stream, T0, null);
      await broadcast(stream, T0, 60);
    }
    world.clock.at = T0 + 10 * MINUTE;
    await world.flush();
    const stopping = new AbortController();
    const progress = () => stopping.abort();
    const { parts } = world;
    const outcome = await createAuditor({ ...parts, concurrency: 1, onProgress: progress })({
      domain: DOMAIN,
      signal: stopping.signal,
    });
    expect(outcome).toMatchObject({ failedStreams: 0, error: expect.stringContaining('stopped') });
    const { slots } = await world.stored();
    expect([slots.ok, slots.unknown]).toEqual([53, 0]);
    await world.audit({ domain: DOMAIN });
    expect(await world.stored()).toEqual(await world.judged(T0 + 9 * MINUTE));
  });

  it('touches no row of a gap that comes out the same again', async () => {
    world.config();
    await world.alive([T0 - MINUTE, T0 + 60 * MINUTE]);
    await world.session('cam01', T0, null);
    await broadcast('cam01', T0, 100, { 10: null });
    world.clock.at = T0 + 5 * MINUTE;
    await world.audit({ domain: DOMAIN });
    const rows = () => world.database.db.selectFrom('gaps').selectAll().execute();
    const before = await rows();
    world.clock.at = T0 + 8 * MINUTE;
    await world.audit({ domain: DOMAIN });
    await world.audits.markLate([1], T0 + MINUTE, 'asked-for');
    await world.audit({ domain: DOMAIN });
    expect((await rows()).map(({ updated_at, slots }) => [updated_at, slots])).toEqual(
      before.map(({ updated_at, slots }) => [updated_at, slots]),
    );
  });

  it('costs one call a stream and reads only what is new', async () => {
    world.config();
    await world.alive([T0 - MINUTE, T0 + 60 * MINUTE]);
    await world.session('cam01', T0, null);
    await broadcast('cam01', T0, 100);
    world.clock.at = T0 + 10 * MINUTE;
    await world.audit({ domain: DOMAIN });
    world.clock.at = T0 + 12 * MINUTE;
    const before = world.buckets.calls();
    const outcome = await world.audit({ domain: DOMAIN });
    const after = world.buckets.calls();
    expect(after.list - before.list).toBe(1);
    expect(outcome).toMatchObject({ listCalls: 1, indexCalls: 0, headCalls: 0 });
    const { ok, pending } = (await world.stored()).slots;
    expect([ok, pending]).toEqual([65, 0]);
    expect((await world.auditRows()).at(-1)).toMatchObject({
      status: 'done',
      list_calls: 1,
      streams: 1,
      domain: DOMAIN,
    });
  });

  it('does not call what it could not list missing, keeps trying, and recovers', async () => {
    world.config();
    await world.alive([T0 - MINUTE, T0 + 60 * MINUTE]);
    await world.session('cam01', T0, null);
    await broadcast('cam01', T0, 100, { 10: null, 11: { callback: false }, 80: { object: false } });
    world.clock.at = T0 + 6 * MINUTE;
    await world.audit({ domain: DOMAIN });
    const known = (await world.stored()).gaps.map(({ from, verdict }) => [from, verdict]);

    world.bucket.fail('list', 'bad-answer', { times: 2 });
    for (const minutes of [12, 15]) {
      world.clock.at = T0 + minutes * MINUTE;
      const outcome = await world.audit({ domain: DOMAIN });
      expect(outcome.error).toMatch(/could not be looked at: bad-answer/);
      expect(outcome.failedStreams).toBe(1);
      const { slots, gaps } = await world.stored();
      expect(slots.not_captured).toBe(1);
      expect(slots.object_missing).toBe(0);
      expect(slots.unknown).toBeGreaterThan(30);
      expect(gaps.filter(({ verdict }) => verdict === 'unknown').map(({ cause }) => cause)).toEqual(['listing_failed']);
      expect(gaps.slice(0, known.length).map(({ from, verdict }) => [from, verdict])).toEqual(known);
      expect((await world.auditRows()).at(-1)).toMatchObject({ status: 'failed', error: outcome.error });
    }

    world.clock.at = T0 + 16 * MINUTE;
    expect((await world.audit({ domain: DOMAIN })).error).toBeNull();
    expect(await world.stored()).toEqual(await world.judged(T0 + 15 * MINUTE));
  });

  it("says index_failed where only the vendor's index did not answer", async () => {
    world.config();
    await world.alive([T0 - MINUTE, T0 + 60 * MINUTE]);
    await world.session('cam01', T0, T0 + 5 * MINUTE);
    await broadcast('cam01', T0, 28, { 5: null, 6: null, 15: { object: false } });
    world.clock.at = T0 + 10 * MINUTE;
    world.liveOptions.before = () => {
      throw new CouldNotLookError('The Live API did not answer.', { reason: 'timeout', transient: true });
    };
    const outcome = await world.audit({ domain: DOMAIN });
    expect(outcome.error).toBe('The Live API did not answer.');
    const { slots, gaps } = await world.stored();
    expect(slots.ok).toBe(25);
    expect(gaps.map(({ verdict, cause, count }) => [verdict, cause, count])).toEqual([
      ['unknown', 'index_failed', 2],
      ['object_missing', 'undetermined', 1],
    ]);
    world.liveOptions.before = () => {};
    world.clock.at += MINUTE;
    await world.audit({ domain: DOMAIN });
    expect(await world.stored()).toEqual(await world.judged(T0 + 10 * MINUTE));
  });

  it('judges again from a callback that came after its slot was judged', async () => {
    world.config();
    await world.alive([T0 - MINUTE, T0 + 60 * MINUTE]);
    await world.session('cam01', T0, null);
    await broadcast('cam01', T0, 100, { 20: { callback: false }, 21: { callback: false } });
    world.clock.at = T0 + 10 * MINUTE;
    await world.audit({ domain: DOMAIN });
    expect((await world.stored()).gaps).toMatchObject([{ verdict: 'callback_missing', count: 2 }]);

    // From the spool of a receiver that could not reach the database: received in time, stored late.
    const at = T0 + 210 * SECOND;
    await world.told('cam01', `snapshot/live/cam01/${at / SECOND}.jpg`, at + SECOND);
    world.clock.at = T0 + 11 * MINUTE;
    await world.audit({ domain: DOMAIN });
    expect((await world.stored()).gaps).toMatchObject([
      { verdict: 'callback_missing', count: 1, from: T0 + 220 * SECOND },
    ]);
    expect(await world.stored()).toEqual(await world.judged(T0 + 10 * MINUTE));
    expect(await world.database.db.selectFrom('late_evidence').selectAll().execute()).toEqual([]);
  });

  it('goes back to a kept state, not to the start, for late evidence', async () => {
    world.config();
    await world.alive([T0 - MINUTE, T0 + 400 * MINUTE]);
    await world.session('cam01', T0, null);
    await broadcast('cam01', T0, 1_500, { 1000: { callback: false } });
    for (let hour = 1; hour <= 4; hour++) {
      world.clock.at = T0 + hour * 60 * MINUTE;
      await world.audit({ domain: DOMAIN });
    }
    const at = T0 + 1_001 * 10 * SECOND;
    await world.told('cam01', `snapshot/live/cam01/${at / SECOND}.jpg`, at + SECOND);
    world.clock.at += MINUTE;
    const before = world.buckets.calls();
    const outcome = await world.audit({ domain: DOMAIN });
    expect(world.buckets.calls().keys - before.keys).toBeLessThan(800);
    expect(outcome.captures).toBeLessThan(800);
    expect((await world.stored()).gaps).toEqual([]);
    expect(await world.stored()).toEqual(await world.judged(T0 + 240 * MINUTE));
  });

  it('excuses what was judged before when a maintenance span is added, and takes it back when it is cancelled', async () => {
    world.config();
    await world.alive([T0 - MINUTE, T0 + 60 * MINUTE]);
    await world.session('cam01', T0, null);
    await broadcast('cam01', T0, 100, { 30: null, 31: null });
    world.clock.at = T0 + 10 * MINUTE;
    await world.audit({ domain: DOMAIN });
    const before = await world.stored();
    expect(before.gaps).toMatchObject([{ verdict: 'not_captured', count: 2 }]);
    const span = await world.excused.add({
      from: T0 + 4 * MINUTE,
      to: T0 + 8 * MINUTE,
      domain: DOMAIN,
      app: null,
      stream: null,
      reason: 'camera moved',
      author: 'test',
    });
    await world.audit({ domain: DOMAIN });
    expect((await world.stored()).gaps).toMatchObject([{ verdict: 'excused', cause: null, count: 2 }]);
    expect((await world.stored()).slots.not_captured).toBe(0);
    await world.excused.cancel(span.id, world.clock.at);
    await world.audit({ domain: DOMAIN });
    expect(await world.stored()).toEqual(before);
  });

  it('judges the tail again when the end of a session becomes known late', async () => {
    world.config();
    await world.alive([T0 - MINUTE, T0 + 60 * MINUTE]);
    await world.session('cam01', T0, null);
    await broadcast('cam01', T0, 60);
    world.clock.at = T0 + 14 * MINUTE;
    await world.audit({ domain: DOMAIN });
    expect((await world.stored()).gaps).toMatchObject([{ verdict: 'not_captured' }]);
    world.lines.splice(
      world.lines.findIndex((line) => line.type === 'session'),
      1,
    );
    await world.session('cam01', T0, T0 + 10 * MINUTE + 9 * SECOND);
    await world.audit({ domain: DOMAIN });
    expect((await world.stored()).gaps).toEqual([]);
    expect(await world.stored()).toEqual(await world.judged(T0 + 13 * MINUTE));
  });

  it('drops the verdicts of a session that turned out to be another', async () => {
    world.config();
    await world.alive([T0 - MINUTE, T0 + 60 * MINUTE]);
    await world.session('cam01', T0 + 3 * SECOND, null);
    await broadcast('cam01', T0, 60, { 5: null });
    world.clock.at = T0 + 8 * MINUTE;
    await world.audit({ domain: DOMAIN });
    const [id] = await world.sessions.ensureStreams([{ domain: DOMAIN, app: 'live', stream: 'cam01' }]);
    await world.sessions.replaceSessions(id!, T0, [
      { startedAt: T0, endedAt: null, certainty: 'announced', endCertain: false },
    ]);
    await world.audit({ domain: DOMAIN });
    const rows = await world.database.db.selectFrom('slot_hours').select('session_started_at').execute();
    expect(rows).toEqual([{ session_started_at: T0 }]);
    expect((await world.stored()).slots.ok).toBe(40);
  });

  it('puts callbacks that fell into an outage of ours down to it, and not any more when the heartbeats turn up', async () => {
    world.config();
    await world.alive([T0 - MINUTE, T0 + 3 * MINUTE], [T0 + 6 * MINUTE, T0 + 60 * MINUTE]);
    await world.session('cam01', T0, null);
    const outage = Object.fromEntries([20, 21, 22, 23, 24].map((number) => [number, { callback: false }]));
    await broadcast('cam01', T0, 100, { ...outage, 50: { callback: false } });
    world.clock.at = T0 + 12 * MINUTE;
    await world.audit({ domain: DOMAIN });
    const shown = async () => (await world.stored()).gaps.map(({ verdict, cause, count }) => [verdict, cause, count]);
    expect(await shown()).toEqual([
      ['callback_missing', 'receiver_down', 5],
      ['callback_missing', 'delivery_lost', 1],
    ]);
    await world.alive([T0 + 2 * MINUTE, T0 + 7 * MINUTE]);
    world.clock.at += MINUTE;
    await world.audit({ domain: DOMAIN });
    expect(await shown()).toEqual([
      ['callback_missing', 'delivery_lost', 5],
      ['callback_missing', 'delivery_lost', 1],
    ]);
  });

  it('does not hold against anybody what was before the first receiver of ours was alive', async () => {
    world.config();
    await world.alive([T0 + 10 * MINUTE, T0 + 60 * MINUTE]);
    await world.session('cam01', T0, null);
    await broadcast(
      'cam01',
      T0,
      60,
      Object.fromEntries(Array.from({ length: 59 }, (_, n) => [n, { callback: false }])),
    );
    await broadcast('cam01', T0 + 10 * MINUTE, 60);
    world.clock.at = T0 + 16 * MINUTE;
    await world.audit({ domain: DOMAIN });
    const { slots, gaps } = await world.stored();
    expect(gaps).toEqual([]);
    expect(slots.ok).toBe(30);
  });

  it('reports captures that belong to no session, and claims of them that nothing supports', async () => {
    world.config();
    await world.alive([T0 - MINUTE, T0 + 60 * MINUTE]);
    await world.session('cam01', T0, T0 + 4 * MINUTE);
    await broadcast('cam01', T0, 22);
    await world.capture('cam01', T0 + 6 * MINUTE);
    await world.capture('cam01', T0 + 6 * MINUTE + 10 * SECOND);
    await world.capture('stranger', T0 + 7 * MINUTE);
    await world.told('forged', `snapshot/live/forged/${T0 / SECOND + 500}.jpg`, T0 + 501 * SECOND, false);
    for (const minutes of [7.1, 8, 12]) {
      world.clock.at = T0 + minutes * MINUTE;
      expect((await world.audit({ domain: DOMAIN })).error).toBeNull();
    }
    const { gaps, slots } = await world.stored();
    expect(gaps.map(({ stream, verdict, cause, count }) => [stream, verdict, cause, count])).toEqual([
      ['cam01', 'unexpected', 'no_session', 2],
      ['forged', 'object_missing', 'unconfirmed', 1],
      ['stranger', 'unexpected', 'no_session', 1],
    ]);
    expect(slots.unexpected).toBe(3);
    world.lines.push({
      type: 'indexed',
      domain: DOMAIN,
      app: 'live',
      stream: 'forged',
      from: T0,
      to: T0 + 60 * MINUTE,
    });
    expect({ gaps, slots }).toEqual(await world.judged(T0 + 11 * MINUTE));
  });

  it('counts keys that no template explains, each once, by folder', async () => {
    world.config();
    await world.alive([T0 - MINUTE, T0 + 60 * MINUTE]);
    await world.session('cam01', T0, null);
    await broadcast('cam01', T0, 100);
    world.bucket.put(`snapshot/live/cam01/${T0 / SECOND + 5}-thumbnail.png`, T0);
    world.bucket.put(`snapshot/live/cam01/${T0 / SECOND + 6}-thumbnail.png`, T0);
    for (const minutes of [4, 8]) {
      world.clock.at = T0 + minutes * MINUTE;
      await world.audit({ domain: DOMAIN });
    }
    await world.audits.markLate([1], T0, 'asked-for');
    await world.audit({ domain: DOMAIN });
    const rows = await world.database.db.selectFrom('foreign_keys').select(['bucket', 'prefix', 'count']).execute();
    expect(rows).toEqual([{ bucket: 'snap', prefix: 'snapshot/live/', count: 2 }]);
  });
});

describe('names of every kind', () => {
  const judgeAll = async (minutes: number[]) => {
    for (const minute of minutes) {
      world.clock.at = T0 + minute * MINUTE;
      expect((await world.audit({ domain: DOMAIN })).error).toBeNull();
    }
    expect(await world.stored()).toEqual(await world.judged(world.clock.at - MINUTE));
  };

  it('audits names that put the time before the stream with one listing for all', async () => {
    world.config({ sequenceObject: 'snapshot/{UnixTimestamp}/{StreamName}.jpg' });
    await world.alive([T0 - MINUTE, T0 + 60 * MINUTE]);
    for (const stream of ['cam01', 'cam02', '摄像头']) {
      await world.session(stream, T0, T0 + 8 * MINUTE);
      for (let number = 1; number < 47; number++) {
        const at = T0 + number * 10 * SECOND;
        const told = { name: `snapshot/${at / SECOND}/${stream}.jpg`, callback: number !== 7 };
        if (number !== 20) await world.capture(stream, at, told);
      }
    }
    await judgeAll([4, 9, 12]);
    // The third time all sessions are over and judged.
    expect((await world.auditRows()).map((row) => row.list_calls)).toEqual([1, 1, 0]);
    expect((await world.stored()).gaps).toHaveLength(6);
  });

  it('audits names in milliseconds', async () => {
    world.config();
    await world.alive([T0 - MINUTE, T0 + 60 * MINUTE]);
    await world.session('cam01', T0, T0 + 8 * MINUTE);
    for (let number = 1; number < 47; number++) {
      const at = T0 + number * 10 * SECOND + 137 * (number % 5);
      if (number !== 20)
        await world.capture('cam01', at, { name: `snapshot/live/cam01/${at}.jpg`, object: number !== 30 });
    }
    await judgeAll([4, 9, 12]);
    expect((await world.stored()).gaps).toHaveLength(2);
  });

  it('audits names that only count, by the time of writing', async () => {
    world.config({ sequenceObject: 'snapshot/{AppName}/{StreamName}/{Sequence}.jpg' });
    await world.alive([T0 - MINUTE, T0 + 60 * MINUTE]);
    await world.session('cam01', T0, T0 + 8 * MINUTE);
    for (let number = 1; number < 47; number++) {
      const at = T0 + number * 10 * SECOND;
      const told = { name: `snapshot/live/cam01/${number}.jpg`, callback: number !== 7, index: false };
      if (number !== 20) await world.capture('cam01', at, told);
    }
    await judgeAll([4, 9, 12]);
    expect((await world.stored()).gaps.map(({ verdict }) => verdict)).toEqual(['callback_missing', 'not_captured']);
  });

  it('audits overwrite captures by callback and index, and the object for the newest', async () => {
    world.config({ sequenceObject: null, overwriteObject: '{AppName}/{StreamName}.jpg' });
    await world.alive([T0 - MINUTE, T0 + 60 * MINUTE]);
    await world.session('cam01', T0, T0 + 8 * MINUTE);
    for (let number = 1; number < 47; number++) {
      const at = T0 + number * 10 * SECOND;
      if (number === 20) continue;
      await world.capture('cam01', at, {
        name: 'live/cam01.jpg',
        object: number === 46,
        callback: number !== 7,
        overlay: true,
      });
    }
    await judgeAll([12]);
    expect((await world.stored()).gaps.map(({ verdict, count }) => [verdict, count])).toEqual([
      ['callback_missing', 1],
      ['not_captured', 1],
    ]);
  });

  it('counts no overwrite object as a capture of the sequence, though it is met in the listing', async () => {
    world.config({
      sequenceObject: '{AppName}/{StreamName}-{Sequence}.jpg',
      overwriteObject: '{AppName}/{StreamName}-now.jpg',
    });
    await world.alive([T0 - MINUTE, T0 + 60 * MINUTE]);
    await world.session('cam01', T0, T0 + 8 * MINUTE);
    for (let number = 1; number < 47; number++) {
      const at = T0 + number * 10 * SECOND;
      await world.capture('cam01', at, { name: `live/cam01-${number}.jpg` });
      await world.capture('cam01', at, { name: 'live/cam01-now.jpg', overlay: true, object: number === 46 });
    }
    await judgeAll([12]);
    expect((await world.stored()).gaps).toEqual([]);
  });

  it('judges by the config that stood when each session started', async () => {
    world.config();
    world.config({
      validFrom: T0 + 6 * MINUTE,
      intervalSeconds: 20,
      sequenceObject: 'archive/{StreamName}-{UnixTimestamp}.jpg',
    });
    await world.alive([T0 - MINUTE, T0 + 60 * MINUTE]);
    await world.session('cam01', T0, T0 + 8 * MINUTE);
    await world.session('cam01', T0 + 9 * MINUTE, T0 + 16 * MINUTE);
    await broadcast('cam01', T0, 46, { 3: null });
    for (let number = 1; number < 21; number++) {
      const at = T0 + 9 * MINUTE + number * 20 * SECOND;
      if (number !== 4) await world.capture('cam01', at, { name: `archive/cam01-${at / SECOND}.jpg` });
    }
    await judgeAll([20]);
    expect((await world.stored()).gaps.map(({ from, count }) => [from - T0, count])).toEqual([
      [40 * SECOND, 1],
      [9 * MINUTE + 80 * SECOND, 1],
    ]);
  });
});
