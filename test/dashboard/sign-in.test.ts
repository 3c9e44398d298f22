import { Ajv2020 } from 'ajv/dist/2020.js';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApi, type TestApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
let database: TestDatabase;
let api: TestApi;
let token: string;
beforeAll(async () => {
  database = await createTestDatabase();
  api = createTestApi(database, NOW);
});
afterAll(() => database?.drop());

const agent = () => request(api.app);

describe('where no token exists', () => {
  it('asks for no sign-in on this machine', async () => {
    const { body } = await agent().get('/api/v1/session').set('Host', 'localhost').expect(200);
    expect(body).toEqual({ required: false, actor: { name: 'local', scope: 'admin' } });
  });
});

describe('the document of the API', () => {
  it('tells of signing in, and what it says holds', async () => {
    const fresh = createTestApi(database, NOW);
    const { body: document } = await request(fresh.app).get('/api/v1/openapi.json').expect(200);
    const item = document.paths['/session'];
    expect(Object.keys(item).sort()).toEqual(['delete', 'get', 'post']);
    expect(document.components.securitySchemes.session).toMatchObject({ in: 'cookie', name: 'snapaudit_session' });
    expect(JSON.stringify(document.components.securitySchemes.session)).toContain('x-snapaudit-request');
    const ajv = new Ajv2020({ strict: false });
    const made = await fresh.tokens.create({ name: 'contract', scope: 'read' });
    const call = (method: 'get' | 'post' | 'delete') => request(fresh.app)[method]('/api/v1/session');
    for (const [answer, operation] of [
      [await call('get').expect(200), item.get],
      [await call('get').set('Authorization', `Bearer ${made.token}`).expect(200), item.get],
      [await call('post').send({ token: made.token }).expect(200), item.post],
    ] as const) {
      const validate = ajv.compile(operation.responses[200].content['application/json'].schema);
      expect([validate(answer.body), answer.body]).toEqual([true, answer.body]);
    }
    await call('delete').expect(Number(Object.keys(item.delete.responses)[0]));
    await fresh.tokens.revoke(made.row.id);
    await database.pool.query('delete from tokens');
  });

  it('holds for what it does not tell: unknown parameters and other methods', async () => {
    expect((await agent().get('/api/v1/session?x=1').expect(400)).body.type).toBe('/api/v1/problems/bad-parameter');
    const { headers } = await agent().put('/api/v1/session').expect(405);
    expect(headers.allow).toBe('GET, POST, DELETE');
  });
});

describe('signing in with a token', () => {
  let cookie: string;
  beforeAll(async () => {
    token = (await api.tokens.create({ name: 'desk', scope: 'admin' })).token;
    const answer = await agent().post('/api/v1/session').send({ token }).expect(200);
    expect(answer.body).toMatchObject({ required: true, actor: { scope: 'admin' } });
    cookie = answer.headers['set-cookie']?.[0] ?? '';
  });

  it('says that one is needed, and refuses what is no token of ours', async () => {
    expect((await agent().get('/api/v1/session').expect(200)).body).toEqual({ required: true, actor: null });
    for (const body of [{ token: 'sar_wrong' }, { token: '' }, { token: 'a b' }, {}, { token, more: 1 }]) {
      const { headers } = await agent().post('/api/v1/session').send(body).expect(401);
      expect(headers['set-cookie']).toBeUndefined();
    }
  });

  it('gives a cookie that scripts cannot read, that stays at home, and that goes to the API alone', () => {
    expect(cookie).toMatch(/; Path=\/api\/v1; .*HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain('Secure');
  });

  it('marks the cookie as secure behind TLS', async () => {
    const answer = await agent().post('/api/v1/session').set('X-Forwarded-Proto', 'https').send({ token });
    expect(answer.headers['set-cookie']?.[0]).toContain('Secure');
  });

  it('lets the cookie read, and write only with the header that no other site can send', async () => {
    const own = cookie.split(';')[0] ?? '';
    await agent().get('/api/v1/streams').set('Cookie', own).expect(200);
    const { row } = await api.tokens.create({ name: 'old', scope: 'read' });
    const write = () => agent().delete(`/api/v1/tokens/${row.id}`).set('Cookie', own);
    await write().expect(403);
    await write().set('X-Snapaudit-Request', 'x').set('Origin', 'https://evil.example').expect(403);
    await write().set('X-Snapaudit-Request', 'x').set('Sec-Fetch-Site', 'cross-site').expect(403);
    await write().set('X-Snapaudit-Request', 'x').set('Sec-Fetch-Site', 'same-origin').expect(204);
  });

  it('does not let another site read with it or sign in', async () => {
    const own = cookie.split(';')[0] ?? '';
    await agent().get('/api/v1/streams').set('Cookie', own).set('Sec-Fetch-Site', 'same-site').expect(403);
    await agent().post('/api/v1/session').set('Origin', 'https://evil.example').send({ token }).expect(403);
  });

  it('ends with the token, and by signing out', async () => {
    const made = await api.tokens.create({ name: 'short', scope: 'read' });
    const signedIn = await agent().post('/api/v1/session').send({ token: made.token });
    const own = signedIn.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    await agent().get('/api/v1/streams').set('Cookie', own).expect(200);
    await api.tokens.revoke(made.row.id);
    await agent().get('/api/v1/streams').set('Cookie', own).expect(401);
    expect((await agent().get('/api/v1/session').set('Cookie', own)).body.actor).toBeNull();
    const { headers } = await agent().delete('/api/v1/session').expect(204);
    expect(headers['set-cookie']?.[0]).toMatch(/^snapaudit_session=;/);
  });

  it('takes no cookie for a token that is none', async () => {
    for (const own of ['snapaudit_session=%E0%A4%A', 'snapaudit_session=%00', `snapaudit_session=${'x'.repeat(700)}`]) {
      await agent().get('/api/v1/streams').set('Cookie', own).expect(401);
    }
  });

  it('holds back an address that asks who is signed in with one token after another', async () => {
    // Of its own: the limit is per service.
    const fresh = createTestApi(database, NOW);
    const ask = () => request(fresh.app).get('/api/v1/session');
    const own = `snapaudit_session=${token}`;
    for (let index = 0; index < 30; index++) {
      await ask().set('Cookie', own).expect(200);
      await ask().expect(200);
    }
    const statuses: number[] = [];
    for (let guess = 0; guess < 11; guess++) {
      statuses.push((await ask().set('Authorization', `Bearer sar_${guess}`)).status);
      statuses.push((await ask().set('Cookie', `snapaudit_session=sar_${guess}`)).status);
    }
    expect(statuses).toEqual([...Array(20).fill(200), 429, 429]);
    await request(fresh.app).post('/api/v1/session').send({ token: 'sar_more' }).expect(429);
    await ask().expect(200);
  });

  it('holds back an address that tries out tokens', async () => {
    const statuses = new Set<number>();
    for (let attempt = 0; attempt < 25; attempt++) {
      statuses.add(
        (
          await agent()
            .post('/api/v1/session')
            .send({ token: `sar_guess${attempt}` })
        ).status,
      );
    }
    expect(statuses).toContain(429);
  });
});
