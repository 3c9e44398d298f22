import { type Kysely, sql } from 'kysely';
import type { Instant } from '../../core/instant.ts';
import { emptySlotCounts, type SlotCounts, VERDICTS } from '../../core/verdict.ts';
import type { SessionReads, SessionRow } from '../../ports.ts';
import { all, inScope } from './query-scope.ts';
import type { Tables } from './tables.ts';
import { timestamp } from './timestamp.ts';

const COLUMNS = sql`s.domain, s.app, s.stream, x.stream_id as "streamId", x.started_at as "startedAt",
  x.ended_at as "endedAt", x.certainty, x.end_certain as "endCertain"`;

export function sessionReads(db: Kysely<Tables>): SessionReads {
  return {
    async sessionRows({ filter, window, onAir, after, limit }) {
      const { rows } = await sql<SessionRow>`
        select ${COLUMNS} from sessions x join streams s on s.id = x.stream_id
        where ${all([
          inScope(filter),
          window.to === null ? null : sql`x.started_at < ${timestamp(window.to)}`,
          window.from === null ? null : sql`(x.ended_at is null or x.ended_at > ${timestamp(window.from)})`,
          onAir === null ? null : onAir ? sql`x.ended_at is null` : sql`x.ended_at is not null`,
          after ? sql`x.started_at <= ${timestamp(after.startedAt)}` : null,
          after ? sql`(x.started_at, x.stream_id) < (${timestamp(after.startedAt)}, ${after.streamId})` : null,
        ])}
        order by x.started_at desc, x.stream_id desc limit ${limit}`.execute(db);
      return rows;
    },

    async sessionRow(streamId, startedAt) {
      const { rows } = await sql<SessionRow>`
        select ${COLUMNS} from sessions x join streams s on s.id = x.stream_id
        where x.stream_id = ${streamId} and x.started_at = ${timestamp(startedAt)}`.execute(db);
      return rows[0] ?? null;
    },

    async sessionNeighbours(streamId, startedAt) {
      const at = timestamp(startedAt);
      const { rows } = await sql<{ endedBefore: Instant | null; startedAfter: Instant | null }>`select
        (select ended_at from sessions where stream_id = ${streamId} and started_at < ${at}
          order by started_at desc limit 1) as "endedBefore",
        (select started_at from sessions where stream_id = ${streamId} and started_at > ${at}
          order by started_at limit 1) as "startedAfter"`.execute(db);
      return rows[0] ?? { endedBefore: null, startedAfter: null };
    },

    async sessionSlots(sessions) {
      const counts = sessions.map(() => emptySlotCounts());
      if (sessions.length === 0) return counts;
      const { rows } = await sql<{ place: number } & SlotCounts>`
        select q.place, ${slotSums(sql`h`)}
        from unnest(
          ${sessions.map((session) => session.streamId)}::integer[],
          ${sessions.map((session) => new Date(session.startedAt).toISOString())}::timestamptz[],
          ${sessions.map(({ endedAt }) => (endedAt === null ? 'infinity' : new Date(endedAt).toISOString()))}::timestamptz[]
        ) with ordinality q (stream_id, started_at, ended_at, place)
        join slot_hours h on h.stream_id = q.stream_id and h.session_started_at = q.started_at
          and h.hour >= q.started_at - interval '2 hours' and h.hour < q.ended_at + interval '2 hours'
        group by q.place`.execute(db);
      for (const { place, ...slots } of rows) counts[place - 1] = slots;
      return counts;
    },
  };
}

/** `sum(…)` of every verdict's column of a table of slot counts. */
export function slotSums(table: ReturnType<typeof sql>): ReturnType<typeof sql> {
  return sql.join(
    VERDICTS.map((verdict) => sql`coalesce(sum(${table}.${sql.ref(verdict)}), 0)::bigint as ${sql.ref(verdict)}`),
  );
}
