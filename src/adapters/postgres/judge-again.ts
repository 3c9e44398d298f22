import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Tables } from './tables.ts';

/**
 * Has streams judged again. `touched`: a query of (stream_id, from_at), one row a stream. Every version is bumped, so that an audit under
 * way, which has read what has changed now, starts over; late evidence is left where the stream is judged past it, and where it
 * has no watermark yet, for its first audit may be under way. Part of the transaction that makes the change.
 */
export async function judgeAgain(
  transaction: Kysely<Tables>,
  touched: RawBuilder<unknown>,
  reason: string,
): Promise<void> {
  await sql`
    with touched as (${touched}),
    bumped as (
      update watermarks w set version = version + 1 from touched t where w.stream_id = t.stream_id
      returning w.stream_id, w.audited_until
    )
    insert into late_evidence (stream_id, from_at, reason)
    select t.stream_id, t.from_at, ${reason}::text from touched t left join bumped b on b.stream_id = t.stream_id
    where b.stream_id is null or b.audited_until > t.from_at`.execute(transaction);
}
