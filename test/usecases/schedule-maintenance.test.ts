import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createExcusedStore } from '../../src/adapters/postgres/excused-store.ts';
import { createMaintenanceStore } from '../../src/adapters/postgres/maintenance-store.ts';
import {
  endMaintenance,
  excuseOnce,
  type MaintenanceParts,
  planMaintenance,
  scheduleMaintenance,
} from '../../src/usecases/schedule-maintenance.ts';
import { type AlertingWorld, createAlertingWorld } from '../support/alerting-world.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { addGap, addStream } from '../support/history.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const all = { domain: null, app: null, stream: null, reason: 'encoder update', author: 'wei' };

let database: TestDatabase;
let now = Date.UTC(2026, 10, 24, 3);
let parts: MaintenanceParts;
beforeAll(async () => {
  database = await createTestDatabase();
  parts = {
    maintenance: createMaintenanceStore(database),
    excused: createExcusedStore(database),
    clock: { now: () => now },
  };
});
afterEach(async () => {
  await database.db.deleteFrom('maintenance_occurrences').execute();
  await database.db.deleteFrom('maintenance_schedules').execute();
  await database.db.deleteFrom('excused_spans').execute();
});
afterAll(() => database?.drop());

const spans = async (days = 400) =>
  (await parts.excused.inForce(now - 400 * DAY_MS, now + days * DAY_MS)).map(({ from, to }) => [
    new Date(from).toISOString(),
    (to - from) / 60_000,
  ]);

describe('maintenance that comes again', () => {
  it('becomes excused spans two days ahead, in its time zone', async () => {
    await scheduleMaintenance(parts, { ...all, cron: '0 2 * * *', timeZone: 'Asia/Shanghai', durationSeconds: 1800 });
    expect(await spans()).toEqual([
      ['2026-11-24T18:00:00.000Z', 30],
      ['2026-11-25T18:00:00.000Z', 30],
    ]);
  });

  it('goes on day by day, and planning twice is harmless', async () => {
    await scheduleMaintenance(parts, { ...all, cron: '0 2 * * *', timeZone: 'Asia/Shanghai', durationSeconds: 1800 });
    now += DAY_MS;
    await Promise.all([planMaintenance(parts, []), planMaintenance(parts, [])]);
    await planMaintenance(parts, []);
    now -= DAY_MS;
    expect(new Set((await spans()).map(([from]) => from))).toEqual(
      new Set(['2026-11-24T18:00:00.000Z', '2026-11-25T18:00:00.000Z', '2026-11-26T18:00:00.000Z']),
    );
  });

  it('excuses each time once, however many plan at the same time, so that ending it takes everything back', async () => {
    const hourly = { ...all, cron: '0 * * * *', timeZone: 'UTC', durationSeconds: 600 };
    const { id } = await scheduleMaintenance(parts, hourly);
    now += DAY_MS;
    await Promise.all(Array.from({ length: 4 }, () => planMaintenance(parts, [])));
    now -= DAY_MS;
    expect(await spans()).toHaveLength(72);
    expect(new Set((await spans()).map(([from]) => from)).size).toBe(72);
    await endMaintenance(parts, id);
    expect(await spans()).toEqual([]);
  });

  it('plans nothing more for a schedule that was ended meanwhile', async () => {
    const schedule = await scheduleMaintenance(parts, {
      ...all,
      cron: '0 0 1 1 *',
      timeZone: 'UTC',
      durationSeconds: 600,
    });
    await endMaintenance(parts, schedule.id);
    await parts.maintenance.planSpan(schedule, { from: now + HOUR_MS, to: now + 2 * HOUR_MS });
    expect(await spans()).toEqual([]);
  });

  it('keeps its wall-clock hour over a change of the clocks', async () => {
    now = Date.UTC(2026, 9, 24, 12);
    await scheduleMaintenance(parts, { ...all, cron: '0 4 * * *', timeZone: 'Europe/Berlin', durationSeconds: 3600 });
    expect(await spans()).toEqual([
      ['2026-10-25T03:00:00.000Z', 60],
      ['2026-10-26T03:00:00.000Z', 60],
    ]);
    now = Date.UTC(2026, 10, 24, 3);
  });

  it('takes back what has not begun when it is ended', async () => {
    const { id } = await scheduleMaintenance(parts, {
      ...all,
      cron: '0 * * * *',
      timeZone: 'UTC',
      durationSeconds: 600,
    });
    now += 90 * 60_000;
    await endMaintenance(parts, id);
    await expect(endMaintenance(parts, id)).rejects.toMatchObject({ kind: 'not-found' });
    now -= 90 * 60_000;
    expect(await spans()).toEqual([
      ['2026-11-24T03:00:00.000Z', 10],
      ['2026-11-24T04:00:00.000Z', 10],
    ]);
  });

  it('follows the settings file: new ones start, changed ones start anew, absent ones end', async () => {
    const nightly = { name: 'nightly', cron: '0 18 * * *', timeZone: 'UTC', duration: 600, reason: 'restart' };
    await planMaintenance(parts, [nightly]);
    await planMaintenance(parts, [nightly]);
    expect(await spans()).toHaveLength(2);
    await planMaintenance(parts, [{ ...nightly, cron: '0 20 * * *' }]);
    expect((await spans()).map(([from]) => from)).toEqual(['2026-11-24T20:00:00.000Z', '2026-11-25T20:00:00.000Z']);
    await planMaintenance(parts, []);
    expect(await spans()).toEqual([]);
  });

  it('refuses a line that is no schedule, one that never comes, and a scope with a hole', async () => {
    const schedule = (cron: string, timeZone = 'UTC', app: string | null = null) =>
      scheduleMaintenance(parts, { ...all, app, cron, timeZone, durationSeconds: 600 });
    await expect(schedule('every day')).rejects.toMatchObject({ kind: 'bad-parameter' });
    await expect(schedule('0 0 31 2 *')).rejects.toMatchObject({ kind: 'bad-parameter' });
    await expect(schedule('0 0 * * *', 'Mars/Olympus')).rejects.toMatchObject({ kind: 'bad-parameter' });
    await expect(schedule('0 0 * * *', 'UTC', 'live')).rejects.toMatchObject({ kind: 'bad-parameter' });
  });
});

describe('a window in the past', () => {
  it('has the streams inside it judged again', async () => {
    const streamId = await addStream(database, 'play.example.com', 'live', 'past');
    await database.db
      .insertInto('watermarks')
      .values({ stream_id: streamId, audited_until: new Date(now).toISOString() as never, last_key: null, state: '{}' })
      .execute();
    await excuseOnce(parts, { ...all, from: now - HOUR_MS, to: now });
    expect(await database.db.selectFrom('late_evidence').select(['stream_id', 'reason']).execute()).toEqual([
      { stream_id: streamId, reason: 'excused' },
    ]);
  });
});

describe('alerting', () => {
  let world: AlertingWorld | undefined;
  afterEach(() => world?.close());

  it('is silent about silence and gaps during maintenance, and speaks when it goes on after it', async () => {
    world = await createAlertingWorld({ apps: { live: 20 } });
    await world.pass({ seconds: 20, step: 5 });
    const [victim, other] = world.streams;
    await world.alerting.handle.excuse({ ...all, from: world.now() - 10_000, to: world.now() + 60_000 });
    await addGap(world.database, {
      streamId: other!.id,
      from: world.now() - 5_000,
      to: world.now(),
      slots: 1,
      verdict: 'not_captured',
      cause: 'not_captured',
    });
    await world.pass({ seconds: 80, step: 2, silent: (stream) => stream === victim });
    expect(world.titles()).toEqual([]);
    await world.pass({ seconds: 10, step: 2, silent: (stream) => stream === victim });
    expect(world.titles()).toEqual([
      expect.stringContaining('[Open] callbacks stopped: play.example.com/live/cam0000'),
    ]);
  }, 60_000);
});
