import { type Kysely, sql } from 'kysely';
import type { Instant } from '../../core/instant.ts';
import type { Cause, Verdict } from '../../core/verdict.ts';
import type { KnownStream, StoredStanding, StreamReads } from '../../ports.ts';
import { afterStream, all, inScope } from './query-scope.ts';
import type { Tables } from './tables.ts';
import { timestamp } from './timestamp.ts';

interface StandingRow {
  id: number;
  started_at: Instant | null;
  ended_at: Instant | null;
  captured_at: Instant | null;
  audited_until: Instant | null;
  gap_from: Instant | null;
  gap_to: Instant | null;
  gap_slots: number | null;
  gap_verdict: Verdict | null;
  gap_cause: Cause | null;
}

/** Reads of streams and of what is known of their present. */
export function streamReads(db: Kysely<Tables>): StreamReads {
  return {
    async streams({ filter, after, limit }) {
      const { rows } = await sql<KnownStream>`
        select s.id, s.domain, s.app, s.stream, s.first_seen_at as "firstSeenAt" from streams s
        where ${all([inScope(filter), afterStream(after)])}
        order by s.domain, s.app, s.stream limit ${limit}`.execute(db);
      return rows;
    },

    async standings(streamIds) {
      // One probe of an index per stream and question: the newest session, its newest capture, the fault that goes on.
      const { rows } = await sql<StandingRow>`
        select s.id, session.started_at, session.ended_at, capture.captured_at, w.audited_until,
          gap.from_at as gap_from, gap.to_at as gap_to, gap.slots as gap_slots, gap.verdict as gap_verdict,
          gap.cause as gap_cause
        from unnest(${[...streamIds]}::integer[]) s (id)
        left join watermarks w on w.stream_id = s.id
        left join lateral (
          select started_at, ended_at from sessions where stream_id = s.id order by started_at desc limit 1
        ) session on true
        left join lateral (
          select captured_at from captures
          where stream_id = s.id and captured_at >= session.started_at - interval '10 seconds'
            and captured_at < coalesce(session.ended_at + interval '1 minute', 'infinity')
          order by captured_at desc limit 1
        ) capture on true
        left join lateral (
          select from_at, to_at, slots, verdict, cause from gaps
          where stream_id = s.id and open and from_at >= session.started_at - interval '10 seconds'
            and verdict in ('late', 'callback_missing', 'object_missing', 'not_captured', 'misnamed')
          order by from_at desc limit 1
        ) gap on true`.execute(db);
      return new Map(rows.map((row) => [row.id, standingOf(row)]));
    },

    async domains() {
      const { rows } = await sql<{ domain: string; apps: number; streams: number }>`
        select domain, count(distinct app) as apps, count(*) as streams from streams group by domain order by domain
      `.execute(db);
      return rows;
    },

    async apps(filter) {
      const { rows } = await sql<{ domain: string; app: string; streams: number }>`
        select s.domain, s.app, count(*) as streams from streams s where ${inScope(filter)}
        group by s.domain, s.app order by s.domain, s.app`.execute(db);
      return rows;
    },

    async excusedSpans(from, to) {
      const rows = await db
        .selectFrom('excused_spans')
        .select(['id', 'from_at', 'to_at', 'domain', 'app', 'stream', 'reason'])
        .where('cancelled_at', 'is', null)
        .where('from_at', '<', timestamp(to))
        .where('to_at', '>', timestamp(from))
        .orderBy('from_at')
        .orderBy('id')
        .execute();
      return rows.map(({ from_at, to_at, ...row }) => ({ ...row, from: from_at, to: to_at }));
    },

    async receiverAliveUntil() {
      const row = await db
        .selectFrom('heartbeats')
        .select('to_at')
        .orderBy('to_at', 'desc')
        .limit(1)
        .executeTakeFirst();
      return row?.to_at ?? null;
    },
  };
}

function standingOf(row: StandingRow): StoredStanding {
  return {
    streamId: row.id,
    session: row.started_at === null ? null : { startedAt: row.started_at, endedAt: row.ended_at },
    lastCaptureAt: row.captured_at,
    openGap:
      row.gap_from === null || row.gap_to === null || row.gap_verdict === null
        ? null
        : {
            from: row.gap_from,
            to: row.gap_to,
            verdict: row.gap_verdict,
            cause: row.gap_cause,
            slots: row.gap_slots ?? 0,
          },
    auditedUntil: row.audited_until,
  };
}
