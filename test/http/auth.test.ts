import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bindingProblem } from '../../src/http/auth.ts';
import { createTestApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

const NOW = Date.UTC(2026, 10, 24);

describe('without any token', () => {
  it('serves this machine', async () => {
    const { app } = createTestApi(database, NOW);
    for (const host of ['localhost', 'localhost:8080', '127.0.0.1:1', '[::1]:8080']) {
      await request(app).get('/api/v1/streams').set('Host', host).expect(200);
    }
  });

  it('refuses a name that was rebound to loopback', async () => {
    const { app } = createTestApi(database, NOW);
    for (const host of ['evil.example.com', 'localhost.evil.example.com', '127.0.0.1.evil.example.com']) {
      await request(app).get('/api/v1/streams').set('Host', host).expect(401);
    }
  });

  it('refuses a browser that calls from another site', async () => {
    const { app } = createTestApi(database, NOW);
    const get = () => request(app).get('/api/v1/streams').set('Host', 'localhost:8080');
    await get().set('Sec-Fetch-Site', 'cross-site').expect(403);
    await get().set('Origin', 'https://evil.example.com').expect(403);
    await get().set('Sec-Fetch-Site', 'same-origin').expect(200);
    await get().set('Origin', 'http://localhost:8080').expect(200);
  });

  it('refuses what a proxy on this machine passes on from elsewhere', async () => {
    const { app } = createTestApi(database, NOW);
    for (const header of [
      'Forwarded',
      'Via',
      'X-Real-IP',
      'X-Forwarded-For',
      'X-Forwarded-Proto',
      'X-Forwarded-Host',
    ]) {
      await request(app).get('/api/v1/streams').set('Host', 'localhost').set(header, '203.0.113.7').expect(401);
    }
  });

  it('may listen on loopback only', () => {
    for (const host of ['127.0.0.1', '127.8.8.8', '::1', 'localhost']) expect(bindingProblem(host, false)).toBeNull();
    for (const host of ['0.0.0.0', '::', '10.0.0.1', 'audit.example.com', '']) {
      expect(bindingProblem(host, false)).toContain('no API token exists');
      expect(bindingProblem(host, true)).toBeNull();
    }
  });
});

describe('with a token', () => {
  it('asks for it even of this machine, and stays closed when the last one is revoked', async () => {
    const { app, tokens } = createTestApi(database, NOW);
    const { token, row } = await tokens.create({ name: 'one', scope: 'read' });
    const get = () => request(app).get('/api/v1/streams').set('Host', 'localhost');
    await get().expect(401);
    await get().set('Authorization', `Bearer ${token}`).expect(200);
    await get().set('Authorization', `bearer ${token}`).expect(200);
    await get().set('Authorization', `Bearer ${token}x`).expect(401);
    await get().set('Authorization', `Basic ${token}`).expect(401);
    expect(await tokens.usable()).toBe(true);
    await tokens.revoke(row.id);
    await get().set('Authorization', `Bearer ${token}`).expect(401);
    await get().expect(401);
    expect(await tokens.usable()).toBe(false);
  });

  it('holds back who tries tokens out, and nobody who has one', async () => {
    const { app, tokens } = createTestApi(database, NOW);
    const { token } = await tokens.create({ name: 'two', scope: 'read' });
    const call = (text: string) => request(app).get('/api/v1/streams').set('Authorization', `Bearer ${text}`);
    const statuses: number[] = [];
    for (let index = 0; index < 62; index++) statuses.push((await call(`sar_${index}`)).status);
    expect(statuses.slice(0, 60).every((status) => status === 401)).toBe(true);
    expect(statuses.slice(60)).toEqual([429, 429]);
    await call(token).expect(200);
  });

  it('answers 429 with Retry-After to one that asks too often', async () => {
    const { app, tokens } = createTestApi(database, NOW, { requestsPerMinute: 3 });
    const { token } = await tokens.create({ name: 'three', scope: 'read' });
    const call = () => request(app).get('/api/v1/streams').set('Authorization', `Bearer ${token}`);
    for (let index = 0; index < 3; index++) await call().expect(200);
    const { headers, body } = await call().expect(429);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(body.type).toBe('/api/v1/problems/too-many-requests');
  });
});
