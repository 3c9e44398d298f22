import type { Express } from 'express';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CAPTURE_FLAGS } from '../../../src/core/capture-flags.ts';
import { toPathSegment } from '../../../src/core/path-segment.ts';
import { createTestApi } from '../../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
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
  SHAPE,
} from '../../support/history.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const START = NOW - 3_600_000;
const at = (seconds: number) => START + seconds * 1_000;
const iso = (instant: number) => new Date(instant).toISOString();

let database: TestDatabase;
let app: Express;
let cam01: number;
let cam02: number;

beforeAll(async () => {
  database = await createTestDatabase();
  app = createTestApi(database, NOW).app;
  cam01 = await addStream(database, 'play.example.com', 'live', 'cam01');
  cam02 = await addStream(database, 'play.example.com', 'live', 'cam02');
  const idle = await addStream(database, 'other.example.com', 'live', 'idle');
  await addPartitions(database, NOW - 86_400_000, NOW + 1);
  const shapeId = await addShape(database);
  await addConfig(database, { domain: 'play.example.com', app: '*', validFrom: START - 1_000, intervalSeconds: 10 });
  await addHeartbeat(database, START, NOW);
  await addSession(database, cam01, START, null);
  await addSession(database, cam02, START, null);
  await addSession(database, idle, START - 7_200_000, START - 3_600_000);
  // cam01: every 10 s to now; cam02 went silent at +600 s.
  await addCaptures(
    database,
    Array.from({ length: 360 }, (_, index) => ({
      streamId: cam01,
      at: at(index * 10),
      shapeId,
      delayMs: index === 5 ? 45_000 : 800,
    })),
  );
  await addCaptures(
    database,
    Array.from({ length: 60 }, (_, index) => ({ streamId: cam02, at: at(index * 10), shapeId })),
  );
  await addCaptures(database, [
    {
      streamId: cam02,
      at: at(601),
      shapeId,
      flags: CAPTURE_FLAGS.fromObject,
      discriminator: 7,
      rest: '{"object":"odd/name.jpg"}',
    },
  ]);
  await addGap(database, {
    streamId: cam01,
    from: at(50),
    to: at(60),
    slots: 1,
    verdict: 'late',
    cause: 'late_delivery',
    sessionStartedAt: START,
  });
  await addGap(database, {
    streamId: cam02,
    from: at(600),
    to: at(610),
    slots: 1,
    verdict: 'callback_missing',
    cause: 'delivery_lost',
    sessionStartedAt: START,
    evidence: { objects: ['odd/name.jpg'] },
  });
  await addGap(database, {
    streamId: cam02,
    from: at(610),
    to: at(3_540),
    slots: 293,
    verdict: 'not_captured',
    cause: 'not_captured',
    sessionStartedAt: START,
    open: true,
  });
  await addWatermark(database, cam01, at(3_000));
  await addWatermark(database, cam02, at(3_540));
  await addSlotHour(database, cam01, START, START, { ok: 299, late: 1 });
  await addSlotHour(database, cam02, START, START, { ok: 60, callback_missing: 1, not_captured: 293 });
});
afterAll(() => database?.drop());

const get = (path: string) => request(app).get(`/api/v1${path}`).set('Host', 'localhost');

describe('streams', () => {
  it('says how each stream stands', async () => {
    const { body } = await get('/streams').expect(200);
    expect(body.next).toBeNull();
    expect(body.data.map((row: { stream: string; status: string }) => [row.stream, row.status])).toEqual([
      ['idle', 'offline'],
      ['cam01', 'on_time'],
      ['cam02', 'gap'],
    ]);
    expect(body.data[2]).toMatchObject({
      intervalSeconds: 10,
      startedAt: iso(START),
      lastCaptureAt: iso(at(601)),
      openGap: { slots: 293, verdict: 'not_captured' },
    });
  });

  it('filters by status and by repeated names', async () => {
    const gap = await get('/streams?status=gap&status=late').expect(200);
    expect(gap.body.data.map((row: { stream: string }) => row.stream)).toEqual(['cam02']);
    const named = await get('/streams?stream=cam01&stream=idle&limit=1').expect(200);
    expect(named.body.data).toHaveLength(1);
    const rest = await get(`/streams?stream=cam01&stream=idle&cursor=${named.body.next}`).expect(200);
    expect(rest.body.data.map((row: { stream: string }) => row.stream)).toEqual(['cam01']);
  });

  it('takes a domain in capitals', async () => {
    const { body } = await get('/streams?domain=Other.Example.COM').expect(200);
    expect(body.data).toMatchObject([{ domain: 'other.example.com', stream: 'idle' }]);
  });

  it('counts streams by status', async () => {
    const { body } = await get('/streams/counts').expect(200);
    expect(body.counts).toMatchObject({ on_time: 1, gap: 1, offline: 1 });
  });

  it('shows one stream, and 404 for one that was never seen', async () => {
    await get('/streams/play.example.com/live/cam01').expect(200);
    const { body } = await get('/streams/play.example.com/live/cam99').expect(404);
    expect(body.type).toBe('/api/v1/problems/not-found');
  });
});

describe('captures', () => {
  it('gives the newest first with name, delay and verdict', async () => {
    const { body } = await get('/captures?stream=cam01&limit=2').expect(200);
    expect(body.data[0]).toMatchObject({
      capturedAt: iso(at(3_590)),
      object: `snapshot/live/cam01/${at(3_590) / 1_000}.jpg`,
      bucket: 'bucket-a',
      delayMs: 800,
      verdict: 'pending',
      sources: ['callback'],
      verified: true,
    });
    expect(body.next).toEqual(expect.any(String));
  });

  it('finds captures by verdict', async () => {
    const late = await get('/captures?verdict=late').expect(200);
    expect(late.body.data).toMatchObject([
      { stream: 'cam01', capturedAt: iso(at(50)), delayMs: 45_000, cause: 'late_delivery' },
    ]);
    const pending = await get('/captures?verdict=pending&stream=cam01&limit=500').expect(200);
    expect(pending.body.data).toHaveLength(60);
    const missing = await get('/captures?verdict=callback_missing').expect(200);
    expect(missing.body.data).toMatchObject([
      { object: 'odd/name.jpg', delayMs: null, receivedAt: null, sources: ['object'] },
    ]);
  });

  it('finds captures by delay, source and time', async () => {
    const slow = await get('/captures?minDelay=30s').expect(200);
    expect(slow.body.data).toHaveLength(1);
    const found = await get('/captures?source=object&source=index').expect(200);
    expect(found.body.data).toHaveLength(1);
    const spanned = await get(`/captures?stream=cam01&from=${iso(at(100))}&to=${iso(at(130))}&order=oldest`).expect(
      200,
    );
    expect(spanned.body.data.map((row: { capturedAt: string }) => row.capturedAt)).toEqual(
      [100, 110, 120].map((s) => iso(at(s))),
    );
  });

  it('shows one capture by its id', async () => {
    const { body } = await get('/captures?stream=cam01&limit=1').expect(200);
    const one = await get(`/captures/${body.data[0].id}`).expect(200);
    expect(one.body).toEqual(body.data[0]);
    await get('/captures/1-2-3').expect(404);
    await get('/captures/rubbish').expect(404);
  });

  it('signs a URL only for what a config of the app stores, whatever a callback has named', async () => {
    const other = await addShape(database, { ...SHAPE, bucket: 'payroll', template: null });
    const inOther = (object: string) => JSON.stringify({ object, receivedAt: START });
    const names = [`snapshot/live/cam01/${START / 1_000}.jpg`, 'salaries.pdf'];
    const evil = await addStream(database, 'evil.example.com', 'live', 'cam01');
    await addCaptures(database, [
      { streamId: cam01, at: at(-500), shapeId: other, rest: inOther(names[0]!) },
      { streamId: cam01, at: at(-490), shapeId: 1, rest: inOther(names[1]!) },
      { streamId: cam01, at: at(-480), shapeId: 1, rest: inOther(`snapshot/live/cam02/${START / 1_000}.jpg`) },
      { streamId: evil, at: at(-470), shapeId: 1 },
    ]);
    for (const [stream, seconds] of [
      [cam01, -500],
      [cam01, -490],
      [cam01, -480],
      [evil, -470],
    ] as const) {
      const { body } = await get(`/captures/${stream}-${at(seconds)}-0/url`);
      expect([seconds, body.status, body.type]).toEqual([seconds, 409, '/api/v1/problems/conflict']);
    }
    const { body } = await get(`/captures/${cam01}-${at(0)}-0/url`).expect(200);
    expect(body.url).toMatch(/^https:\/\/bucket-a\.oss-cn-shanghai\.aliyuncs\.com\/snapshot\/live\/cam01\/\d+\.jpg\?/);
    await database.pool.query('delete from captures where captured_at < $1', [iso(START)]);
    await database.pool.query('delete from streams where id = $1', [evil]);
  });

  it('walks all streams in pages without loss or repetition', async () => {
    const seen = new Set<string>();
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body }: { body: { data: { id: string }[]; next: string | null } } = await get(
        `/captures?limit=37${cursor && `&cursor=${cursor}`}`,
      ).expect(200);
      for (const row of body.data) {
        expect(seen.has(row.id)).toBe(false);
        seen.add(row.id);
      }
      cursor = body.next;
    }
    expect(seen.size).toBe(421);
  });
});

describe('gaps', () => {
  it('gives the newest first and those that reach into the window', async () => {
    const { body } = await get('/gaps').expect(200);
    expect(body.data.map((row: { verdict: string }) => row.verdict)).toEqual([
      'not_captured',
      'callback_missing',
      'late',
    ]);
    const reaching = await get(`/gaps?from=${iso(at(1_000))}&limit=1`).expect(200);
    expect(reaching.body.data).toHaveLength(1);
    expect(reaching.body.next).toBeNull();
    const none = await get(`/gaps?from=${iso(at(3_540))}`).expect(200);
    expect(none.body.data).toEqual([]);
    const one = await get(`/gaps/${body.data[1].id}`).expect(200);
    expect(one.body.evidence).toEqual({ objects: ['odd/name.jpg'] });
  });

  it('filters by verdict, cause and openness', async () => {
    expect((await get('/gaps?verdict=late&verdict=misnamed')).body.data).toHaveLength(1);
    expect((await get('/gaps?cause=delivery_lost')).body.data).toHaveLength(1);
    expect((await get('/gaps?open=true')).body.data).toHaveLength(1);
  });
});

describe('sessions and coverage', () => {
  it('lists sessions with their slots', async () => {
    const { body } = await get('/sessions?onAir=true').expect(200);
    expect(body.data).toHaveLength(2);
    const { body: one } = await get(`/sessions/${cam01}-${START}`).expect(200);
    expect(one).toMatchObject({ stream: 'cam01', slots: { ok: 299, late: 1 }, coverage: 299 / 300 });
  });

  it('lists the slots of a session in pages: captures, and what is missing', async () => {
    const slots: { at: string; verdict: string; captureId: string | null }[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body }: { body: { data: typeof slots; next: string | null } } = await get(
        `/sessions/${cam02}-${START}/slots?limit=40${cursor && `&cursor=${cursor}`}`,
      ).expect(200);
      slots.push(...body.data);
      cursor = body.next;
    }
    expect(slots).toHaveLength(60 + 1 + 293);
    expect(slots[59]).toMatchObject({ at: iso(at(590)), verdict: 'ok' });
    expect(slots[60]).toMatchObject({ at: iso(at(601)), verdict: 'callback_missing', captureId: expect.any(String) });
    expect(slots[61]).toMatchObject({ at: iso(at(610)), verdict: 'not_captured', captureId: null });
    await get('/sessions/999-1/slots').expect(404);
  });

  it('counts coverage by stream, app and hour', async () => {
    const { body } = await get('/coverage?last=24h').expect(200);
    expect(body.data).toMatchObject([
      { stream: 'cam01', counted: 300, coverage: 299 / 300 },
      { stream: 'cam02', counted: 354, coverage: 60 / 354 },
    ]);
    const hourly = await get('/coverage?by=app&per=hour').expect(200);
    expect(hourly.body.data).toMatchObject([
      { from: iso(START), to: iso(START + 3_600_000), app: 'live', stream: null, counted: 654 },
    ]);
    const total = await get('/coverage?by=all').expect(200);
    expect(total.body.data).toMatchObject([{ domain: null, slots: { ok: 359 } }]);
  });
});

describe('conventions', () => {
  it.each([
    '/streams?nonsense=1',
    '/streams?limit=0',
    '/streams?limit=501',
    '/streams?limit=1&limit=2',
    '/streams?status=fine',
    '/captures?from=2026-11-24',
    '/captures?last=24h&from=2026-11-24T00:00:00Z',
    '/captures?from=2026-11-25T00:00:00Z&to=2026-11-24T00:00:00Z',
    '/captures?last=1y',
    '/captures?cursor=rubbish',
    '/captures?stream=%00',
    '/gaps?open=yes',
    '/coverage?per=week',
  ])('answers 400 with a problem to %s', async (path) => {
    const response = await get(path).expect(400);
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(response.body).toMatchObject({ status: 400, title: expect.any(String), detail: expect.any(String) });
  });

  it('refuses a cursor of another list or of other filters', async () => {
    const { body } = await get('/captures?stream=cam01&limit=1');
    await get(`/captures?stream=cam02&cursor=${body.next}`).expect(400);
    await get(`/gaps?stream=cam01&cursor=${body.next}`).expect(400);
  });

  it('gives an ETag and answers 304', async () => {
    const { headers } = await get('/configs/versions').expect(200);
    await get('/configs/versions').set('If-None-Match', headers.etag!).expect(304);
  });

  it('knows 404 from 405', async () => {
    await get('/nothing').expect(404);
    const { headers } = await request(app).post('/api/v1/streams').set('Host', 'localhost').expect(405);
    expect(headers.allow).toBe('GET');
  });
});

it('finds a stream that is called as a path step, under a name that no client resolves away', async () => {
  await addStream(database, 'dots.example.com', '.', '..');
  await addStream(database, 'dots.example.com', '.', '~..');
  const path = (stream: string) =>
    `/streams/${['dots.example.com', '.', stream].map((name) => toPathSegment(name)).join('/')}`;
  for (const stream of ['..', '~..']) {
    expect(new URL(path(stream), 'http://a.example').pathname).toBe(path(stream));
    const { body } = await get(path(stream)).expect(200);
    expect(body).toMatchObject({ app: '.', stream });
    await get(`${path(stream)}/timeline`).expect(200);
  }
});
