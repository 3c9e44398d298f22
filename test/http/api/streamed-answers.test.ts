import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { defineRoute, StreamedBody } from '../../../src/http/api/define-route.ts';
import { createTestApi, type TestApi } from '../../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
let api: TestApi;
let server: Server;
let url: string;
/** What the route streams. */
let stream: Readable;

beforeAll(async () => {
  database = await createTestDatabase();
  const route = defineRoute({
    method: 'get',
    path: '/stream',
    scope: 'public',
    tag: 'service',
    summary: 'Stream',
    response: { contentTypes: ['text/plain'] },
    handler: async () => new StreamedBody({ contentType: 'text/plain', stream }),
  });
  api = createTestApi(database, Date.UTC(2026, 10, 24), { moreRoutes: [route] });
  server = api.app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1/stream`;
});
afterAll(async () => {
  server?.close();
  await database?.drop();
});

it('a streamed answer that fails midway breaks off and is reported', async () => {
  stream = Readable.from(
    (async function* () {
      yield 'begun';
      throw new Error('the disk is full');
    })(),
  );
  await expect(fetch(url).then((response) => response.text())).rejects.toThrow();
  expect(api.errors).toMatchObject([{ message: 'the disk is full' }]);
  api.errors.length = 0;
});

it('a client that leaves a streamed answer is no failure, and ends the stream', async () => {
  stream = new Readable({ read() {} });
  stream.push('begun');
  const leave = new AbortController();
  const response = await fetch(url, { signal: leave.signal });
  await response.body?.getReader().read();
  const closed = once(stream, 'close').catch((error) => error);
  leave.abort();
  await closed;
  expect(stream.destroyed).toBe(true);
  expect(api.errors).toEqual([]);
});
