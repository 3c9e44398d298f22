import { sql } from 'kysely';
import type { Database } from '../../../src/adapters/postgres/database.ts';
import { sumDays } from '../../../src/adapters/postgres/sum-days.ts';
import { addConfig, addHeartbeat, addPartitions, addShape } from '../../support/history.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export const BENCH_DOMAIN = 'play.example.com';
/** The stream whose month is asked for. */
export const MONTH_STREAM = 'month';

/** `streams` streams on air for a day, one in twenty with faults, and one stream with a month of 5-second slots. */
export async function loadWall(database: Database, streams: number, now: number): Promise<void> {
  const { db } = database;
  const hour = Math.floor(now / HOUR_MS) * HOUR_MS;
  const from = new Date(hour - 23 * HOUR_MS).toISOString();
  await addPartitions(database, now - HOUR_MS, now + DAY_MS);
  const shapeId = await addShape(database);
  for (const app of ['live', 'mobile', 'events', 'doors', 'long']) {
    const config = { domain: BENCH_DOMAIN, app, validFrom: now - 60 * DAY_MS };
    await addConfig(database, { ...config, intervalSeconds: app === 'long' ? 5 : 60 });
  }
  await addHeartbeat(database, now - 40 * DAY_MS, now + DAY_MS);
  await sql`insert into streams (domain, app, stream, first_seen_at)
    select ${BENCH_DOMAIN}, (array['live','mobile','events','doors'])[1 + n % 4], 'cam-' || lpad(n::text, 5, '0'), ${from}
    from generate_series(1, ${streams}::integer) n`.execute(db);
  await sql`insert into sessions (stream_id, started_at, ended_at, certainty)
    select id, ${from}::timestamptz, null, 'announced' from streams`.execute(db);
  await sql`insert into watermarks (stream_id, audited_until, state)
    select id, ${new Date(now - 60_000).toISOString()}::timestamptz, '{}' from streams`.execute(db);
  await sql`insert into slot_hours (stream_id, hour, session_started_at, ok, not_captured)
    select id, ${from}::timestamptz + h * interval '1 hour', ${from}::timestamptz,
      case when id % 20 = 0 and h % 7 = 3 then 55 else 60 end, case when id % 20 = 0 and h % 7 = 3 then 5 else 0 end
    from streams cross join generate_series(0, 23) h`.execute(db);
  await sql`insert into captures (captured_at, delay_ms, stream_id, discriminator, shape_id, flags, rest)
    select ${new Date(now - 5_000).toISOString()}::timestamptz, 800, id, 0, ${shapeId}::integer, 9, '' from streams`.execute(
    db,
  );
  await loadMonth(database, now);
  await sumDays(db);
  await sql`analyze`.execute(db);
}

/** 518,400 slots, every 26th of them lost: 20,000 gaps. */
async function loadMonth({ db }: Database, now: number): Promise<void> {
  const start = new Date(Math.floor(now / HOUR_MS) * HOUR_MS - 30 * DAY_MS).toISOString();
  await sql`insert into streams (domain, app, stream, first_seen_at) values (${BENCH_DOMAIN}, 'long', ${MONTH_STREAM}, ${start})`.execute(
    db,
  );
  const id = sql`(select id from streams where stream = ${MONTH_STREAM})`;
  await sql`insert into sessions (stream_id, started_at, ended_at, certainty)
    values (${id}, ${start}::timestamptz, null, 'announced')`.execute(db);
  await sql`insert into watermarks (stream_id, audited_until, state)
    values (${id}, ${new Date(now - 60_000).toISOString()}::timestamptz, '{}')`.execute(db);
  await sql`insert into slot_hours (stream_id, hour, session_started_at, ok, not_captured)
    select ${id}, ${start}::timestamptz + h * interval '1 hour', ${start}::timestamptz, 692, 28
    from generate_series(0, 719) h`.execute(db);
  await sql`insert into gaps (stream_id, from_at, to_at, session_started_at, verdict, cause, slots, open)
    select ${id}, ${start}::timestamptz + n * interval '130 seconds', ${start}::timestamptz + n * interval '130 seconds' + interval '5 seconds',
      ${start}::timestamptz, 'not_captured', 'not_captured', 1, false
    from generate_series(0, 19999) n`.execute(db);
}
