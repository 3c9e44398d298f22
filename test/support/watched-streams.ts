import type { Database } from '../../src/adapters/postgres/database.ts';
import { timestamp } from '../../src/adapters/postgres/timestamp.ts';
import type { ConfigVersion } from '../../src/core/config-version.ts';
import type { Instant } from '../../src/core/instant.ts';
import { addPartitions, addShape } from './history.ts';

export const WATCHED_DOMAIN = 'play.example.com';
const INTERVAL_SECONDS = 10;
const APPS = 20;

/** The config of every app of the domain. */
export const WATCHED_CONFIG: ConfigVersion = {
  domain: WATCHED_DOMAIN,
  app: '*',
  validFrom: 0,
  intervalSeconds: INTERVAL_SECONDS,
  bucket: 'b',
  endpoint: 'e',
  sequenceObject: null,
  overwriteObject: null,
  callback: null,
};

export interface WatchedStreams {
  /** The callbacks of one second: a tenth of the streams has its beat in each. */
  beat(at: Instant): Promise<void>;
  /** Our receiver was there until then. */
  receiving(until: Instant): Promise<void>;
}

/** That many streams of twenty apps, on air for an hour by `now`, with the captures of its last ten minutes, in real tables. */
export async function addWatchedStreams(database: Database, streams: number, now: Instant): Promise<WatchedStreams> {
  const { pool } = database;
  await addPartitions(database, now - 2 * 86_400_000, now + 86_400_000);
  const shapeId = await addShape(database);
  const startedAt = now - 3_600_000;
  await pool.query(
    `insert into streams (domain, app, stream) select $1, 'app' || (n % ${APPS}), 'cam' || n from generate_series(1, $2::integer) n`,
    [WATCHED_DOMAIN, streams],
  );
  await pool.query(
    `insert into sessions (stream_id, started_at, certainty) select id, to_timestamp($1::float8 / 1000), 'announced' from streams`,
    [startedAt],
  );
  await pool.query(
    `insert into captures (captured_at, delay_ms, stream_id, discriminator, shape_id, flags)
     select to_timestamp($1::float8 / 1000) + n * interval '10 seconds' + (id % 10) * interval '1 second', 500, id, 0, $2, 9
     from streams, generate_series(0, 59) n`,
    [now - 600_000, shapeId],
  );
  await database.db
    .insertInto('heartbeats')
    .values({
      receiver_id: '00000000-0000-4000-8000-000000000001',
      from_at: timestamp(startedAt),
      to_at: timestamp(now),
      host: 't',
    })
    .execute();
  await pool.query('vacuum analyze captures, sessions, streams');
  return {
    async beat(at) {
      await pool.query(
        `insert into captures (captured_at, delay_ms, stream_id, discriminator, shape_id, flags)
         select to_timestamp($1::float8 / 1000), 0, id, 0, $3, 9 from streams where id % 10 = $2::integer`,
        [at, Math.floor(at / 1000) % INTERVAL_SECONDS, shapeId],
      );
    },
    async receiving(until) {
      await pool.query('update heartbeats set to_at = to_timestamp($1::float8 / 1000)', [until]);
    },
  };
}
