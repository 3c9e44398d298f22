import { sql } from 'kysely';
import { blindSpans } from '../../core/blind-spans.ts';
import type { Instant } from '../../core/instant.ts';
import { mergeSpans, type Span } from '../../core/span.ts';
import type { SlotCounts } from '../../core/verdict.ts';
import type { TimelineReads, TimelineShare } from '../../ports.ts';
import type { Database } from './database.ts';
import { slotSums } from './query-sessions.ts';
import { timestamp } from './timestamp.ts';

export function createTimelineReads({ db }: Pick<Database, 'db'>): TimelineReads {
  return {
    async shares({ streamId, from, to, buckets, mode }) {
      const width = (to - from) / buckets / 1_000;
      // A run that lies in one part counts there whole; a longer one is shared out by time.
      const { rows } = await sql<TimelineShare>`
        select bucket, verdict, sum(
          slots * case when length <= 0 then 1 else greatest(0,
            least(ends, (bucket + 1) * ${width}::float8) - greatest(starts, bucket * ${width}::float8)) / length end
        )::float8 as slots
        from (
          select verdict, slots, extract(epoch from from_at - ${timestamp(from)})::float8 as starts,
            extract(epoch from to_at - ${timestamp(from)})::float8 as ends,
            extract(epoch from to_at - from_at)::float8 as length
          from gaps
          where stream_id = ${streamId} and mode = ${mode} and verdict <> 'pending'
            and from_at < ${timestamp(to)} and to_at >= ${timestamp(from)}
        ) runs
        cross join lateral generate_series(
          greatest(0, floor(starts / ${width}::float8))::integer,
          least(${buckets - 1}::integer, floor(greatest(starts, ends - 0.001) / ${width}::float8)::integer)
        ) bucket
        group by bucket, verdict order by bucket`.execute(db);
      return rows;
    },

    async hours({ streamId, from, to, mode }) {
      const { rows } = await sql<{ hour: Instant } & SlotCounts>`
        select h.hour, ${slotSums(sql`h`)} from slot_hours h
        where h.stream_id = ${streamId} and h.mode = ${mode}
          and h.hour >= ${timestamp(from)} and h.hour < ${timestamp(to)}
        group by h.hour order by h.hour`.execute(db);
      return rows.map(({ hour, ...slots }) => ({ hour, slots }));
    },

    async blindSpans(from, to) {
      const alive = await sql<Span>`
        select from_at as "from", to_at as "to" from heartbeats
        where to_at > ${timestamp(from)} and from_at < ${timestamp(to)}`.execute(db);
      const noted = await sql<Span>`
        select from_at as "from", coalesce(to_at, ${timestamp(to)}) as "to" from blind_spans
        where from_at < ${timestamp(to)} and (to_at is null or to_at > ${timestamp(from)})`.execute(db);
      const first = await sql<{ at: Instant | null }>`select min(from_at) as at from heartbeats`.execute(db);
      // Before the first heartbeat ever there was no receiver whose blindness could count.
      const since = Math.max(from, first.rows[0]?.at ?? to);
      const clipped = noted.rows.map((span) => ({ from: Math.max(span.from, from), to: Math.min(span.to, to) }));
      return mergeSpans([...(since < to ? blindSpans(alive.rows, since, to) : []), ...clipped]);
    },
  };
}
