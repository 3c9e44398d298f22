import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Tables } from './tables.ts';

/**
 * Has streams judged again. `touched`: a query of (stream_id, from_at), one row a stream. Every version is bumped, so that an audit under
 * way, which has read what has changed now, starts over; late evidence is left where the stream is judged past it, and where it
 * has no watermark yet, for its first audit may be under way. Part of the transaction that makes the change, once in each: versions
 * are locked in order of stream, so that two changes at once wait for each other and not both in vain.
 */
export async function judgeAgain(
  transaction: Kysely<Tables>,
  touched: RawBuilder<unknown>,
  reason: string,
): Promise<void> {
  await sql`
    with touched as (${touched}),
    locked as (
      select w.stream_id, t.from_at from touched t join watermarks w on w.stream_id = t.stream_id
      order by w.stream_id for update of w
    ),
    bumped as (
      update watermarks w set version = version + 1 from locked l where w.stream_id = l.stream_id
      returning w.stream_id, w.audited_until, l.from_at
    )
    insert into late_evidence (stream_id, from_at, reason)
    select stream_id, from_at, ${reason}::text from bumped where audited_until > from_at
    union all
    select t.stream_id, t.from_at, ${reason}::text from touched t
    where not exists (select from watermarks w where w.stream_id = t.stream_id)`.execute(transaction);
}
