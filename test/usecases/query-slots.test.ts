import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHistoryReads } from '../../src/adapters/postgres/query-history.ts';
import { createQueries, type Queries } from '../../src/usecases/query-history.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  addCaptures,
  addConfig,
  addPartitions,
  addSession,
  addShape,
  addStream,
  addWatermark,
} from '../support/history.ts';

const START = Date.UTC(2026, 10, 24);
const at = (seconds: number) => START + seconds * 1_000;

let database: TestDatabase;
let queries: Queries;
let stream: number;
let shapeId: number;
beforeAll(async () => {
  database = await createTestDatabase();
  queries = createQueries({ reads: createHistoryReads(database), clock: { now: () => at(400) } });
  stream = await addStream(database, 'play.example.com', 'live', 'cam01');
  await addPartitions(database, START - 86_400_000, at(400));
  await addConfig(database, { domain: 'play.example.com', app: 'live', validFrom: START, intervalSeconds: 10 });
  await addWatermark(database, stream, at(400));
  // Pushed again 2 s after it broke off, and 4 s after the second time: each edge of 10 s reaches into the neighbour.
  await addSession(database, stream, at(0), at(98));
  await addSession(database, stream, at(100), at(196));
  await addSession(database, stream, at(200), null);
  shapeId = await addShape(database);
  const instants = [...Array(10).keys()].flatMap((index) => [
    at(index * 10),
    at(105 + index * 10),
    at(203 + index * 10),
  ]);
  await addCaptures(
    database,
    instants
      .filter((each) => each < at(98) || each >= at(100))
      .map((each) => ({ streamId: stream, at: each, shapeId })),
  );
});
afterAll(() => database?.drop());

async function secondsOf(startedAt: number): Promise<number[]> {
  const { data } = await queries.sessionSlots(`${stream}-${startedAt}`, { limit: 500 });
  return data.map((slot) => (slot.at - START) / 1_000);
}

describe('the slots of a session', () => {
  it('are none of the session before or after, however close they are', async () => {
    const first = await secondsOf(at(0));
    const second = await secondsOf(at(100));
    const third = await secondsOf(at(200));
    expect(first).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
    expect(second).toEqual([105, 115, 125, 135, 145, 155, 165, 175, 185, 195]);
    expect(third).toEqual([203, 213, 223, 233, 243, 253, 263, 273, 283, 293]);
  });

  it('reach over the edge where nobody else is near', async () => {
    await addCaptures(database, [{ streamId: stream, at: at(-9), shapeId }]);
    expect(await secondsOf(at(0))).toHaveLength(11);
  });
});
