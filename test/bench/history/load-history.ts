import type { Database } from '../../../src/adapters/postgres/database.ts';
import { sumDays } from '../../../src/adapters/postgres/sum-days.ts';
import { CAPTURE_FLAGS } from '../../../src/core/capture-flags.ts';
import type { CaptureShape } from '../../../src/core/capture-shape.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Slots are loaded for a whole month, whatever the days of captures. */
const SLOT_DAYS = 31;
export const GAPS_PER_STREAM_DAY = 20;
/** Days whose captures lie in the order in which they came; older ones are sealed, that is in stream order. */
const UNSEALED_DAYS = 2;

const SHAPE: CaptureShape = {
  keys: { domain: 'DomainName', app: 'AppName', stream: 'StreamName', object: 'OssObject', bucket: 'OssBucket' },
  bucket: 'bench-bucket',
  endpoint: 'oss-cn-shanghai.aliyuncs.com',
  template: 'snapshot/{AppName}/{StreamName}/{UnixTimestamp}.jpg',
  stamp: 's',
  toldForm: null,
  overlay: null,
  instantFrom: 'name',
};

export interface LoadPlan {
  rows: number;
  streams: number;
  days: number;
  /** A whole hour; everything lies before it. */
  now: number;
}

/** Fills the tables inside PostgreSQL as the receiver and the audit would have over so many days. */
export async function loadHistory(
  { db, pool }: Database,
  { rows, streams, days, now }: LoadPlan,
  progress: (message: string) => void,
): Promise<void> {
  const start = now - days * DAY_MS;
  const perStreamDay = Math.round(rows / streams / days);
  const query = (text: string, values: unknown[] = []) => pool.query(text, values);
  await query(
    `insert into streams (domain, app, stream)
     select 'play' || n % 4 || '.example.com', 'app' || n % 10, 'stream-' || lpad(n::text, 6, '0')
     from generate_series(1, $1) n`,
    [streams],
  );
  await query(`insert into capture_shapes (fingerprint, shape) values ('bench', $1)`, [JSON.stringify(SHAPE)]);
  await query(
    `insert into config_versions (domain, app, valid_from, interval_seconds, bucket, endpoint, sequence_object, source)
     select 'play' || n || '.example.com', '*', $1, $2, 'bench-bucket', $3, $4, 'observed' from generate_series(0, 3) n`,
    [iso(start), Math.max(5, Math.round(86_400 / perStreamDay)), SHAPE.endpoint, SHAPE.template],
  );
  await query(`insert into heartbeats values (gen_random_uuid(), $1, $2, 'bench')`, [iso(start), iso(now)]);
  await query(
    `insert into sessions (stream_id, started_at, ended_at, certainty)
     select s.id, day, case when day + interval '1 day' >= $2 then null else day + interval '23 hours 59 minutes' end, 'announced'
     from streams s, generate_series($1::timestamptz, $2::timestamptz - interval '1 day', interval '1 day') day`,
    [iso(start), iso(now)],
  );
  for (let day = 0; day <= days; day++) {
    const from = Math.floor(start / DAY_MS) * DAY_MS + day * DAY_MS;
    const name = iso(from).slice(0, 10).replaceAll('-', '');
    await query(
      `create table captures_${name} partition of captures for values from ('${iso(from)}') to ('${iso(from + DAY_MS)}')`,
    );
  }
  const flags = CAPTURE_FLAGS.fromCallback | CAPTURE_FLAGS.verified;
  for (let day = 0; day < days; day++) {
    progress(`captures of day ${day + 1} of ${days}`);
    const order = day < days - UNSEALED_DAYS ? 's.id, n' : 'n, s.id';
    await query(
      `insert into captures (captured_at, delay_ms, stream_id, discriminator, shape_id, flags)
       select date_trunc('second', $1::timestamptz + n * interval '1 day' / $2 + s.id % 7 * interval '1 second'),
         400 + (s.id * 31 + n * 17) % 900, s.id, 0, 1, ${flags}
       from streams s, generate_series(0, $2 - 1) n order by ${order}`,
      [iso(start + day * DAY_MS), perStreamDay],
    );
  }
  progress('gaps, slots and watermarks');
  await query(
    `insert into gaps (stream_id, from_at, to_at, session_started_at, verdict, cause, slots, open)
     select s.id, at, at + (1 + n % 3) * interval '90 seconds', $1, verdict, cause, 1 + n % 3, false
     from streams s, generate_series(0, $2 * ${GAPS_PER_STREAM_DAY} - 1) n,
       lateral (select $1::timestamptz + n * interval '1 day' / ${GAPS_PER_STREAM_DAY} + s.id % 60 * interval '1 second' as at,
         (array['not_captured', 'late', 'callback_missing', 'object_missing'])[1 + (n + s.id) % 4] as verdict,
         (array['not_captured', 'late_delivery', 'delivery_lost', 'never_stored'])[1 + (n + s.id) % 4] as cause) v`,
    [iso(start), days],
  );
  await query(
    `insert into slot_hours (stream_id, hour, session_started_at, ok, late, not_captured)
     select s.id, hour, date_trunc('day', hour), 40, s.id % 3, 1
     from generate_series($1::timestamptz, $2::timestamptz - interval '1 hour', interval '1 hour') hour, streams s`,
    [iso(now - SLOT_DAYS * 24 * HOUR_MS), iso(now)],
  );
  await sumDays(db);
  await query(`insert into watermarks (stream_id, audited_until, state) select id, $1, '{}' from streams`, [
    iso(now - 60_000),
  ]);
  progress('analyze');
  await query('vacuum analyze');
}

function iso(instant: number): string {
  return new Date(instant).toISOString();
}
