import { type Kysely, sql } from 'kysely';
import type { Instant } from '../../core/instant.ts';
import type { TimeWindow } from '../../core/time-window.ts';
import { type SlotCounts, VERDICTS } from '../../core/verdict.ts';
import type { CoverageGroup, CoverageReads, CoverageUnit } from '../../ports.ts';
import { idsOf } from './query-gaps.ts';
import { afterStream, all, inScope, streamIn, within } from './query-scope.ts';
import { slotSums } from './query-sessions.ts';
import { dayOf } from './sum-days.ts';
import type { Tables } from './tables.ts';
import { timestamp } from './timestamp.ts';

/** Start of the unit, UTC whatever the session's zone is. */
const AT: Record<CoverageUnit, ReturnType<typeof sql>> = {
  hour: sql`h.hour`,
  day: dayOf(sql`h.hour`),
  month: sql`date_trunc('month', h.hour, 'UTC')`,
  total: sql`'epoch'::timestamptz`,
};

const NAMES: Record<CoverageGroup, ReturnType<typeof sql>> = {
  stream: sql`s.domain, s.app, s.stream`,
  app: sql`s.domain, s.app, ''::text as stream`,
  domain: sql`s.domain, ''::text as app, ''::text as stream`,
  all: sql`''::text as domain, ''::text as app, ''::text as stream`,
};

const HOUR_MS = 3_600_000;
const UNIT_MS = { hour: HOUR_MS, day: 24 * HOUR_MS } as const;

type SummedRow = { at: Instant; domain: string; app: string; stream: string } & SlotCounts;
type Query = Parameters<CoverageReads['coverageRows']>[0] & { streamIds: readonly number[] | null };

/** Rows of counts: whole days from `slot_days`, the hours before and after them (or all of them) from `slot_hours`. */
function slotRows({ from, to, per, streamIds }: Pick<Query, 'from' | 'to' | 'per' | 'streamIds'>) {
  const columns = sql.join(VERDICTS.map((verdict) => sql.ref(verdict)));
  const hours = (part: TimeWindow) => sql`select stream_id, hour, ${columns} from slot_hours
    where ${all([within(sql`hour`, part), streamIn(sql`stream_id`, streamIds)])}`;
  const firstDay = Math.ceil(from / UNIT_MS.day) * UNIT_MS.day;
  const lastDay = Math.floor(to / UNIT_MS.day) * UNIT_MS.day;
  if (per === 'hour' || firstDay >= lastDay) return hours({ from, to });
  const days = sql`select stream_id, day as hour, ${columns} from slot_days
    where ${all([within(sql`day`, { from: firstDay, to: lastDay }), streamIn(sql`stream_id`, streamIds)])}`;
  return sql.join(
    [
      days,
      ...(from < firstDay ? [hours({ from, to: firstDay })] : []),
      ...(lastDay < to ? [hours({ from: lastDay, to })] : []),
    ],
    sql` union all `,
  );
}

export function coverageReads(db: Kysely<Tables>): CoverageReads {
  async function sum({ streamIds, from, to, per, by, after, limit }: Query): Promise<SummedRow[]> {
    // Summed per stream first: the names join a row per stream and unit, not a row per hour.
    const { rows } = await sql<SummedRow>`
      with per_stream as (
        select h.stream_id, ${AT[per]} as at, ${slotSums(sql`h`)}
        from (${slotRows({ from, to, per, streamIds })}) h
        group by 1, 2
      ), named as (
        select p.*, ${NAMES[by]} from per_stream p join streams s on s.id = p.stream_id
      )
      select n.at, n.domain, n.app, n.stream, ${slotSums(sql`n`)} from named n
      where ${
        after
          ? sql`(n.at, n.domain, n.app, n.stream) > (${timestamp(after[0])}, ${after[1]}, ${after[2]}, ${after[3]})`
          : sql`true`
      }
      group by 1, 2, 3, 4 order by 1, 2, 3, 4 limit ${limit}`.execute(db);
    return rows;
  }

  /** The next streams by name that have slots in the window: what is not on the page is not summed. */
  async function nextStreams({ scope, from, to, after, limit }: Query): Promise<number[]> {
    const place = after && { domain: after[1], app: after[2], stream: after[3] };
    const { rows } = await sql<{ id: number }>`
      select s.id from streams s
      cross join lateral (
        select from slot_hours h where h.stream_id = s.id and ${within(sql`h.hour`, { from, to })}
        order by h.hour limit 1
      ) one
      where ${all([inScope(scope), afterStream(place)])}
      order by s.domain, s.app, s.stream limit ${limit}`.execute(db);
    return rows.map((row) => row.id);
  }

  /** From unit to unit until the page is full, so that a page costs what is on it. */
  async function sumByTime(query: Query, unitMs: number): Promise<SummedRow[]> {
    const rows: SummedRow[] = [];
    let from = Math.max(query.from, query.after?.[0] ?? 0);
    for (let units = 1; from < query.to && rows.length < query.limit; units *= 2) {
      const to = Math.min(query.to, (Math.floor(from / unitMs) + units) * unitMs);
      rows.push(...(await sum({ ...query, from, to, limit: query.limit - rows.length })));
      from = to;
    }
    return rows;
  }

  return {
    async coverageRows(asked) {
      const { scope, per, by } = asked;
      let streamIds = await idsOf(db, scope);
      if (per === 'total' && by === 'stream') streamIds = await nextStreams({ ...asked, streamIds });
      if (streamIds?.length === 0) return [];
      const query = { ...asked, streamIds };
      const rows = per === 'hour' || per === 'day' ? await sumByTime(query, UNIT_MS[per]) : await sum(query);
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
