import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHistoryReads } from '../../src/adapters/postgres/query-history.ts';
import { timestamp } from '../../src/adapters/postgres/timestamp.ts';
import { type DeliveryReports, deliveryReports, monthOf } from '../../src/usecases/delivery-report.ts';
import { renderDeliveryReport } from '../../src/usecases/render-delivery-report.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { addGap, addSlotHour, addStream } from '../support/history.ts';

const START = Date.UTC(2026, 9, 1);
const END = Date.UTC(2026, 10, 1);
const HOUR_MS = 3_600_000;

let database: TestDatabase;
let report: DeliveryReports;
beforeAll(async () => {
  database = await createTestDatabase();
  report = deliveryReports({ reads: createHistoryReads(database), clock: { now: () => END + 1 } });
  const one = await addStream(database, 'a.example.com', 'live', 'one');
  const two = await addStream(database, 'a.example.com', 'vod', '<b>"&\'two');
  const three = await addStream(database, 'b.example.com', 'live', '=three');
  for (const [stream, slots] of [
    [one, { ok: 90, late: 10, excused: 5, unknown: 1 }],
    [two, { ok: 50, not_captured: 50 }],
    [three, { ok: 10 }],
  ] as const) {
    await addSlotHour(database, stream, START, START, slots);
    // Just before and just after the month: not in it.
    await addSlotHour(database, stream, START - HOUR_MS, START - HOUR_MS, { not_captured: 1_000 });
    await addSlotHour(database, stream, END, START, { not_captured: 1_000 });
  }
  await addGap(database, {
    streamId: one,
    from: START + 1_000,
    to: START + 61_000,
    slots: 6,
    verdict: 'late',
    cause: 'late_delivery',
  });
  await addGap(database, {
    streamId: one,
    from: START - HOUR_MS,
    to: START + 30_000,
    slots: 900,
    verdict: 'not_captured',
    cause: 'not_captured',
  });
  await addGap(database, {
    streamId: one,
    from: START + 100_000,
    to: START + 400_000,
    slots: 30,
    verdict: 'excused',
    cause: null,
  });
  await addGap(database, {
    streamId: two,
    from: START + 1_000,
    to: START + 501_000,
    slots: 50,
    verdict: 'not_captured',
    cause: 'not_captured',
  });
  await sql`insert into excused_spans (from_at, to_at, domain, app, stream, reason, author) values
    (${timestamp(START - HOUR_MS)}, ${timestamp(START + HOUR_MS)}, 'a.example.com', null, null, 'maintenance', 'x'),
    (${timestamp(START + HOUR_MS / 2)}, ${timestamp(START + 2 * HOUR_MS)}, 'a.example.com', 'live', 'one', 'maintenance', 'x'),
    (${timestamp(START)}, ${timestamp(START + HOUR_MS)}, 'a.example.com', 'live', 'one', 'pause <i>', 'x')`.execute(
    database.db,
  );
});
afterAll(() => database?.drop());

describe('the delivery report', () => {
  it('adds streams up to apps and domains, and counts only slots of the month', async () => {
    const { rows } = await report('2026-10', {});
    expect(rows.map(({ level, domain, app, expected, good }) => [level, domain, app, expected, good])).toEqual([
      ['domain', 'a.example.com', null, 200, 140],
      ['app', 'a.example.com', 'live', 100, 90],
      ['stream', 'a.example.com', 'live', 100, 90],
      ['app', 'a.example.com', 'vod', 100, 50],
      ['stream', 'a.example.com', 'vod', 100, 50],
      ['domain', 'b.example.com', null, 10, 10],
      ['app', 'b.example.com', 'live', 10, 10],
      ['stream', 'b.example.com', 'live', 10, 10],
    ]);
    expect(rows[0]).toMatchObject({ coverage: 0.7, slots: { late: 10, not_captured: 50, excused: 5, unknown: 1 } });
  });

  it('names the longest fault, cut to the month', async () => {
    const { rows } = await report('2026-10', {});
    expect(rows[2]?.longestGap).toMatchObject({ from: START + 1_000, to: START + 61_000, verdict: 'late' });
    expect(rows[0]?.longestGap).toMatchObject({ from: START + 1_000, to: START + 501_000 });
    expect(rows[7]?.longestGap).toBeNull();
  });

  it('lists the longest faults of all, the longest first, one a stream', async () => {
    const { longestGaps } = await report('2026-10', {});
    expect(longestGaps.map(({ app, stream, verdict, from, to }) => [app, stream, verdict, to - from])).toEqual([
      ['vod', '<b>"&\'two', 'not_captured', 500_000],
      ['live', 'one', 'late', 60_000],
    ]);
    const [first] = JSON.parse(renderDeliveryReport(await report('2026-10', {}), 'json')).longestGaps;
    expect(first).toMatchObject({ from: '2026-10-01T00:00:01.000Z', mode: 'sequence', slots: 50 });
  });

  it('counts excluded time once per reason, cut to the month', async () => {
    const { rows } = await report('2026-10', {});
    expect(rows[2]?.excluded).toEqual([
      { reason: 'maintenance', milliseconds: 2 * HOUR_MS },
      { reason: 'pause <i>', milliseconds: HOUR_MS },
    ]);
    expect(rows[4]?.excluded).toEqual([{ reason: 'maintenance', milliseconds: HOUR_MS }]);
    expect(rows[7]?.excluded).toEqual([]);
  });

  it('counts excluded time once where reasons overlap, also of an app and a domain', async () => {
    const made = await report('2026-10', {});
    const hours = made.rows.map((row) => row.excludedMilliseconds / HOUR_MS);
    // Domain a, its app live with one stream, its app vod with one; domain b.
    expect(hours).toEqual([2, 2, 2, 1, 1, 0, 0, 0]);
    expect(made.rows[0]?.excluded).toEqual(made.rows[2]?.excluded);
    const table = renderDeliveryReport(made, 'csv').trimEnd().split('\n');
    const column = table[0]!.split(',').indexOf('excludedSeconds');
    expect(column).toBeGreaterThan(0);
    const ofDomain = table[1]!.split(',');
    expect([ofDomain[column], ofDomain[column + 1]]).toEqual(['7200', 'maintenance; pause <i>']);
    expect(JSON.parse(renderDeliveryReport(made, 'json')).rows[0].excludedSeconds).toBe(7_200);
    expect(renderDeliveryReport(made, 'html')).toContain('120 min: 120 min maintenance; 60 min pause');
  });

  it('keeps to what was asked for', async () => {
    const { rows } = await report('2026-10', { domain: ['b.example.com'] });
    expect(rows).toHaveLength(3);
    expect((await report('2026-10', { domain: ['b.example.com'] })).exclusions).toEqual([]);
    const vod = await report('2026-10', { domain: ['a.example.com'], app: ['vod'] });
    expect(vod.exclusions.map(({ app, reason }) => [app, reason])).toEqual([[null, 'maintenance']]);
  });

  it('is escaped as a page and as a table', async () => {
    const made = await report('2026-10', {});
    const html = renderDeliveryReport(made, 'html');
    expect(html).not.toMatch(/<b>|<i>|<script/);
    expect(html).toContain('&#60;b&#62;&#34;&#38;&#39;two');
    const csv = renderDeliveryReport(made, 'csv').trimEnd().split('\n');
    expect(csv).toHaveLength(9);
    expect(csv[8]).toContain(",'=three,");
    expect(JSON.parse(renderDeliveryReport(made, 'json')).rows[2].excluded[1]).toEqual({
      reason: 'pause <i>',
      seconds: 3_600,
    });
  });

  it('refuses what is no month, and one that has not begun', async () => {
    for (const month of ['2026-13', '2026-1', '1999-01', 'x']) expect(() => monthOf(month)).toThrow('month');
    await expect(report('2026-12', {})).rejects.toThrow('not begun');
  });
});
