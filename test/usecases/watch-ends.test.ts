import { afterEach, expect, it } from 'vitest';
import { timestamp } from '../../src/adapters/postgres/timestamp.ts';
import { type AlertingWorld, createAlertingWorld, DOMAIN, START, type WorldStream } from '../support/alerting-world.ts';

let world: AlertingWorld | undefined;
afterEach(() => world?.close());

async function pushed(stream: WorldStream, kind: 'publish' | 'publish_done', at: number): Promise<void> {
  await world!.database.db
    .insertInto('session_signals')
    .values({ stream_id: stream.id, at: timestamp(at), kind, seen_at: timestamp(at), push_domain: DOMAIN })
    .execute();
}

it('a stream whose end was announced is not suspected, though nobody has looked at the announcement yet', async () => {
  world = await createAlertingWorld({ apps: { live: 20 } });
  for (const stream of world.streams) await pushed(stream, 'publish', START);
  await world.pass({ seconds: 60, step: 5 });
  const ended = world.streams.slice(0, 3);
  const silent = world.streams[5]!;
  const endedAt = world.now();
  for (const stream of ended) await pushed(stream, 'publish_done', endedAt + 4_000);
  await world.pass({ seconds: 60, silent: (stream) => ended.includes(stream) || stream === silent });
  expect(world.titles()).toEqual([`[Open] callbacks stopped: ${DOMAIN}/live/${silent.stream}`]);
  const open = await world.database.db
    .selectFrom('sessions')
    .select('stream_id')
    .where('ended_at', 'is', null)
    .execute();
  expect(open).toHaveLength(17);
}, 60_000);

it('of hundreds of streams that end at once none is suspected, though their ends are looked at in several ticks', async () => {
  world = await createAlertingWorld({ apps: { live: 1_200 } });
  const { streams, database } = world;
  for (const stream of streams) await pushed(stream, 'publish', START);
  await world.pass({ seconds: 60, step: 5 });
  const ended = streams.slice(1);
  const endedAt = world.now();
  for (const stream of ended) await pushed(stream, 'publish_done', endedAt + 4_000);
  const closedAfter: number[] = [];
  for (let tick = 0; tick < 12; tick++) {
    await world.pass({ seconds: 5, step: 5, silent: (stream) => ended.includes(stream) });
    const closed = database.db.selectFrom('sessions').select('stream_id').where('ended_at', 'is not', null);
    closedAfter.push((await closed.execute()).length);
  }
  expect(closedAfter.at(-1)).toBe(ended.length);
  const closedInATick = closedAfter.map((closed, tick) => closed - (closedAfter[tick - 1] ?? 0));
  expect(Math.max(...closedInATick)).toBe(500);
  expect(world.titles()).toEqual([]);
}, 120_000);

it('a stream that the vendor still sees on air is suspected, though an end of it was announced', async () => {
  world = await createAlertingWorld({ apps: { live: 20 } });
  const silent = world.streams[4]!;
  await pushed(silent, 'publish', START);
  await pushed(silent, 'publish_done', START + 10_000);
  await world.database.db
    .insertInto('session_signals')
    .values({
      stream_id: silent.id,
      at: timestamp(START),
      kind: 'online',
      seen_at: timestamp(START + 80_000),
      started_at: timestamp(START),
    })
    .execute();
  await world.pass({ seconds: 90, step: 5 });
  await world.pass({ seconds: 40, silent: (stream) => stream === silent });
  expect(world.titles()).toEqual([`[Open] callbacks stopped: ${DOMAIN}/live/${silent.stream}`]);
}, 60_000);
