import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHistoryReads } from '../../src/adapters/postgres/query-history.ts';
import { createTimelineReads } from '../../src/adapters/postgres/query-timeline.ts';
import { CAPTURE_FLAGS } from '../../src/core/capture-flags.ts';
import { inspectSlots } from '../../src/usecases/inspect-slot.ts';
import { createQueries } from '../../src/usecases/query-history.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { FakeBuckets } from '../support/fake-buckets.ts';
import {
  addCaptures,
  addConfig,
  addGap,
  addHeartbeat,
  addPartitions,
  addSession,
  addShape,
  addSlotHour,
  addStream,
  addWatermark,
} from '../support/history.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 10, 24);
const NOW = START + 6 * HOUR;
const KEY = { domain: 'play.example.com', app: 'live', stream: 'cam01' };

let database: TestDatabase;
let inspector: ReturnType<typeof inspectSlots>;
let queries: ReturnType<typeof createQueries>;
let buckets: FakeBuckets;
beforeAll(async () => {
  database = await createTestDatabase();
  await addPartitions(database, START - DAY, NOW);
  const shapeId = await addShape(database);
  await addConfig(database, { domain: KEY.domain, app: 'live', validFrom: START - 30 * DAY, intervalSeconds: 10 });
  await addConfig(database, { domain: KEY.domain, app: 'live', validFrom: START + 2 * HOUR, intervalSeconds: 20 });
  await addHeartbeat(database, START - DAY, START + 3 * HOUR);
  await addHeartbeat(database, START + 3 * HOUR + 5 * MINUTE, NOW + MINUTE);
  const id = await addStream(database, KEY.domain, KEY.app, KEY.stream);
  await addSession(database, id, START, START + 4 * HOUR);
  await addWatermark(database, id, START + 4 * HOUR);
  for (let hour = 0; hour < 4; hour++) {
    await addSlotHour(database, id, START + hour * HOUR, START, {
      ok: hour === 1 ? 330 : 360,
      not_captured: hour === 1 ? 30 : 0,
    });
  }
  await addGap(database, {
    streamId: id,
    from: START + HOUR + 10 * MINUTE,
    to: START + HOUR + 15 * MINUTE,
    slots: 30,
    verdict: 'not_captured',
    cause: 'not_captured',
    sessionStartedAt: START,
  });
  const captures = [];
  for (let at = START + HOUR; at < START + HOUR + 30 * MINUTE; at += 10 * SECOND) {
    if (at >= START + HOUR + 10 * MINUTE && at < START + HOUR + 15 * MINUTE) continue;
    captures.push({ streamId: id, at, shapeId });
  }
  await addCaptures(database, captures);
  const clock = { now: () => NOW };
  const reads = createHistoryReads(database);
  queries = createQueries({ reads, clock });
  buckets = new FakeBuckets();
  inspector = inspectSlots({
    reads: { ...reads, ...createTimelineReads(database) },
    gaps: queries,
    clock,
    buckets,
    live: null,
  });
});
afterAll(() => database?.drop());

const timeline = (from: number, to: number, parts: number) =>
  inspector.timeline({ ...KEY, from, to, parts, mode: 'sequence' });

describe('a timeline', () => {
  it('has single slots where they are few, the lost ones in their places', async () => {
    const { slots } = await timeline(START + HOUR + 9 * MINUTE, START + HOUR + 16 * MINUTE, 400);
    expect(slots).toHaveLength(42);
    expect(slots?.filter((slot) => slot.verdict === 'not_captured').map((slot) => slot.at)).toEqual(
      Array.from({ length: 30 }, (_, index) => START + HOUR + 10 * MINUTE + index * 10 * SECOND),
    );
    expect(slots?.[0]).toMatchObject({ at: START + HOUR + 9 * MINUTE, verdict: 'ok' });
  });

  it('shares a run out over the parts that it lies in, and what else was on air is good', async () => {
    const { parts, partMs, slots } = await timeline(START, START + 5 * HOUR, 300);
    expect(slots).toBeNull();
    expect(partMs).toBe(MINUTE);
    const bad = parts.filter((part) => part.slots.not_captured > 0);
    expect(bad.map((part) => [part.at, Math.round(part.slots.not_captured)])).toEqual(
      Array.from({ length: 5 }, (_, index) => [START + HOUR + (10 + index) * MINUTE, 6]),
    );
    expect(bad.every((part) => part.slots.ok === 0)).toBe(true);
    expect(parts[0]?.slots.ok).toBeCloseTo(6);
    // The session ended after four hours: nothing was due then.
    expect(parts.at(-1)?.at).toBe(START + 4 * HOUR - MINUTE);
  });

  it('counts by the hour where parts are hours, whatever the window is', async () => {
    const { parts, partMs } = await timeline(START - 20 * DAY, NOW, 480);
    expect(partMs).toBe(2 * HOUR);
    const sum = (verdict: 'ok' | 'not_captured') => parts.reduce((all, part) => all + part.slots[verdict], 0);
    expect([sum('ok'), sum('not_captured')]).toEqual([1_410, 30]);
    expect(parts.length).toBeLessThanOrEqual(481);
  });

  it('shows sessions, the configs that stood, and when we were blind', async () => {
    const { sessions, configs, blind } = await timeline(START, NOW, 100);
    expect(sessions).toMatchObject([{ startedAt: START, endedAt: START + 4 * HOUR }]);
    expect(configs.map(({ intervalSeconds, validTo }) => [intervalSeconds, validTo])).toEqual([
      [10, START + 2 * HOUR],
      [20, null],
    ]);
    expect(blind).toEqual([{ from: START + 3 * HOUR, to: START + 3 * HOUR + 5 * MINUTE }]);
  });
});

describe('the mode of a timeline', () => {
  const OVERWRITE = { domain: KEY.domain, app: 'cover', stream: 'door' };
  let id: number;
  beforeAll(async () => {
    await addConfig(database, {
      domain: KEY.domain,
      app: 'cover',
      validFrom: START - DAY,
      intervalSeconds: 10,
      sequenceObject: null,
      overwriteObject: '{AppName}/{StreamName}.jpg',
    });
    id = await addStream(database, OVERWRITE.domain, OVERWRITE.app, OVERWRITE.stream);
    await addSession(database, id, START, START + HOUR);
    await addWatermark(database, id, START + HOUR);
    await addGap(database, {
      streamId: id,
      from: START + 10 * MINUTE,
      to: START + 20 * MINUTE,
      slots: 60,
      verdict: 'not_captured',
      cause: 'not_captured',
      sessionStartedAt: START,
      mode: 'overwrite',
    });
  });
  const shown = (mode?: 'sequence' | 'overwrite') =>
    inspector.timeline({ ...OVERWRITE, from: START, to: START + 5 * HOUR, parts: 300, mode });
  const sumOf = (parts: Awaited<ReturnType<typeof shown>>['parts'], verdict: 'ok' | 'not_captured') =>
    Math.round(parts.reduce((all, part) => all + part.slots[verdict], 0));

  it('is one that the config in force has, where none is named', async () => {
    const { mode, modes, parts } = await shown();
    expect([mode, modes]).toEqual(['overwrite', ['overwrite']]);
    expect([sumOf(parts, 'ok'), sumOf(parts, 'not_captured')]).toEqual([300, 60]);
    expect((await timeline(START, NOW, 300)).modes).toEqual(['sequence']);
    const slot = await inspector.slot({ ...OVERWRITE, at: START + 12 * MINUTE });
    expect(slot).toMatchObject({ mode: 'overwrite', slot: { verdict: 'not_captured' }, gap: { slots: 60 } });
    const { data } = await queries.sessionSlots(`${id}-${START}`, {});
    expect(data[0]).toMatchObject({ at: START + 10 * MINUTE, verdict: 'not_captured' });
  });

  it('has no good slots where the config in force lacks it', async () => {
    const { mode, modes, parts } = await shown('sequence');
    expect([mode, modes, parts]).toEqual(['sequence', ['overwrite'], []]);
  });

  it('is both where the sessions of the window ran on configs with both', async () => {
    await addConfig(database, {
      domain: KEY.domain,
      app: 'cover',
      validFrom: START + 2 * HOUR,
      intervalSeconds: 30,
      overwriteObject: '{AppName}/{StreamName}.jpg',
    });
    await addSession(database, id, START + 3 * HOUR, START + 4 * HOUR);
    await database.pool.query(`update watermarks set audited_until = $1 where stream_id = $2`, [
      new Date(START + 4 * HOUR),
      id,
    ]);
    const { mode, modes, parts } = await shown();
    expect([mode, modes]).toEqual(['sequence', ['sequence', 'overwrite']]);
    // The former session had no sequence, so nothing of it was due; each has its own interval.
    expect(sumOf(parts, 'ok')).toBe(120);
    expect(sumOf((await shown('overwrite')).parts, 'ok')).toBe(300 + 120);
  });
});

describe('a slot', () => {
  it('comes with its run, its neighbours and the nearest pictures', async () => {
    const at = START + HOUR + 12 * MINUTE;
    const view = await inspector.slot({ ...KEY, at: at + 3 * SECOND, mode: 'sequence' });
    expect(view.slot).toMatchObject({ at, verdict: 'not_captured', captureId: null });
    expect(view.gap).toMatchObject({ slots: 30, from: START + HOUR + 10 * MINUTE });
    expect(view.previous?.at).toBe(at - 10 * SECOND);
    expect(view.next?.at).toBe(at + 10 * SECOND);
    expect(view.previousCapture?.capturedAt).toBe(START + HOUR + 10 * MINUTE - 10 * SECOND);
    expect(view.nextCapture?.capturedAt).toBe(START + HOUR + 15 * MINUTE);
    expect(view.place).toBeNull();
    await expect(inspector.lookAtObject({ ...KEY, at, mode: 'sequence' })).rejects.toThrow(/Nobody named an object/);
  });

  it('comes with the body of its callback, field for field and every digit of its numbers', async () => {
    const at = START + 3 * HOUR + 30 * MINUTE;
    const {
      rows: [one],
    } = await database.pool.query(`select c.shape_id, c.stream_id from captures c limit 1`);
    const plant = (instant: number, rest: string, flags: number) =>
      addCaptures(database, [{ streamId: one.stream_id, shapeId: one.shape_id, at: instant, rest, flags }]);
    const { fromCallback, fromObject } = CAPTURE_FLAGS;
    await plant(at, '{"fields":{"Sequence":12345678901234567890,"Note":"<b>"}}', fromCallback);
    await plant(at + MINUTE, '', fromObject);
    const body = async (instant: number) => (await inspector.slot({ ...KEY, at: instant })).capture?.body;
    expect(await body(at)).toBe(`{
  "DomainName": "play.example.com",
  "AppName": "live",
  "StreamName": "cam01",
  "OssBucket": "bucket-a",
  "OssObject": "snapshot/live/cam01/${at / 1_000}.jpg",
  "Sequence": 12345678901234567890,
  "Note": "<b>"
}`);
    // Backfill found it: nobody sent a body.
    expect(await body(at + MINUTE)).toBeNull();
  });

  it('tells an object that is there from one that is not, and neither from a bucket that could not be asked', async () => {
    const at = START + HOUR + 2 * MINUTE;
    const key = `snapshot/live/cam01/${at / 1_000}.jpg`;
    const look = () => inspector.lookAtObject({ ...KEY, at, mode: 'sequence' });
    await expect(look()).rejects.toThrow(/bucket/i);
    const bucket = buckets.bucket('bucket-a');
    expect(await look()).toMatchObject({ object: key, found: null, url: null });
    bucket.put(key, at);
    expect(await look()).toMatchObject({ found: { lastModified: at }, url: expect.stringContaining('http') });
  });

  it('gives no URL for an object that no config of the app stores, though a callback has named it', async () => {
    const at = START + HOUR + 3 * MINUTE;
    await database.pool.query(`update captures set rest = '{"object":"salaries.pdf"}' where captured_at = $1`, [
      new Date(at).toISOString(),
    ]);
    buckets.bucket('bucket-a').put('salaries.pdf', at);
    const look = await inspector.lookAtObject({ ...KEY, at, mode: 'sequence' });
    expect(look).toMatchObject({ object: 'salaries.pdf', found: { lastModified: at }, url: null });
  });

  it('is not found where none is known', async () => {
    await expect(inspector.slot({ ...KEY, at: START - DAY, mode: 'sequence' })).rejects.toThrow(/No slot/);
    await expect(inspector.slot({ ...KEY, stream: 'none', at: START, mode: 'sequence' })).rejects.toThrow(/never seen/);
  });
});
