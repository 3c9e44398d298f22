import { type Kysely, sql } from 'kysely';
import type { Instant } from '../../core/instant.ts';
import type { SlotCounts } from '../../core/verdict.ts';
import type { CoverageGroup, CoverageReads, CoverageUnit } from '../../ports.ts';
import { idsOf } from './query-gaps.ts';
import { all, streamIn, within } from './query-scope.ts';
import { slotSums } from './query-sessions.ts';
import type { Tables } from './tables.ts';
import { timestamp } from './timestamp.ts';

/** Start of the unit, UTC whatever the session's zone is. */
const AT: Record<CoverageUnit, ReturnType<typeof sql>> = {
  hour: sql`h.hour`,
  day: sql`date_trunc('day', h.hour, 'UTC')`,
  month: sql`date_trunc('month', h.hour, 'UTC')`,
  total: sql`'epoch'::timestamptz`,
};

const NAMES: Record<CoverageGroup, ReturnType<typeof sql>> = {
  stream: sql`s.domain, s.app, s.stream`,
  app: sql`s.domain, s.app, ''::text as stream`,
  domain: sql`s.domain, ''::text as app, ''::text as stream`,
  all: sql`''::text as domain, ''::text as app, ''::text as stream`,
};

export function coverageReads(db: Kysely<Tables>): CoverageReads {
  return {
    async coverageRows({ scope, from, to, per, by, after, limit }) {
      const streamIds = await idsOf(db, scope);
      if (streamIds?.length === 0) return [];
      // Summed per stream first: the names join a row per stream and unit, not a row per hour.
      const { rows } = await sql<{ at: Instant; domain: string; app: string; stream: string } & SlotCounts>`
        with per_stream as (
          select h.stream_id, ${AT[per]} as at, ${slotSums(sql`h`)}
          from slot_hours h
          where ${all([within(sql`h.hour`, { from, to }), streamIn(sql`h.stream_id`, streamIds)])}
          ${after && per !== 'total' ? sql`and h.hour >= ${timestamp(after[0])}` : sql``}
          group by 1, 2
        ), named as (
          select p.*, ${NAMES[by]} from per_stream p join streams s on s.id = p.stream_id
        )
        select n.at, n.domain, n.app, n.stream, ${slotSums(sql`n`)} from named n
        ${
          after
            ? sql`where (n.at, n.domain, n.app, n.stream)
                > (${timestamp(after[0])}, ${after[1]}, ${after[2]}, ${after[3]})`
            : sql``
        }
        group by 1, 2, 3, 4 order by 1, 2, 3, 4 limit ${limit}`.execute(db);
      return rows.map(({ at, domain, app, stream, ...slots }) => ({
        at: per === 'total' ? null : at,
        domain: by === 'all' ? null : domain,
        app: by === 'all' || by === 'domain' ? null : app,
        stream: by === 'stream' ? stream : null,
        slots,
      }));
    },
  };
}
