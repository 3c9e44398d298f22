import { type Kysely, type RawBuilder, sql } from 'kysely';
import { BAD_VERDICTS } from '../../core/verdict.ts';
import type { GapFilter, GapRead, GapReads, LongestGap, ReportReads, ScopeFilter } from '../../ports.ts';
import { all, hasScope, inScope, streamIn } from './query-scope.ts';
import type { Tables } from './tables.ts';
import { timestamp } from './timestamp.ts';

export function gapReads(db: Kysely<Tables>): GapReads & ReportReads {
  /** `ids`: null means every stream. */
  async function read(conditions: (RawBuilder<boolean> | null)[], limit: number): Promise<GapRead[]> {
    const { rows } = await sql<GapRead>`
      select s.domain, s.app, s.stream, g.stream_id as "streamId", g.from_at as "from", g.to_at as "to",
        g.session_started_at as "sessionStartedAt", g.slots, g.verdict, g.cause, g.mode, g.open, g.reason, g.evidence
      from (
        select * from gaps where ${all(conditions)}
        order by from_at desc, stream_id desc, verdict desc, mode desc limit ${limit}
      ) g join streams s on s.id = g.stream_id
      order by g.from_at desc, g.stream_id desc, g.verdict desc, g.mode desc`.execute(db);
    return rows;
  }

  return {
    async gapRows({ scope, filter, window, after, limit }) {
      const streamIds = await idsOf(db, scope);
      if (streamIds?.length === 0) return [];
      const { from, to } = window;
      const conditions = [
        streamIn(sql`stream_id`, streamIds),
        ...gapConditions(filter),
        to === null ? null : sql<boolean>`from_at < ${timestamp(to)}`,
        after ? sql<boolean>`from_at <= ${timestamp(after.from)}` : null,
        after
          ? sql<boolean>`(from_at, stream_id, verdict, mode)
              < (${timestamp(after.from)}, ${after.streamId}, ${after.verdict}, ${after.mode})`
          : null,
      ];
      if (from === null) return read(conditions, limit);
      // In two steps, so that each can walk an index: what began in the window, then what began before and reaches into it.
      const began =
        after && after.from < from ? [] : await read([...conditions, sql`from_at >= ${timestamp(from)}`], limit);
      if (began.length === limit) return began;
      const reaching = [sql<boolean>`from_at < ${timestamp(from)}`, sql<boolean>`to_at > ${timestamp(from)}`];
      return [...began, ...(await read([...conditions, ...reaching], limit - began.length))];
    },

    async longestGaps(scope, from, to) {
      const streamIds = await idsOf(db, scope);
      if (streamIds?.length === 0) return [];
      const start = sql`greatest(from_at, ${timestamp(from)})`;
      const end = sql`least(to_at, ${timestamp(to)})`;
      const { rows } = await sql<LongestGap>`
        select distinct on (stream_id) stream_id as "streamId", ${start} as "from", ${end} as "to", slots, verdict, cause, mode
        from gaps where ${all([
          sql`from_at < ${timestamp(to)}`,
          sql`to_at > ${timestamp(from)}`,
          sql`verdict = any(${[...BAD_VERDICTS]}::text[])`,
          streamIn(sql`stream_id`, streamIds),
        ])} order by stream_id, ${end} - ${start} desc, from_at`.execute(db);
      return rows;
    },

    async gapRow({ from, streamId, verdict, mode }) {
      const rows = await read(
        [
          sql`stream_id = ${streamId}`,
          sql`from_at = ${timestamp(from)}`,
          sql`verdict = ${verdict}`,
          sql`mode = ${mode}`,
        ],
        1,
      );
      return rows[0] ?? null;
    },
  };
}

/** Conditions on a row of `gaps`. */
function gapConditions(filter: GapFilter): (RawBuilder<boolean> | null)[] {
  return [
    filter.verdict ? sql`verdict = any(${[...filter.verdict]}::text[])` : null,
    filter.cause ? sql`cause = any(${[...filter.cause]}::text[])` : null,
    filter.open === undefined ? null : filter.open ? sql`open` : sql`not open`,
  ];
}

/** Null where the scope is everything. */
export async function idsOf(db: Kysely<Tables>, scope: ScopeFilter): Promise<number[] | null> {
  if (!hasScope(scope)) return null;
  const { rows } = await sql<{ id: number }>`select s.id from streams s where ${inScope(scope)}`.execute(db);
  return rows.map((row) => row.id);
}
