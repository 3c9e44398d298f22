import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SCOPES, type Scope, scopeIncludes } from '../../../src/core/token-scope.ts';
import type { Route } from '../../../src/http/api/define-route.ts';
import { openApiDocument } from '../../../src/http/api/openapi.ts';
import { createTestApi, type TestApi } from '../../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { fillHistory, fillSecondPages, NOW, PLACES } from '../../support/filled-history.ts';

/** What holds for every route, whoever wrote it: `createTestApi` has the very list of the service, from `allRoutes`. */

let database: TestDatabase;
let api: TestApi;
let server: Server;
let url: string;
const tokens = {} as Record<Scope, string>;

beforeAll(async () => {
  database = await createTestDatabase();
  await fillHistory(database);
  await fillSecondPages(database);
  api = createTestApi(database, NOW);
  for (const scope of SCOPES) tokens[scope] = (await api.tokens.create({ name: scope, scope })).token;
  server = api.app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server?.closeAllConnections();
  server?.close();
  await database?.drop();
});

/** Calls and does not wait for the body: one route streams events without an end. */
async function statusOf(route: Route, path: string, token: string | null): Promise<Response> {
  const response = await fetch(`${url}${path}`, {
    method: route.method.toUpperCase(),
    headers: {
      ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
      ...(route.body ? { 'Content-Type': 'application/json' } : {}),
    },
    ...(route.body ? { body: '{}' } : {}),
  });
  await response.body?.cancel();
  return response;
}

const withValues = (path: string) => path.replace(/\{\w+\}/g, '1');

describe('authorisation', () => {
  it('holds for every route and scope: 401 without a token, 403 with a lesser one, neither with one that will do', async () => {
    for (const route of api.routes) {
      const path = `/api/v1${withValues(route.path)}`;
      if (route.scope === 'public') continue;
      const bare = await statusOf(route, path, null);
      expect([route.method, path, bare.status]).toEqual([route.method, path, 401]);
      expect(bare.headers.get('www-authenticate')).toContain('Bearer');
      for (const scope of SCOPES) {
        const { status } = await statusOf(route, path, tokens[scope]);
        const allowed = scopeIncludes(scope, route.scope);
        expect([route.method, path, scope, status === 403 || status === 401]).toEqual([
          route.method,
          path,
          scope,
          !allowed,
        ]);
      }
    }
  });

  it('lets a read token write nowhere', async () => {
    const writes = api.routes.filter((route) => route.method !== 'get');
    expect(writes.map((route) => `${route.method} ${route.path}`)).toEqual(
      expect.arrayContaining([
        'post /configs/apply',
        'post /configs/restore',
        'delete /tokens/{id}',
        'post /quarantine/retry',
      ]),
    );
    // The test before has revoked the first token, as DELETE /tokens/1 asks.
    const { token } = await api.tokens.create({ name: 'reader', scope: 'read' });
    for (const route of writes) {
      expect(['operate', 'admin']).toContain(route.scope);
      const { status } = await statusOf(route, `/api/v1${withValues(route.path)}`, token);
      expect([route.method, route.path, status]).toEqual([route.method, route.path, 403]);
    }
  });

  it('writes every write to the operator log, also one that failed', async () => {
    await request(api.app).delete('/api/v1/tokens/9999').set('Authorization', `Bearer ${tokens.admin}`).expect(404);
    const { body } = await request(api.app)
      .get('/api/v1/operator-log?limit=1')
      .set('Authorization', `Bearer ${tokens.admin}`)
      .expect(200);
    expect(body.data).toMatchObject([
      {
        action: 'DELETE /tokens/{id}',
        target: '/api/v1/tokens/9999',
        status: 404,
        actor: expect.stringMatching(/^token \d+ \(admin\)$/),
      },
    ]);
  });
});

describe('the contract', () => {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);

  it('is an OpenAPI 3.1 document with a unique name for every operation', async () => {
    const { body } = await request(api.app).get('/api/v1/openapi.json').expect(200);
    expect(body.openapi).toMatch(/^3\.1\./);
    const ids = Object.values(body.paths as Record<string, Record<string, { operationId: string }>>).flatMap((item) =>
      Object.values(item).map((operation) => operation.operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('holds: every GET route answers what it says, with every documented parameter', async () => {
    let calls = 0;
    for (const [path, operation] of gets()) {
      const content = operation.responses['200']!.content!;
      const schema = content['application/json']?.schema;
      const streamed = schema === undefined || Object.keys(content).length > 1;
      const validate = ajv.compile(schema ?? {});
      for (const query of ['', ...queryParameters(operation).flatMap(examples)].map((each) => completed(path, each))) {
        const place = PLACES[path] ?? path;
        const response = await fetch(`${url}/api/v1${place}${query}`, {
          headers: { Authorization: `Bearer ${tokens.admin}` },
        });
        const type = response.headers.get('content-type')?.split(';')[0];
        calls++;
        // A single thing may not exist in another mode.
        if (response.status === 404 && path.includes('{') && query !== '') {
          await response.body?.cancel();
          continue;
        }
        expect([place, query, response.status, type]).toEqual([place, query, 200, expect.any(String)]);
        if (streamed) {
          expect(Object.keys(content).map((each) => each.split(';')[0])).toContain(type);
          await response.body?.cancel();
        } else {
          const valid = validate(await response.json());
          expect([place, query, valid, ajv.errorsText(validate.errors)]).toEqual([place, query, true, 'No errors']);
        }
      }
    }
    expect(calls).toBeGreaterThan(150);
  });

  it('holds: every list goes on by cursor, with other rows of the same schema', async () => {
    const followed: string[] = [];
    for (const [path, operation] of gets()) {
      const schema = operation.responses['200']!.content?.['application/json']?.schema;
      const names = queryParameters(operation).map((each) => each.name);
      if (!schema || !names.includes('cursor')) continue;
      const validate = ajv.compile(schema);
      const get = async (query: string): Promise<{ data: unknown[]; next: string | null }> => {
        const { body } = await request(api.app)
          .get(`/api/v1${PLACES[path] ?? path}?limit=1${query}`)
          .set('Authorization', `Bearer ${tokens.admin}`)
          .expect(200);
        return body;
      };
      const first = await get('');
      expect([path, first.data.length, first.next]).toEqual([path, 1, expect.any(String)]);
      const second = await get(`&cursor=${first.next}`);
      expect([path, validate(second), second.data.length]).toEqual([path, true, 1]);
      expect(second.data[0]).not.toEqual(first.data[0]);
      followed.push(path);
    }
    expect(followed.length).toBeGreaterThanOrEqual(11);
  });

  it('holds: every export goes on after any row that it gave', async () => {
    const followed: string[] = [];
    for (const [path, operation] of gets()) {
      const names = queryParameters(operation).map((each) => each.name);
      if (!path.startsWith('/exports/') || !names.includes('cursor')) continue;
      const get = async (query: string) => {
        const response = await fetch(`${url}/api/v1${path}?format=ndjson${query}`, {
          headers: { Authorization: `Bearer ${tokens.admin}` },
        });
        expect(response.status).toBe(200);
        return (await response.text()).split('\n').filter((line) => line !== '');
      };
      const lines = await get('&last=30d');
      const { id, cursor = id } = JSON.parse(lines[0]!) as { id?: string; cursor?: string };
      expect(await get(`&last=30d&cursor=${encodeURIComponent(cursor ?? '')}`)).toEqual(lines.slice(1));
      expect(lines.length).toBeGreaterThan(1);
      followed.push(path);
    }
    expect(followed).toEqual(['/exports/captures', '/exports/gaps', '/exports/coverage']);
  });

  it('holds: no GET route takes a parameter that it does not document', async () => {
    for (const [path] of gets()) {
      const place = `/api/v1${PLACES[path] ?? path}${completed(path, '?unknown=1')}`;
      const { status, body } = await request(api.app).get(place).set('Authorization', `Bearer ${tokens.admin}`);
      expect([place, status, body.type]).toEqual([place, 400, '/api/v1/problems/bad-parameter']);
    }
  });

  it('can be read as a page that loads nothing from elsewhere and runs no script', async () => {
    const { text, headers } = await request(api.app).get('/api/v1/docs').expect(200);
    expect(headers['content-type']).toMatch(/^text\/html/);
    expect(text).toContain('GET /captures');
    expect(text).not.toMatch(/<script|https?:\/\//);
  });
});

function gets(): [path: string, operation: Operation][] {
  const paths = openApiDocument(api.routes).paths as Record<string, { get?: Operation }>;
  return Object.entries(paths).flatMap(([path, { get }]) => (get ? [[path, get] as [string, Operation]] : []));
}

function queryParameters(operation: Operation): Operation['parameters'] {
  return operation.parameters.filter((each) => each.in === 'query');
}

/** With what must be given besides. */
function completed(path: string, query: string): string {
  const needed = NEEDED[path];
  if (needed === undefined || query.includes('month=')) return query;
  return query === '' ? needed : query.replace('?', `${needed}&`);
}

interface Operation {
  parameters: { name: string; in: string; schema: ParameterSchema }[];
  responses: Record<string, { content?: Record<string, { schema: object }> }>;
}
interface ParameterSchema {
  type?: string;
  format?: string;
  enum?: string[];
  minimum?: number;
  items?: ParameterSchema;
}

/** Parameters that must be given. */
const NEEDED: Record<string, string> = { '/exports/report': '?month=2025-11' };

function examples({ name, schema }: { name: string; schema: ParameterSchema }): string[] {
  // Cursors are given out by the service: tests of their own follow them.
  if (name === 'cursor') return [];
  if (name === 'month') return ['?month=2025-11', '?month=2024-02'];
  const item = schema.items ?? schema;
  if (item.enum)
    return [
      ...item.enum.map((value) => `?${name}=${value}`),
      ...(schema.items ? [`?${name}=${item.enum.join(`&${name}=`)}`] : []),
    ];
  if (item.format === 'date-time') return [`?${name}=2025-11-24T16:10:00Z`, `?${name}=2025-11-25T00:10:00%2B08:00`];
  if (item.type === 'integer') return [`?${name}=${item.minimum ?? 1}`];
  if (item.type === 'boolean') return [`?${name}=true`, `?${name}=false`];
  return name === 'last' || name.endsWith('Delay') ? [`?${name}=30s`] : [`?${name}=cam01`];
}

describe('a query that makes no sense', () => {
  const rubbish = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      "' or 1=1 --",
      '<script>alert(1)</script>',
      '%00',
      '\0',
      '9'.repeat(400),
      '-1',
      '1e9',
      'null',
      '[]',
      '{}',
      '../..',
    ),
    fc.constantFrom(
      '9999-12-31T23:59:59-23:59',
      '0000-01-01T00:00:00Z',
      '2026-02-30T00:00:00Z',
      '999999999d',
      '0s',
      '9007199254740993',
    ),
    fc.constantFrom('ok', '2026-11-24T00:00:00Z', '24h', 'true', '1', 'cam01', 'WyJ4Il0', 'W251bGxd'),
    fc.string({ minLength: 3_000, maxLength: 3_100 }),
  );

  it('is a 400 or an empty answer in every single parameter, never a 5xx', { timeout: 120_000 }, async () => {
    const hostile = [
      "' or 1=1; drop table captures --",
      '<script>alert(1)</script>',
      '9'.repeat(400),
      '-1',
      '9007199254740993',
      'x'.repeat(3_000),
      '\0',
      '',
    ];
    for (const [path, operation] of gets()) {
      for (const { name } of queryParameters(operation)) {
        for (const value of hostile) {
          const search = new URLSearchParams({ [name]: value });
          const place = `/api/v1${PLACES[path] ?? path}${name === 'month' ? `?${search}` : completed(path, `?${search}`)}`;
          const response = await fetch(`${url}${place}`, { headers: { Authorization: `Bearer ${tokens.admin}` } });
          await response.body?.cancel();
          const type = response.headers.get('content-type')?.split(';')[0];
          expect([place, [200, 400, 404, 409].includes(response.status)]).toEqual([place, true]);
          if (response.status !== 200) expect([place, type]).toEqual([place, 'application/problem+json']);
        }
      }
    }
    expect(api.errors).toEqual([]);
  });

  it('is a 400 or an empty answer, never a 5xx, whatever stands in its parameters', { timeout: 120_000 }, async () => {
    const paths = openApiDocument(api.routes).paths as Record<string, Record<string, Operation>>;
    const gets = Object.entries(paths).filter(([, item]) => item.get);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...gets),
        fc.array(fc.tuple(fc.nat(), rubbish), { minLength: 1, maxLength: 3 }),
        fc.array(
          rubbish.filter((text) => !/^\.*$/.test(text)),
          { minLength: 3, maxLength: 3 },
        ),
        fc.boolean(),
        async ([path, item], parts, values, inPath) => {
          const names = [
            ...item.get!.parameters.filter((each) => each.in === 'query').map((each) => each.name),
            'unknown',
          ];
          const search = new URLSearchParams(
            parts.map(([index, value]): [string, string] => [names[index % names.length]!, value]),
          );
          let used = 0;
          const place = inPath
            ? path.replace(/\{\w+\}/g, () => encodeURIComponent(values[used++ % values.length]!.toWellFormed()))
            : (PLACES[path] ?? path);
          const response = await request(api.app)
            .get(`/api/v1${place}?${search}`)
            .set('Authorization', `Bearer ${tokens.admin}`);
          // 431: the path was longer than Node reads; the request never came so far.
          if (response.status === 431) return;
          expect([200, 400, 404, 409]).toContain(response.status);
          if (response.status !== 200) expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
        },
      ),
      { numRuns: 300, endOnFailure: true },
    );
    expect(api.errors).toEqual([]);
  });
});
