import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestApi, type TestApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { addCaptures, addPartitions, addShape, addStream, SHAPE } from '../support/history.ts';

const START = Date.UTC(2026, 10, 24);
let database: TestDatabase;
let api: TestApi;
beforeAll(async () => {
  database = await createTestDatabase();
  api = createTestApi(database, START + 7_200_000);
  await addPartitions(database, START, START + 7_200_000);
  const shapeId = await addShape(database, SHAPE);
  for (const [stream, extra] of [
    ['a', '"x":1'],
    ['b', String.raw`"x":"\u0000"`],
    ['c', String.raw`"x":"\ud800"`],
    ['d', '"x":1e999999'],
    ['e', String.raw`"\u0000":1`],
    ['f', '"x":2'],
    ['g', String.raw`"x":"a\\\\u0000\\u0000\"\u0001"`],
    // A backslash and a `u` that begin no escape.
    ['h', String.raw`"x":"a\\u0041"`],
    ['i', String.raw`"x":"C:\\u0000\\"`],
  ] as const) {
    const streamId = await addStream(database, 'play.example.com', 'live', stream);
    await addCaptures(database, [{ streamId, shapeId, at: START, discriminator: 0, rest: `{"fields":{${extra}}}` }]);
  }
});
afterAll(() => database?.drop());
async function textOf(chunks: AsyncIterable<Buffer | string>) {
  let t = '';
  for await (const c of chunks) t += c;
  return t;
}
it.each(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'])(
  'a capture whose body holds what PostgreSQL reads in no JSON is exported: %s',
  async (stream) => {
    expect((await api.queries.captures({ stream: [stream] })).data).toHaveLength(1);
    expect((await textOf(api.exports.captures({ stream: [stream] }, 'csv'))).split('\n').length).toBe(3);
  },
);
