import { beforeEach, describe, expect, it } from 'vitest';
import { createSignalStore } from '../../src/adapters/postgres/signal-store.ts';
import type { SessionSignal } from '../../src/ports.ts';
import { createPollSessions, type PollFailure } from '../../src/usecases/poll-sessions.ts';
import { createLookAtEnds, createTrackSessions } from '../../src/usecases/track-sessions.ts';
import { APP, type AuditWorld, DOMAIN, T0 } from '../support/audit-world.ts';
import { eachAuditWorld } from '../support/each-audit-world.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

let world: AuditWorld;
let track: ReturnType<typeof createTrackSessions>;
let poll: ReturnType<typeof createPollSessions>;
eachAuditWorld(async (fresh) => {
  world = fresh;
  world.config();
  track = createTrackSessions({ ...world.parts, domains: [DOMAIN] });
  poll = createPollSessions({ ...world.parts, domains: [DOMAIN] });
});

const onAir = (stream: string, at: number) => world.vendor.startSession({ domain: DOMAIN, app: APP, stream }, at);

async function called(kind: 'publish' | 'publish_done', stream: string, at: number): Promise<void> {
  const signal: SessionSignal = {
    domain: DOMAIN,
    app: APP,
    stream,
    at,
    kind,
    seenAt: at + SECOND,
    startedAt: kind === 'publish' ? at : null,
    endedAt: kind === 'publish_done' ? at : null,
    pushDomain: 'push.example.com',
  };
  await createSignalStore({ database: world.database, now: world.clock.now }).record([signal]);
}

async function pollAndTrack(at: number): Promise<PollFailure[]> {
  world.clock.at = at;
  const failures = await poll();
  await track();
  return failures;
}

async function sessions() {
  const rows = await world.database.db
    .selectFrom('sessions')
    .innerJoin('streams', 'streams.id', 'sessions.stream_id')
    .select(['stream', 'started_at', 'ended_at', 'certainty', 'end_certain'])
    .orderBy('stream')
    .orderBy('started_at')
    .execute();
  return rows.map((row) => [
    row.stream,
    (row.started_at - T0) / SECOND,
    row.ended_at === null ? null : (row.ended_at - T0) / SECOND,
    row.certainty,
    row.end_certain,
  ]);
}

describe('tracking sessions', () => {
  it('reads what is stored of a stream once, unless a session reaches further back than what is merged anew', async () => {
    let reads = 0;
    const counting = {
      ...world.sessions,
      sessions: (...asked: Parameters<typeof world.sessions.sessions>) => {
        reads++;
        return world.sessions.sessions(...asked);
      },
    };
    track = createTrackSessions({ ...world.parts, sessions: counting, domains: [DOMAIN] });
    const readsAfter = async (days: number) => {
      world.clock.at = T0 + days * 24 * 60 * MINUTE;
      await called('publish', 'cam01', T0);
      reads = 0;
      await track({ from: world.clock.at - MINUTE });
      return reads;
    };
    expect(await readsAfter(1)).toBe(1);
    expect(await readsAfter(3)).toBe(2);
  });

  it('makes one session of a publish callback, the polls that saw it and the publish_done', async () => {
    await called('publish', 'cam01', T0 + 2 * SECOND);
    const session = onAir('cam01', T0);
    await pollAndTrack(T0 + 30 * SECOND);
    expect(await sessions()).toEqual([['cam01', 2, null, 'announced', false]]);
    await pollAndTrack(T0 + 60 * SECOND);
    world.vendor.endSession(session, T0 + 80 * SECOND);
    await called('publish_done', 'cam01', T0 + 85 * SECOND);
    await pollAndTrack(T0 + 90 * SECOND);
    expect(await sessions()).toEqual([['cam01', 2, 85.999, 'announced', true]]);
    await pollAndTrack(T0 + 120 * SECOND);
    expect(await sessions()).toEqual([['cam01', 2, 85.999, 'announced', true]]);
  });

  it('knows a session from the online list alone, and its end from the poll that no longer saw it', async () => {
    const session = onAir('cam01', T0);
    await pollAndTrack(T0 + 30 * SECOND);
    await pollAndTrack(T0 + 60 * SECOND);
    expect(await sessions()).toEqual([['cam01', 0, null, 'listed', false]]);
    world.vendor.endSession(session, T0 + 70 * SECOND);
    await pollAndTrack(T0 + 90 * SECOND);
    expect(await sessions()).toEqual([['cam01', 0, 60, 'listed', false]]);
  });

  it('corrects an end that the polls could only guess once the publish list tells it', async () => {
    const session = onAir('cam01', T0);
    await pollAndTrack(T0 + 30 * SECOND);
    world.vendor.endSession(session, T0 + 70 * SECOND);
    await pollAndTrack(T0 + 90 * SECOND);
    await pollAndTrack(T0 + 62 * MINUTE);
    expect(await sessions()).toEqual([['cam01', 0, 70.999, 'listed', true]]);
  });

  it('finds publishes that came and went between two polls in the publish list', async () => {
    const session = onAir('cam01', T0 + 5 * SECOND);
    world.vendor.endSession(session, T0 + 20 * SECOND);
    await pollAndTrack(T0 + 60 * SECOND);
    expect(await sessions()).toEqual([['cam01', 5, 20.999, 'listed', true]]);
  });

  it('does not take a failed poll for silence', async () => {
    onAir('cam01', T0);
    await pollAndTrack(T0 + 30 * SECOND);
    world.liveOptions.before = () => {
      throw new Error('the vendor is away');
    };
    expect(await pollAndTrack(T0 + 60 * SECOND)).toMatchObject([
      { domain: DOMAIN, error: { message: 'the vendor is away' } },
    ]);
    expect(await sessions()).toEqual([['cam01', 0, null, 'listed', false]]);
  });

  it('takes the lower-cased name of a push callback for the stream that the lists spell', async () => {
    await called('publish', 'lobby', T0 + 2 * SECOND);
    await track();
    expect(await sessions()).toEqual([['lobby', 2, null, 'announced', false]]);
    onAir('Lobby', T0);
    await pollAndTrack(T0 + 30 * SECOND);
    expect(await sessions()).toEqual([['Lobby', 2, null, 'announced', false]]);
    await called('publish_done', 'lobby', T0 + 100 * SECOND);
    world.clock.at = T0 + 110 * SECOND;
    await track();
    expect(await sessions()).toEqual([['Lobby', 2, 100.999, 'announced', true]]);
  });

  it('infers a session that nobody announced from captures on a beat, and ends it when they stop', async () => {
    for (let number = 1; number <= 6; number++) await world.capture('cam01', T0 + number * 10 * SECOND);
    world.clock.at = T0 + 65 * SECOND;
    await world.flush();
    await track();
    expect(await sessions()).toEqual([['cam01', 10, null, 'inferred', false]]);
    world.clock.at = T0 + 5 * MINUTE;
    await track();
    expect(await sessions()).toEqual([['cam01', 10, 70, 'inferred', false]]);
  });

  describe('an inferred session of days', () => {
    const HOUR = 60 * MINUTE;
    const start = T0 - 5 * 24 * HOUR;
    const read: number[] = [];
    beforeEach(async () => {
      world.config({ intervalSeconds: 3_600, validFrom: T0 - MINUTE });
      read.length = 0;
      const counting: typeof world.sessions = {
        ...world.sessions,
        async capturesOutsideSessions(...asked) {
          const found = await world.sessions.capturesOutsideSessions(...asked);
          read.push(found.length);
          return found;
        },
      };
      track = createTrackSessions({ ...world.parts, sessions: counting, domains: [DOMAIN] });
      await hourly(start, T0);
      world.clock.at = T0 - SECOND;
      await track({ from: start });
    });

    async function hourly(from: number, to: number): Promise<void> {
      for (let at = from; at < to; at += HOUR) {
        world.clock.at = at + SECOND;
        await world.told('cam01', `snapshot/${APP}/cam01/${at / SECOND}.jpg`, at + 800);
      }
      await world.flush();
    }

    it('is not read whole again each time', async () => {
      read.length = 0;
      await hourly(T0, T0 + HOUR);
      await track();
      expect(await sessions()).toEqual([['cam01', (start - T0) / SECOND, null, 'inferred', false]]);
      expect(Math.max(...read)).toBeLessThanOrEqual(50);
    });

    it('ends with its last capture though nobody looked for days', async () => {
      world.clock.at = T0 + 4 * 24 * HOUR;
      await track();
      expect(await sessions()).toEqual([
        ['cam01', (start - T0) / SECOND, (10 * SECOND - HOUR) / SECOND, 'inferred', false],
      ]);
    });
  });

  it('keeps an inferred session running however many captures it has', async () => {
    const start = T0 - 3 * 24 * 60 * MINUTE;
    world.config({ intervalSeconds: 5, validFrom: T0 - MINUTE });
    for (let from = start; from < T0; from += 3 * 60 * MINUTE) {
      world.clock.at = from + 3 * 60 * MINUTE;
      for (let at = from; at < from + 3 * 60 * MINUTE; at += 5 * SECOND) {
        await world.told('cam01', `snapshot/${APP}/cam01/${at / SECOND}.jpg`, at + 800);
      }
    }
    await world.flush();
    world.clock.at = T0;
    await track({ from: start });
    expect(await sessions()).toEqual([['cam01', (start - T0) / SECOND, null, 'inferred', false]]);
  });

  it('infers nothing from claims that nothing supports', async () => {
    for (let number = 1; number <= 6; number++)
      await world.capture('cam01', T0 + number * 10 * SECOND, { verified: false });
    world.clock.at = T0 + 65 * SECOND;
    await world.flush();
    await track();
    expect(await sessions()).toEqual([]);
  });

  it('has the audit judge again what a late end changes, and starts an audit under way over', async () => {
    await world.alive([T0 - MINUTE, T0 + 60 * MINUTE]);
    const session = onAir('cam01', T0);
    await pollAndTrack(T0 + 30 * SECOND);
    for (let number = 1; number <= 20; number++) await world.capture('cam01', T0 + number * 10 * SECOND);
    world.clock.at = T0 + 6 * MINUTE;
    await world.audit({ domain: DOMAIN });
    expect((await world.stored()).gaps).toMatchObject([{ verdict: 'not_captured' }]);
    const before = (await world.audits.watermarks([1])).get(1)!;
    world.vendor.endSession(session, T0 + 209 * SECOND);
    await called('publish_done', 'cam01', T0 + 209 * SECOND);
    await track();
    expect((await world.audits.watermarks([1])).get(1)!.version).toBe(before.version + 1);
    await world.audit({ domain: DOMAIN });
    expect((await world.stored()).gaps).toEqual([]);
  });

  it('writes the same when two replicas track at once', async () => {
    await called('publish', 'cam01', T0);
    onAir('cam01', T0);
    const other = createTrackSessions({ ...world.parts, domains: [DOMAIN] });
    world.clock.at = T0 + 30 * SECOND;
    await poll();
    await Promise.all([track(), other(), track(), other()]);
    expect(await sessions()).toEqual([['cam01', 0, null, 'announced', false]]);
  });
});

it('an announced end that ends nothing is looked at once, however often somebody asks', async () => {
  onAir('cam01', T0);
  await called('publish', 'cam01', T0);
  await called('publish_done', 'cam01', T0 + 20 * SECOND);
  await pollAndTrack(T0 + 100 * SECOND);
  const open = [['cam01', 0, null, 'announced', false]];
  expect(await sessions()).toEqual(open);
  const streamIds = (await world.sessions.streams(DOMAIN)).map(({ id }) => id);
  let merged = 0;
  const counting = {
    ...world.sessions,
    replaceSessions: (...given: Parameters<typeof world.sessions.replaceSessions>) => {
      merged++;
      return world.sessions.replaceSessions(...given);
    },
  };
  const lookAtEnds = createLookAtEnds({ ...world.parts, sessions: counting });
  for (let asked = 0; asked < 3; asked++) await lookAtEnds(streamIds);
  expect(await sessions()).toEqual(open);
  expect(merged).toBe(1);
  world.clock.at = T0 + 200 * SECOND;
  await called('publish_done', 'cam01', T0 + 190 * SECOND);
  for (let asked = 0; asked < 3; asked++) await lookAtEnds(streamIds);
  expect(await sessions()).toEqual([['cam01', 0, 190.999, 'announced', true]]);
  expect(merged).toBe(2);
});
