import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAlertingFacts } from '../../../src/adapters/postgres/alerting-facts.ts';
import { createCaptureExports } from '../../../src/adapters/postgres/export-captures.ts';
import { createHistoryReads } from '../../../src/adapters/postgres/query-history.ts';
import { sumDays } from '../../../src/adapters/postgres/sum-days.ts';
import type { HistoryReads } from '../../../src/ports.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { addShape } from '../../support/history.ts';

/** The plans are read as PostgreSQL makes them for the very statements that the reads send. */

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 10, 24);
const STREAMS = 200;
const DAYS = 6;

let database: TestDatabase;
let reads: HistoryReads;

beforeAll(async () => {
  database = await createTestDatabase({ maxConnections: 1 });
  reads = createHistoryReads(database);
  await addShape(database);
  const { pool } = database;
  const start = new Date(NOW - DAYS * DAY_MS).toISOString();
  await pool.query(
    `insert into streams (domain, app, stream) select 'd' || n % 3, 'a' || n % 5, 's' || n from generate_series(1, $1) n`,
    [STREAMS],
  );
  for (let day = 0; day < DAYS; day++) {
    const from = new Date(NOW - (DAYS - day) * DAY_MS).toISOString();
    const to = new Date(NOW - (DAYS - day - 1) * DAY_MS).toISOString();
    await pool.query(
      `create table captures_${from.slice(0, 10).replaceAll('-', '')} partition of captures for values from ('${from}') to ('${to}')`,
    );
    await pool.query(
      `insert into captures (captured_at, delay_ms, stream_id, discriminator, shape_id, flags)
       select $1::timestamptz + n * interval '5 minutes', 500, s.id, 0, 1, 9 from generate_series(0, 287) n, streams s`,
      [from],
    );
  }
  await pool.query(
    `insert into gaps (stream_id, from_at, to_at, verdict, cause, slots, open)
     select s.id, $1::timestamptz + n * interval '1 hour', $1::timestamptz + n * interval '1 hour' + interval '1 minute',
       'late', 'late_delivery', 1, false
     from streams s, generate_series(0, 24 * ${DAYS} - 1) n`,
    [start],
  );
  await pool.query(
    `insert into sessions (stream_id, started_at, ended_at, certainty)
     select s.id, $1::timestamptz + n * interval '1 day', $1::timestamptz + n * interval '1 day' + interval '23 hours', 'listed'
     from streams s, generate_series(0, ${DAYS - 1}) n`,
    [start],
  );
  await pool.query(
    `insert into slot_hours (stream_id, hour, session_started_at, ok)
     select s.id, $1::timestamptz + n * interval '1 hour', $1, 12 from streams s, generate_series(0, 24 * ${DAYS} - 1) n`,
    [start],
  );
  await sumDays(database.db);
  await pool.query('vacuum analyze');
}, 120_000);
afterAll(() => database?.drop());

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  Plans?: Plan[];
}

/** Runs the read and gives the plans of what it sent. */
async function plansOf(read: () => Promise<unknown>): Promise<Plan[]> {
  const { pool } = database;
  const sent: { text: string; values: unknown[] }[] = [];
  const client = await pool.connect();
  const query = client.query.bind(client);
  const spied = client as unknown as { query: unknown };
  spied.query = (asked: string | { text: string }, values: unknown[]) => {
    const text = typeof asked === 'string' ? asked : copied(asked.text);
    if (/^\s*(select|with)/i.test(text)) sent.push({ text, values });
    return query(asked as string, values as never);
  };
  client.release();
  await read();
  spied.query = query;
  const plans: Plan[] = [];
  for (const { text, values } of sent) {
    const { rows } = await pool.query({ text: `explain (analyze, format json) ${text}`, values });
    plans.push(...(rows[0] as { 'QUERY PLAN': { Plan: Plan }[] })['QUERY PLAN'].map((each) => each.Plan));
  }
  expect(plans.length).toBeGreaterThan(0);
  return plans;
}

/** The query within a COPY, which cannot be explained itself. */
function copied(text: string): string {
  return /^copy \((.*)\) to stdout \([^()]*\)$/s.exec(text)?.[1] ?? text;
}

function nodes(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodes)];
}

/** Rows that the plans read from these tables, used or thrown away. */
function rowsRead(plans: readonly Plan[], table: RegExp): number {
  return plans
    .flatMap(nodes)
    .filter((node) => table.test(node['Relation Name'] ?? ''))
    .reduce(
      (sum, node) => sum + (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'],
      0,
    );
}

function scansWhole(plans: readonly Plan[], table: RegExp): boolean {
  return plans
    .flatMap(nodes)
    .some((node) => node['Node Type'] === 'Seq Scan' && table.test(node['Relation Name'] ?? ''));
}

describe('a page of captures', () => {
  it('reads what is on it, from the index, on the first page and on a deep one', async () => {
    const stream = (await reads.streamById(77))!;
    for (const after of [null, { capturedAt: NOW - 5 * DAY_MS, discriminator: 0 }]) {
      const plans = await plansOf(() =>
        reads.captureRows({ stream, window: { from: null, to: null }, filter: {}, order: 'newest', after, limit: 51 }),
      );
      expect(scansWhole(plans, /^captures/)).toBe(false);
      expect(rowsRead(plans, /^captures/)).toBeLessThan(60);
    }
  });

  it('leaves alone the days that its window does not touch', async () => {
    const stream = (await reads.streamById(77))!;
    const window = { from: NOW - 2 * DAY_MS, to: NOW - DAY_MS };
    const plans = await plansOf(() =>
      reads.captureRows({ stream, window, filter: {}, order: 'newest', after: null, limit: 51 }),
    );
    const tables = new Set(plans.flatMap(nodes).flatMap((node) => node['Relation Name'] ?? []));
    expect([...tables].filter((table) => table.startsWith('captures_'))).toHaveLength(1);
  });
});

describe('gaps', () => {
  it('of a stream-day are read from the index', async () => {
    const window = { from: NOW - 3 * DAY_MS, to: NOW - 2 * DAY_MS };
    const plans = await plansOf(() =>
      reads.gapRows({ scope: { stream: ['s77'] }, filter: {}, window, after: null, limit: 51 }),
    );
    expect(scansWhole(plans, /^gaps$/)).toBe(false);
    expect(rowsRead(plans, /^gaps$/)).toBeLessThan(24 * DAYS + 30);
  });

  it('of all streams are read newest first, as many as are on the page', async () => {
    const plans = await plansOf(() =>
      reads.gapRows({ scope: {}, filter: {}, window: { from: NOW - DAY_MS, to: NOW }, after: null, limit: 51 }),
    );
    expect(scansWhole(plans, /^gaps$/)).toBe(false);
    expect(rowsRead(plans, /^gaps$/)).toBeLessThan(400);
  });
});

describe('the status of streams', () => {
  it('probes one capture and one session of each', async () => {
    const ids = Array.from({ length: STREAMS }, (_, index) => index + 1);
    const plans = await plansOf(() => reads.standings(ids));
    expect(scansWhole(plans, /^captures/)).toBe(false);
    expect(rowsRead(plans, /^captures/)).toBeLessThanOrEqual(STREAMS);
    expect(rowsRead(plans, /^sessions/)).toBeLessThanOrEqual(STREAMS);
  });
});

describe('coverage', () => {
  it('by hour reads the hours that are on the page', async () => {
    const plans = await plansOf(() =>
      reads.coverageRows({
        scope: {},
        from: NOW - DAYS * DAY_MS,
        to: NOW,
        per: 'hour',
        by: 'stream',
        after: null,
        limit: 100,
      }),
    );
    expect(rowsRead(plans, /^slot_hours$/)).toBeLessThanOrEqual(STREAMS);
  });

  it('of a page of streams reads no others', async () => {
    const plans = await plansOf(() =>
      reads.coverageRows({
        scope: {},
        from: NOW - DAYS * DAY_MS,
        to: NOW,
        per: 'total',
        by: 'stream',
        after: null,
        limit: 3,
      }),
    );
    expect(rowsRead(plans, /^slot_days$/)).toBeLessThanOrEqual(3 * DAYS);
    // What is left is the look whether a stream has slots at all.
    expect(rowsRead(plans, /^slot_hours$/)).toBeLessThan(30);
  });

  it('is the sum of its hours, whatever part of a day the window begins and ends in', async () => {
    const HOUR_MS = 3_600_000;
    const start = NOW - DAYS * DAY_MS;
    for (const [first, hours] of [
      [0, 24],
      [0, 24 * DAYS],
      [5, 10],
      [5, 24],
      [5, 44],
      [23, 50],
      [24, 49],
    ] as const) {
      const window = { from: start + first * HOUR_MS, to: start + (first + hours) * HOUR_MS };
      for (const per of ['total', 'day', 'month'] as const) {
        const rows = await reads.coverageRows({ scope: {}, ...window, per, by: 'all', after: null, limit: 100 });
        expect([first, hours, per, rows.reduce((sum, row) => sum + Number(row.slots.ok), 0)]).toEqual([
          first,
          hours,
          per,
          hours * STREAMS * 12,
        ]);
      }
    }
  });
});

describe('an export', () => {
  it('reads the captures of its stream and no others, from the index', async () => {
    const exports = createCaptureExports(database);
    const stream = (await reads.streamById(5))!;
    const labels = { sequence: NOTHING, overwrite: NOTHING };
    for (const after of [null, { capturedAt: NOW - 2 * DAY_MS, discriminator: 0 }]) {
      let bytes = 0;
      const plans = await plansOf(async () => {
        const window = { from: null, to: null };
        const lines = exports.captureLines({ stream, window, filter: {}, labels, after, format: 'csv' });
        for await (const chunk of lines) bytes += chunk.length;
      });
      expect(bytes).toBeGreaterThan(1_000);
      const copy = plans.filter((plan) => rowsRead([plan], /^captures_\d/) > 0);
      expect(copy).toHaveLength(1);
      expect(scansWhole(copy, /^captures/)).toBe(false);
      // No row of another stream is read, and none of the days before a cursor.
      expect(rowsRead(copy, /^captures_\d/)).toBeLessThanOrEqual(288 * (after ? 2 : DAYS));
    }
  });
});

const NOTHING = {
  callback: [{ from: Number.NEGATIVE_INFINITY, verdict: 'ok' as const, cause: null }],
  backfill: [{ from: Number.NEGATIVE_INFINITY, verdict: 'ok' as const, cause: null }],
};

describe('gaps to be told', () => {
  it('of a domain that left the settings do not read the audits of months, once for each of them', async () => {
    const { pool } = database;
    await pool.query(
      `insert into audits (domain, from_at, to_at, started_at, finished_at, status)
       select 'd' || d, at, at, at, at, 'done' from generate_series(0, 1) d,
         generate_series($1::timestamptz - interval '60 days', $1::timestamptz - d * interval '30 days', interval '10 minutes') at
       order by at`,
      [new Date(NOW).toISOString()],
    );
    await pool.query('update gaps set open = true from streams s where s.id = stream_id and s.domain = $1', ['d1']);
    await pool.query(
      'insert into incident_gaps (stream_id, from_at, verdict, mode, first_seen_at) select stream_id, from_at, verdict, mode, from_at from gaps where open',
    );
    await pool.query('analyze');
    const { gaps } = createAlertingFacts(database);
    for (const resumedAt of [null, NOW - 60_000]) {
      const plans = await plansOf(() => gaps(NOW, resumedAt));
      expect(rowsRead(plans, /^audits$/)).toBeLessThan(1_000);
    }
  });
});
