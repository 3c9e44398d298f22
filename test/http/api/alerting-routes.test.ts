import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createIncidentStore } from '../../../src/adapters/postgres/incident-store.ts';
import { createTestApi, type TestApi } from '../../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { silenceCondition } from '../../support/incidents.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
let database: TestDatabase;
let api: TestApi;
let token: string;
beforeAll(async () => {
  database = await createTestDatabase();
  api = createTestApi(database, NOW);
  token = (await api.tokens.create({ name: 'night shift', scope: 'operate' })).token;
  await createIncidentStore(database).evaluate(
    { now: NOW - 60_000, since: 0, severity: () => 'warning', route: () => ['works'] },
    async () => [
      { do: 'open', condition: silenceCondition('cam01', { since: NOW - 90_000 }) },
      { do: 'open', condition: silenceCondition('cam02', { since: NOW - 90_000, app: 'vod' }) },
    ],
  );
});
afterAll(() => database?.drop());

const get = (path: string) => request(api.app).get(`/api/v1${path}`).set('Authorization', `Bearer ${token}`);
const post = (path: string, body: object) =>
  request(api.app).post(`/api/v1${path}`).set('Authorization', `Bearer ${token}`).send(body);
const remove = (path: string) => request(api.app).delete(`/api/v1${path}`).set('Authorization', `Bearer ${token}`);

describe('incidents', () => {
  it('are listed newest first, in pages, by scope and status', async () => {
    const first = await get('/incidents?limit=1').expect(200);
    expect(first.body.data).toMatchObject([{ stream: 'cam02', status: 'open', since: '2026-11-24T11:58:30.000Z' }]);
    const second = await get(`/incidents?limit=1&cursor=${first.body.next}`).expect(200);
    expect(second.body).toMatchObject({ data: [{ stream: 'cam01' }], next: null });
    expect((await get('/incidents?app=vod&status=open')).body.data).toHaveLength(1);
    expect((await get('/incidents?status=resolved')).body.data).toEqual([]);
  });

  it('are acknowledged under the name of the token, with their story to read', async () => {
    const { id } = (await get('/incidents?app=live')).body.data[0];
    const { body } = await post(`/incidents/${id}/ack`, { reason: 'looking', until: '2026-11-24T13:00:00Z' }).expect(
      200,
    );
    expect(body).toMatchObject({
      status: 'acknowledged',
      acknowledgedBy: expect.stringContaining('night shift'),
      acknowledgedUntil: '2026-11-24T13:00:00.000Z',
    });
    expect((await get(`/incidents/${id}`)).body.transitions).toMatchObject([
      { kind: 'opened', actor: 'snapaudit' },
      { kind: 'acknowledged', reason: 'looking' },
    ]);
    await post(`/incidents/${id}/ack`, { until: '2026-11-24T12:00:00Z' }).expect(400);
    await post('/incidents/4711/ack', {}).expect(404);
  });
});

describe('notifications', () => {
  it('list each delivery', async () => {
    const { body } = await get('/notifications?channel=works&status=pending').expect(200);
    expect(body.data).toMatchObject([{ event: 'opened', attempts: 0 }, { event: 'opened' }]);
    expect((await get(`/notifications?incident=${body.data[0].incidentId}`)).body.data).toHaveLength(1);
  });

  it('say of each channel whether it is on, and test it', async () => {
    expect((await get('/channels')).body.data).toMatchObject([
      { disabledAt: null },
      { disabledReason: expect.any(String) },
    ]);
    expect((await post('/channels/works/test', {})).body).toEqual({ sent: true, error: null });
    expect((await post('/channels/broken/test', {})).body).toEqual({ sent: false, error: 'The mail server said no.' });
    await post('/channels/none/test', {}).expect(404);
  });
});

describe('silences', () => {
  it('have an author, a reason and an end, and can be ended', async () => {
    const { body } = await post('/silences', {
      domain: 'Play.Example.com',
      until: '2026-11-24T14:00:00Z',
      reason: 'moving',
    }).expect(201);
    expect(body).toMatchObject({
      domain: 'play.example.com',
      from: '2026-11-24T12:00:00.000Z',
      author: expect.stringContaining('night shift'),
      endedAt: null,
    });
    await remove(`/silences/${body.id}`).expect(200);
    await remove(`/silences/${body.id}`).expect(404);
    expect((await get('/silences')).body.data).toMatchObject([{ id: body.id, endedAt: '2026-11-24T12:00:00.000Z' }]);
    await post('/silences', { until: '2026-11-24T11:00:00Z', reason: 'past' }).expect(400);
    await post('/silences', { app: 'live', until: '2026-11-24T14:00:00Z', reason: 'no domain' }).expect(400);
    await post('/silences', { until: '2026-11-24T14:00:00Z' }).expect(400);
  });
});

describe('maintenance', () => {
  it('excuses a span after the fact and takes it back', async () => {
    const span = { from: '2026-11-24T10:00:00Z', to: '2026-11-24T11:00:00Z', reason: 'switch' };
    const { body } = await post('/excused-spans', span).expect(201);
    expect((await get('/excused-spans?last=24h')).body.data).toMatchObject([{ id: body.id, reason: 'switch' }]);
    await remove(`/excused-spans/${body.id}`).expect(200);
    expect((await get('/excused-spans')).body.data).toEqual([]);
    await remove(`/excused-spans/${body.id}`).expect(404);
  });

  it('comes again by a cron line', async () => {
    const schedule = { cron: '0 2 * * 1', timeZone: 'Asia/Shanghai', durationSeconds: 1800, reason: 'weekly' };
    const { body } = await post('/maintenance', schedule).expect(201);
    expect((await get('/maintenance')).body.data).toMatchObject([{ id: body.id, cron: '0 2 * * 1', name: null }]);
    await remove(`/maintenance/${body.id}`).expect(200);
    expect((await get('/maintenance')).body.data).toEqual([]);
    expect((await get('/maintenance?all=true')).body.data).toHaveLength(1);
    await post('/maintenance', { ...schedule, cron: 'sometimes' }).expect(400);
  });
});
