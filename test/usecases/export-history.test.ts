import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CAPTURE_FLAGS } from '../../src/core/capture-flags.ts';
import type { CaptureShape } from '../../src/core/capture-shape.ts';
import { csvLine, type ExportFormat } from '../../src/usecases/export-history.ts';
import { CAPTURE_COLUMNS, captureRecord } from '../../src/usecases/export-records.ts';
import { createTestApi, type TestApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  addCaptures,
  addGap,
  addPartitions,
  addShape,
  addSlotHour,
  addStream,
  addWatermark,
  SHAPE,
} from '../support/history.ts';

const START = Date.UTC(2026, 10, 24);
const NOW = START + 7_200_000;
const HOUR_MS = 3_600_000;
const PATIENCE = { timeout: 10_000, interval: 20 };

let database: TestDatabase;
let api: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  api = createTestApi(database, NOW);
  await addPartitions(database, START - HOUR_MS, NOW);
  const names = [
    ['play.example.com', 'live', 'cam01'],
    ['play.example.com', 'live', '=1+1, "quoted"'],
    ['play.example.com', '直播', '$1 {Sequence} \\ \u{1f600}'],
  ] as const;
  const shapes: CaptureShape[] = [
    SHAPE,
    { ...SHAPE, template: '{UnixTimestamp}/{StreamName}.jpg', stamp: 'ms', overlay: false, bucket: '7b' },
    { ...SHAPE, template: '{StreamName}/{Sequence}-{UnixTimestamp}$2.jpg', endpoint: null },
    { ...SHAPE, template: '{AppName}/{StreamName}.jpg', stamp: null, instantFrom: 'receipt', bucket: '=b' },
    { ...SHAPE, template: null, stamp: null, instantFrom: 'told' },
  ];
  const shapeIds: number[] = [];
  for (const shape of shapes) shapeIds.push(await addShape(database, shape));
  for (const [domain, app, stream] of names) {
    const streamId = await addStream(database, domain, app, stream);
    await addCaptures(
      database,
      shapeIds.flatMap((shapeId, index) => [
        {
          streamId,
          shapeId,
          at: START + index * 10_000,
          discriminator: index,
          delayMs: -5,
          rest: index === 4 ? '{"object":"=a, \\"b\\""}' : '',
        },
        {
          streamId,
          shapeId,
          at: START + 60_000 + index * 10_123,
          discriminator: -index,
          delayMs: 31_000,
          rest: index === 4 ? `{"object":"x","bucket":null,"receivedAt":${NOW}}` : '',
        },
        {
          streamId,
          shapeId,
          at: START + 120_000 + index,
          discriminator: index,
          flags: CAPTURE_FLAGS.fromIndex | CAPTURE_FLAGS.fromObject,
          rest: '{"object":"@x","bucket":"other","endpoint":"e"}',
        },
      ]),
    );
    await addGap(database, {
      streamId,
      from: START + 60_000,
      to: START + 75_000,
      slots: 2,
      verdict: 'late',
      cause: 'late_delivery',
    });
    await addGap(database, {
      streamId,
      from: START + 120_000,
      to: START + 120_003,
      slots: 2,
      verdict: 'callback_missing',
      cause: 'receiver_down',
    });
    await addWatermark(database, streamId, START + 100_000);
    await addSlotHour(database, streamId, START, START, { ok: 10, late: 2 });
    await addSlotHour(database, streamId, START + HOUR_MS, START, { ok: 10 });
  }
});
afterAll(() => database?.drop());

async function textOf(chunks: AsyncIterable<Buffer | string>): Promise<string> {
  let text = '';
  for await (const chunk of chunks) text += chunk;
  return text;
}

/** What the list gives for the same query, row by row, oldest first. */
async function listed() {
  const rows = [];
  let cursor: string | undefined;
  for (;;) {
    const page = await api.queries.captures({ order: 'oldest', limit: 500, cursor });
    rows.push(...page.data.map(captureRecord));
    if (page.next === null) return rows;
    cursor = page.next;
  }
}

describe('captures', () => {
  it('are in CSV, character for character, what the list says', async () => {
    const rows = await listed();
    expect(rows).toHaveLength(45);
    const lines = rows.map((row) => csvLine(CAPTURE_COLUMNS.map((column) => row[column])));
    expect(await textOf(api.exports.captures({}, 'csv'))).toBe(csvLine(CAPTURE_COLUMNS) + lines.join(''));
    expect(lines.filter((line) => line.includes("'=1+1")).length).toBe(15);
  });

  it('are in NDJSON what the list says', async () => {
    const text = await textOf(api.exports.captures({}, 'ndjson'));
    expect(
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(await listed());
  });

  it('can be filtered as the list can', async () => {
    const late = await textOf(
      api.exports.captures({ verdict: ['late'], minDelayMs: 31_000, stream: ['cam01'] }, 'ndjson'),
    );
    expect(late.trimEnd().split('\n')).toHaveLength(2);
    const found = await textOf(api.exports.captures({ verdict: ['callback_missing'] }, 'ndjson'));
    expect(found.trimEnd().split('\n')).toHaveLength(9);
  });
});

describe.each(['captures', 'gaps', 'coverage'] as const)('an export of %s', (kind) => {
  it.each(['csv', 'ndjson'] as const)(
    'in %s goes on after any row as if it had never stopped',
    async (format: ExportFormat) => {
      const words = kind === 'coverage' ? { per: 'hour' as const, from: START, to: NOW } : {};
      const whole = await textOf(api.exports[kind](words, format));
      const lines = whole.trimEnd().split('\n');
      const header = format === 'csv' ? 1 : 0;
      for (let kept = header + 1; kept < lines.length; kept += 3) {
        const last = lines[kept - 1]!;
        const place = kind === 'coverage' ? 'cursor' : 'id';
        const cursor =
          format === 'ndjson'
            ? JSON.parse(last)[place]
            : kind === 'coverage'
              ? last.split(',').at(-1)
              : last.split(',')[0];
        const rest = await textOf(api.exports[kind]({ ...words, cursor }, format));
        expect(rest).toBe(`${lines.slice(kept).join('\n')}\n`);
      }
    },
  );
});

describe('over HTTP', () => {
  it('an export is a download, and a bad cursor a 400', async () => {
    const get = (path: string) => request(api.app).get(`/api/v1/exports/${path}`).set('Host', 'localhost');
    const { headers, text } = await get('captures').expect(200);
    expect(headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(headers['content-disposition']).toBe('attachment; filename=snapaudit-captures.csv');
    expect(text.trimEnd().split('\n')).toHaveLength(46);
    for (const kind of ['captures', 'gaps', 'coverage']) {
      await get(`${kind}?cursor=rubbish`).expect(400);
      await get(`${kind}?from=2026-11-24T02:00:00Z&to=2026-11-24T01:00:00Z`).expect(400);
    }
    // Begins after now, where the window would end.
    await get('coverage?from=2027-01-01T00:00:00Z').expect(400);
  });

  it('gives the connection back when the client goes away amid a file', async () => {
    for (let index = 0; index < 10; index++) {
      const lines = api.exports.captures({}, 'csv')[Symbol.asyncIterator]();
      await lines.next();
      await lines.next();
      await lines.return?.();
    }
    expect(database.pool.totalCount - database.pool.idleCount).toBe(0);
    expect((await listed()).length).toBe(45);
  });

  it('gives the connection back when the client has gone before the first row', async () => {
    const server = api.app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const holder = await database.pool.connect();
    try {
      const leave = new AbortController();
      const seenToLeave = new Promise<void>((resolve) => {
        server.on('request', (_request, response) => response.on('close', resolve));
      });
      await holder.query('begin; lock table captures in access exclusive mode');
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1/exports/captures?format=ndjson`;
      const gone = fetch(url, { signal: leave.signal }).catch((error: Error) => error.name);
      await vi.waitFor(async () => {
        const { rows } = await database.pool.query(`select 1 from pg_stat_activity where wait_event_type = 'Lock'
          and datname = current_database()`);
        expect(rows).toHaveLength(1);
      }, PATIENCE);
      leave.abort();
      expect(await gone).toBe('AbortError');
      await seenToLeave;
    } finally {
      await holder.query('rollback');
      holder.release();
    }
    await vi.waitFor(() => expect(database.pool.totalCount - database.pool.idleCount).toBe(0), PATIENCE);
    server.close();
  });
});
