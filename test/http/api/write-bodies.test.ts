import fc from 'fast-check';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOperatorLog } from '../../../src/adapters/postgres/operator-log.ts';
import type { Route } from '../../../src/http/api/define-route.ts';
import { createTestApi, type TestApi } from '../../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { fillHistory, NOW } from '../../support/filled-history.ts';

/** What holds for every route that takes a body. */

const FROM = new Date(NOW).toISOString();
const TO = new Date(NOW + 3_600_000).toISOString();
const SCOPE = { domain: 'play.example.com', app: 'live', stream: 'cam01' };
const DEEP = `${'['.repeat(8_000)}${']'.repeat(8_000)}`;
const DIGEST = '0'.repeat(32);

/** A body that each route takes, with every field that it knows. */
const BODIES: Record<string, object> = {
  '/configs/apply': { digest: DIGEST },
  '/configs/restore': { digest: DIGEST, scope: 'callbacks' },
  '/incidents/{id}/ack': { reason: 'seen', until: TO },
  '/excused-spans': { ...SCOPE, from: FROM, to: TO, reason: 'works' },
  '/maintenance': { ...SCOPE, cron: '0 3 * * *', timeZone: 'UTC', durationSeconds: 600, reason: 'works' },
  '/silences': { ...SCOPE, kind: 'gap', from: FROM, until: TO, reason: 'works' },
  '/quarantine/retry': { kind: 'rejected', reason: 'signature-mismatch' },
};

let database: TestDatabase;
let api: TestApi;
let token: string;
let routes: Route[];

beforeAll(async () => {
  database = await createTestDatabase();
  await fillHistory(database);
  api = createTestApi(database, NOW);
  token = (await api.tokens.create({ name: 'admin', scope: 'admin' })).token;
  routes = api.routes.filter((route) => route.body !== null);
});
afterAll(() => database?.drop());

const send = ({ method, path }: Pick<Route, 'method' | 'path'>, body: unknown, of = api) =>
  request(of.app)
    [method](`/api/v1${path.replace('{id}', '1')}`)
    .set('Authorization', `Bearer ${token}`)
    .send(body as object);

async function recorded(): Promise<{ detail: unknown; status: number; action: string }[]> {
  const { rows } = await database.pool.query('select action, detail, status from operator_log order by id desc');
  return rows;
}

describe('the body of a write', () => {
  it('is known to this test for every route', () => {
    expect(routes.map(({ path }) => path).sort()).toEqual(Object.keys(BODIES).sort());
  });

  it('is a 400 where a text in it cannot be stored, and the attempt is recorded', { timeout: 60_000 }, async () => {
    for (const route of routes) {
      const body = BODIES[route.path]!;
      for (const [field, value] of Object.entries(body)) {
        if (typeof value !== 'string') continue;
        for (const hostile of ['\0', '\ud800', 'works \udc00']) {
          const before = (await recorded()).length;
          const response = await send(route, { ...body, [field]: `${value}${hostile}` });
          const at = [route.path, field, hostile];
          expect([...at, response.status, response.body.type]).toEqual([...at, 400, '/api/v1/problems/bad-body']);
          const after = await recorded();
          expect(after).toHaveLength(before + 1);
          expect(after[0]).toEqual({ action: `POST ${route.path}`, status: 400, detail: null });
        }
      }
    }
    expect(api.errors).toEqual([]);
  });

  it('may spell out an escape, which is a text like any other', async () => {
    const reason = 'the text \\u0000 and \\ud800, \u{1f600}';
    const route = { method: 'post', path: '/excused-spans' } as const;
    await send(route, { ...BODIES[route.path], reason }).expect(201);
    expect((await recorded())[0]).toMatchObject({ status: 201, detail: { reason } });
  });

  it('never leads to a 5xx and is always recorded, whatever it is', { timeout: 120_000 }, async () => {
    // As JSON texts: one is deeper than the stack.
    const rubbish = fc.oneof(
      fc.json({ stringUnit: 'binary' }),
      fc
        .oneof(
          fc.string({ unit: 'binary' }),
          fc.constantFrom('\0', '\udfff', "' or 1=1 --", '<script>', '9'.repeat(400), -1, 1e300, null, [], {}),
        )
        .map((value) => JSON.stringify(value)),
      fc.constant(DEEP),
    );
    let recordedBefore = (await recorded()).length;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...routes.map(({ path }) => path)),
        fc.array(fc.tuple(fc.nat(), rubbish), { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        async (path, parts, more) => {
          const route = { method: 'post', path } as const;
          const fields = [...Object.keys(BODIES[route.path]!), ...(more ? ['__proto__', 'unknown'] : [])];
          const body = new Map([
            ...Object.entries(BODIES[route.path]!).map(([key, value]) => [key, JSON.stringify(value)] as const),
            ...parts.map(([index, text]) => [fields[index % fields.length]!, text] as const),
          ]);
          const text = [...body].map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',');
          const { status } = await send(route, `{${text}}`).set('Content-Type', 'application/json');
          expect([200, 201, 400, 404, 409]).toContain(status);
          const count = (await recorded()).length;
          expect(count).toBe(recordedBefore + 1);
          recordedBefore = count;
        },
      ),
      { numRuns: 200, endOnFailure: true },
    );
    expect(api.errors).toEqual([]);
  });
});

describe('a write that cannot be recorded', () => {
  const failing = () =>
    createTestApi(database, NOW, {
      operatorLog: {
        ...createOperatorLog(database),
        record: async () => {
          throw new Error('the log is full');
        },
      },
    });

  it('is not told as done', async () => {
    const broken = failing();
    await send({ method: 'post', path: '/excused-spans' }, BODIES['/excused-spans'], broken).expect(500);
    expect(broken.errors).toMatchObject([{ message: 'the log is full' }]);
  });

  it('is told as refused where it was, and the service learns of the log', async () => {
    const broken = failing();
    await send({ method: 'delete', path: '/tokens/999' as const }, undefined, broken).expect(404);
    expect(broken.errors).toMatchObject([{ message: 'the log is full' }]);
  });
});
