import request from 'supertest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestApi, type TestApi } from '../../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { fillHistory, fillSecondPages, NOW, PLACES, START } from '../../support/filled-history.ts';
import { addCaptures } from '../../support/history.ts';

let database: TestDatabase;
let api: TestApi;
beforeAll(async () => {
  database = await createTestDatabase();
  await fillHistory(database);
  await fillSecondPages(database);
  api = createTestApi(database, NOW);
});
afterAll(() => database?.drop());

const get = (path: string) => request(api.app).get(`/api/v1${path}`).set('Host', 'localhost');

const STRANGE = [
  ...[2 ** 31, 2 ** 31 - 1, -(2 ** 31), -(2 ** 31) - 1, 2 ** 53 - 1, -(2 ** 53) + 1, -1, 0, 1.5, 1e300],
  ...[null, '', 'x', '\0', '\ud800', "' or 1=1 --", 'x'.repeat(900), true, [], {}],
];

it('a cursor whose values somebody changed is a 400 or a place like any other, never a 5xx', {
  timeout: 120_000,
}, async () => {
  const edited: string[] = [];
  for (const { path, query, method } of api.routes) {
    if (method !== 'get' || !query?.shape.cursor || !query.shape.limit) continue;
    const place = PLACES[path] ?? path;
    const { body } = await get(`${place}?limit=1`).expect(200);
    const values: unknown[] = JSON.parse(Buffer.from(body.next, 'base64url').toString());
    for (let index = 0; index <= values.length; index++) {
      for (const strange of STRANGE) {
        const changed = JSON.stringify([...values.slice(0, index), strange, ...values.slice(index + 1)]);
        const response = await get(`${place}?limit=1&cursor=${Buffer.from(changed).toString('base64url')}`);
        expect([path, changed, [200, 400].includes(response.status)]).toEqual([path, changed, true]);
      }
    }
    edited.push(path);
  }
  expect(edited.length).toBeGreaterThanOrEqual(11);
  expect(api.errors).toEqual([]);
});

it.each([-(2 ** 31), 2 ** 31 - 1])('a capture told apart by %i is found by its id', async (discriminator) => {
  await addCaptures(database, [{ streamId: 1, at: START, shapeId: 1, discriminator }]);
  const id = `1-${START}-${discriminator}`;
  expect((await get(`/captures/${id}`).expect(200)).body.id).toBe(id);
});

it.each([-(2 ** 31) - 1, 2 ** 31])('no capture is told apart by %i', async (discriminator) => {
  await get(`/captures/1-${START}-${discriminator}`).expect(404);
});
