import { type Kysely, sql } from 'kysely';
import type { Instant } from '../../core/instant.ts';
import { VERDICTS } from '../../core/verdict.ts';
import { all } from './query-scope.ts';
import { slotSums } from './query-sessions.ts';
import type { Tables } from './tables.ts';
import { timestamp } from './timestamp.ts';

/** Start of the day (UTC) of a column of instants. */
export function dayOf(column: ReturnType<typeof sql>): ReturnType<typeof sql> {
  return sql`date_bin('1 day', ${column}, 'epoch')`;
}

/**
 * Makes `slot_days` say what `slot_hours` says, from the day of `from` on. Part of the transaction that changed the hours;
 * without a stream, of all streams.
 */
export async function sumDays(db: Kysely<Tables>, changed?: { streamId: number; from: Instant }): Promise<void> {
  const own = changed ? sql<boolean>`stream_id = ${changed.streamId}` : null;
  const from = changed ? dayOf(timestamp(changed.from)) : null;
  const columns = sql.join(VERDICTS.map((verdict) => sql.ref(verdict)));
  const renewed = sql.join(VERDICTS.map((verdict) => sql`${sql.ref(verdict)} = excluded.${sql.ref(verdict)}`));
  await sql`
    delete from slot_days d
    where ${all([own, from && sql<boolean>`day >= ${from}`])} and not exists (
      select from slot_hours h
      where h.stream_id = d.stream_id and h.hour >= d.day and h.hour < d.day + interval '1 day'
    )`.execute(db);
  await sql`
    insert into slot_days (stream_id, day, ${columns})
    select h.stream_id, ${dayOf(sql`h.hour`)}, ${slotSums(sql`h`)} from slot_hours h
    where ${all([own, from && sql<boolean>`h.hour >= ${from}`])}
    group by 1, 2
    on conflict (stream_id, day) do update set ${renewed}`.execute(db);
}
