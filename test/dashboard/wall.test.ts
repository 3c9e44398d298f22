import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHistoryReads } from '../../src/adapters/postgres/query-history.ts';
import { createWallReads } from '../../src/adapters/postgres/query-wall.ts';
import { timestamp } from '../../src/adapters/postgres/timestamp.ts';
import { createQueries } from '../../src/usecases/query-history.ts';
import { createWall, type WallChange, type WallDeps } from '../../src/usecases/watch-wall.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { addConfig, addHeartbeat, addSession, addSlotHour, addStream } from '../support/history.ts';

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 10, 24, 12, 30);
const FIRST_HOUR = Date.UTC(2026, 10, 23, 13);
let database: TestDatabase;
let now = NOW;
let streamId: number;
beforeAll(async () => {
  database = await createTestDatabase();
  await addConfig(database, { domain: 'play.example.com', app: 'live', validFrom: 0, intervalSeconds: 10 });
  await addHeartbeat(database, FIRST_HOUR, NOW + HOUR);
  streamId = await addStream(database, 'play.example.com', 'live', 'cam01');
  await addStream(database, 'play.example.com', 'live', 'cam02');
  await addSession(database, streamId, FIRST_HOUR, null);
  await addSlotHour(database, streamId, FIRST_HOUR - HOUR, FIRST_HOUR, { ok: 1, not_captured: 359 });
  await addSlotHour(database, streamId, FIRST_HOUR, FIRST_HOUR, { ok: 360 });
  await addSlotHour(database, streamId, FIRST_HOUR + HOUR, FIRST_HOUR, { ok: 359, late: 1 });
  await addSlotHour(database, streamId, FIRST_HOUR + 2 * HOUR, FIRST_HOUR, { ok: 180, late: 90, not_captured: 90 });
  await addSlotHour(database, streamId, FIRST_HOUR + 3 * HOUR, FIRST_HOUR, { excused: 360 });
  await addSlotHour(database, streamId, FIRST_HOUR + 23 * HOUR, FIRST_HOUR, { unknown: 5, ok: 10 });
});
afterAll(() => database?.drop());

function wall(everyMs = 20, more: Partial<WallDeps> = {}) {
  const clock = { now: () => now };
  return createWall({
    reads: createWallReads(database),
    queries: createQueries({ reads: createHistoryReads(database), clock }),
    clock,
    own: () => ({ aliveUntil: now, databaseDownSince: null, spool: null }),
    account: null,
    onError: (error) => {
      throw error;
    },
    everyMs,
    ...more,
  });
}

describe('the wall', () => {
  it('gives each stream a letter an hour for the worst of it, and how much of it is bad, by 24 hours', async () => {
    const { stripFrom, streams } = await wall().snapshot();
    expect(stripFrom).toBe(FIRST_HOUR);
    const cam01 = streams.find((each) => each.stream === 'cam01');
    expect(cam01?.strip).toBe(`klne${'.'.repeat(19)}u`);
    // One bad slot of 360 shows; half of them are five ninths.
    expect(cam01?.bad).toBe(`0150${'0'.repeat(20)}`);
    expect(cam01?.coverage).toBeCloseTo((360 + 359 + 180 + 10) / (360 + 360 + 360 + 10));
    const cam02 = streams.find((each) => each.stream === 'cam02');
    expect(cam02).toMatchObject({ strip: '.'.repeat(24), coverage: null, status: 'offline' });
  });

  it('gives a first screen of the worst streams, with the counts of all', async () => {
    const one = await wall().firstScreen(1);
    expect(one.streams.map(({ stream }) => stream)).toEqual(['cam01']);
    expect(one.summary.statuses).toMatchObject({ offline: 1 });
    expect(Object.values(one.summary.statuses).reduce((sum, count) => sum + count, 0)).toBe(2);
  });

  it('knows the last audit of a domain though hundreds of others came after', async () => {
    const audit = (domain: string, startedAt: number, status: 'done' | 'failed', error: string | null = null) => ({
      domain,
      from_at: timestamp(startedAt - HOUR),
      to_at: timestamp(startedAt),
      started_at: timestamp(startedAt),
      finished_at: timestamp(startedAt + 1_000),
      status,
      error,
    });
    const stalled = 'play.example.com';
    await database.db
      .insertInto('audits')
      .values([
        audit(stalled, NOW - 5 * HOUR, 'done'),
        audit(stalled, NOW - 4 * HOUR, 'failed', 'no right'),
        ...Array.from({ length: 201 }, (_, number) => audit('other.example.com', NOW - HOUR + number * 1_000, 'done')),
      ])
      .execute();
    const { summary } = await wall().snapshot();
    expect(summary.audits).toContainEqual({
      domain: stalled,
      status: 'failed',
      startedAt: NOW - 4 * HOUR,
      error: 'no right',
      doneAt: NOW - 5 * HOUR + 1_000,
    });
    await database.db.deleteFrom('audits').execute();
  });

  it('counts today from midnight UTC', async () => {
    const { summary } = await wall().snapshot();
    expect(summary.today).toEqual({ ok: 10, counted: 10, excused: 0, unknown: 5 });
    expect(summary.domains).toEqual([{ domain: 'play.example.com', apps: 1, streams: 2 }]);
  });

  it('tells those who watch what has changed, and only that, without a hole in the revisions', async () => {
    const watched = wall();
    const before = await watched.snapshot();
    const changes: WallChange[] = [];
    const leave = watched.subscribe((change) => change && changes.push(change));
    await expect.poll(() => changes.length, { timeout: 5_000 }).toBeGreaterThan(0);
    expect(changes[0]?.streams).toEqual([]);
    await database.db
      .updateTable('sessions')
      .set({ ended_at: timestamp(NOW - 1_000) })
      .where('stream_id', '=', streamId)
      .execute();
    const told = () => changes.filter((change) => change.streams.length > 0);
    await expect.poll(() => told().length, { timeout: 5_000 }).toBe(1);
    expect(told()[0]?.streams).toMatchObject([{ stream: 'cam01', status: 'offline' }]);
    expect(changes.map((change) => change.revision)).toEqual(changes.map((_, index) => before.revision + 1 + index));
    leave();
    watched.close();
  });

  it('tells how the service itself does also while the database is away', async () => {
    let away = false;
    const reads = createWallReads(database);
    const watched = wall(20, {
      reads: {
        ...reads,
        liveIncidents: async (limit) => {
          if (away) throw new Error('the database is away');
          return reads.liveIncidents(limit);
        },
      },
      own: () => ({ aliveUntil: now, databaseDownSince: away ? NOW : null, spool: { entries: 3, oldestAt: NOW } }),
      onError: () => {},
    });
    const before = await watched.snapshot();
    const changes: WallChange[] = [];
    const leave = watched.subscribe((change) => change && changes.push(change));
    await expect.poll(() => changes.length, { timeout: 5_000 }).toBeGreaterThan(0);
    away = true;
    const told = () => changes.find(({ summary }) => summary.own.databaseDownSince === NOW);
    await expect
      .poll(told, { timeout: 5_000 })
      .toMatchObject({ streams: [], summary: { own: { spool: { entries: 3 } } } });
    away = false;
    const count = changes.length;
    await expect.poll(() => changes.slice(count).at(-1)?.summary.own.databaseDownSince, { timeout: 5_000 }).toBe(null);
    expect(changes.map((change) => change.revision)).toEqual(changes.map((_, index) => before.revision + 1 + index));
    leave();
    watched.close();
  });

  it('looks at nothing while nobody watches, and tells the watchers when it ends', async () => {
    const watched = wall();
    const first = await watched.snapshot();
    await new Promise((resolve) => setTimeout(resolve, 100));
    now += 10_000;
    expect((await watched.snapshot()).revision).toBe(first.revision + 1);
    const ended = new Promise((resolve) => watched.subscribe((change) => change === null && resolve(true)));
    watched.close();
    expect(await ended).toBe(true);
  });
});
