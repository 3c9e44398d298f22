import { sql } from 'kysely';
import type { Found } from '../../core/found.ts';
import type { IncidentKind } from '../../core/incident.ts';
import type { Instant } from '../../core/instant.ts';
import { NAMES_NOT_KEPT } from '../../core/quarantine-reason.ts';
import type {
  ActiveFinding,
  AlertingFacts,
  AlertingGap,
  AuditStall,
  HeardCapture,
  LooksBefore,
  OnAirRow,
} from '../../ports.ts';
import type { Database } from './database.ts';
import { timestamp } from './timestamp.ts';

/** Bit of `captures.flags`: a callback told us. */
const FROM_CALLBACK = 8;
/** A transaction may commit so long after it dated its gaps. */
const LATE_COMMIT_MS = 120_000;
/** What was found before alerting first looked is history, not news. */
const FIRST_LOOK_BACK_MS = 600_000;
const MAX_NAMES = 500_000;
const DAY_MS = 86_400_000;
/** A gap that no incident told of by then tells nothing new. */
const UNTOLD_MS = 2 * DAY_MS;
/** A receiver reports its spool every few seconds; one that is gone does not. */
const SPOOL_SILENT_MS = 600_000;
const REPORTER_SILENT_MS = DAY_MS;
/** An audit that has been running for longer than this is not waited for. */
const AUDIT_WAIT_MS = 300_000;
/** Time that spools need to drain once the database is back. */
const SPOOLS_DRAIN_MS = 30_000;

/** Where one of these stands, nobody can say that the audit found every snapshot. */
const NOT_FOUND = ['callback_missing', 'object_missing', 'not_captured', 'excused', 'unknown'];

function silentAfterMs(kind: IncidentKind): number {
  // What the sender found of a channel is on the record until it ends it.
  if (kind === 'channel_failing') return Number.POSITIVE_INFINITY;
  return kind === 'spool_not_draining' ? SPOOL_SILENT_MS : REPORTER_SILENT_MS;
}

export function createAlertingFacts(database: Database): AlertingFacts {
  const { db, pool } = database;
  const names = new Map<number, Pick<OnAirRow, 'streamId' | 'domain' | 'app' | 'stream'>>();

  /** A stream never changes its name. */
  async function learnNames(streamIds: readonly number[]): Promise<void> {
    if (names.size > MAX_NAMES) names.clear();
    const unknown = streamIds.filter((streamId) => !names.has(streamId));
    if (unknown.length === 0) return;
    const rows = await db
      .selectFrom('streams')
      .select(['id as streamId', 'domain', 'app', 'stream'])
      .where((eb) => eb('id', '=', eb.fn.any(sql.val(unknown))))
      .execute();
    for (const row of rows) names.set(row.streamId, row);
  }

  return {
    async onAir() {
      // Ten thousand rows every few seconds: numbers are read faster than timestamps, and names are read once.
      const { rows } = await pool.query<[number, number, OnAirRow['certainty']]>({
        name: 'alerting-on-air',
        rowMode: 'array',
        text: `select stream_id, (extract(epoch from started_at) * 1000)::float8, certainty
               from sessions where ended_at is null`,
      });
      await learnNames(rows.map(([streamId]) => streamId));
      return rows.flatMap(([streamId, startedAt, certainty]) => {
        const name = names.get(streamId);
        return name ? [{ ...name, startedAt, certainty }] : [];
      });
    },

    async stillOnAir(streamIds) {
      const { rows } = await pool.query<[number]>({
        name: 'alerting-still-on-air',
        rowMode: 'array',
        text: 'select stream_id from sessions where ended_at is null and stream_id = any($1::integer[])',
        values: [streamIds],
      });
      return new Set(rows.map(([streamId]) => streamId));
    },

    async lastHeard(streamIds, since) {
      // One probe of the primary key per stream; the bound lets the planner leave older partitions out.
      const { rows } = await pool.query<[number, number, number]>({
        name: 'alerting-last-heard',
        rowMode: 'array',
        text: `select w.id, (extract(epoch from c.captured_at) * 1000)::float8, c.delay_ms
               from unnest($1::integer[]) as w (id)
               cross join lateral (
                 select captured_at, delay_ms from captures
                 where stream_id = w.id and captured_at >= to_timestamp($2::float8 / 1000) and flags & ${FROM_CALLBACK} <> 0
                 order by captured_at desc limit 1
               ) c`,
        values: [streamIds, since],
      });
      return new Map<number, HeardCapture>(
        rows.map(([streamId, capturedAt, delayMs]) => [streamId, { capturedAt, receivedAt: capturedAt + delayMs }]),
      );
    },

    async heardCounts(streamIds, from) {
      const { rows } = await pool.query<[number, number]>({
        name: 'alerting-heard-counts',
        rowMode: 'array',
        text: `select stream_id, count(*)::integer from captures
               where stream_id = any($1::integer[]) and captured_at >= to_timestamp($2::float8 / 1000)
                 and flags & ${FROM_CALLBACK} <> 0 group by stream_id`,
        values: [streamIds, from],
      });
      return new Map(rows);
    },

    async newestHeartbeat() {
      const row = await db
        .selectFrom('heartbeats')
        .select((eb) => eb.fn.max('to_at').as('at'))
        .executeTakeFirst();
      return row?.at ?? null;
    },

    async looksBefore(now, breakMs) {
      const { rows } = await sql<LooksBefore>`
        with resumed as (
          insert into alerting_progress (name, at)
          select 'resumed', ${timestamp(now)} from alerting_progress
          where name = 'looked' and at < ${timestamp(now - breakMs)}
          on conflict (name) do update set at = excluded.at
          returning at
        )
        select (select at from alerting_progress where name = 'looked') as "lookedAt",
          coalesce((select at from resumed), (select at from alerting_progress where name = 'resumed')) as "resumedAt"`.execute(
        db,
      );
      return rows[0]!;
    },

    async noteLook(at) {
      await db
        .insertInto('alerting_progress')
        .values({ name: 'looked', at: timestamp(at) })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ at: timestamp(at) }))
        .execute();
    },

    async noteGaps(now, tellLate) {
      await sql`
        -- Gaps are dated by the database, whose clock may be behind ours.
        with progress as (
          insert into alerting_progress (name, at) values ('gaps', least(${timestamp(now)}, now()))
          on conflict (name) do update set at = excluded.at
          returning (select at from alerting_progress where name = 'gaps') as before
        )
        insert into incident_gaps (stream_id, from_at, verdict, mode, first_seen_at)
        select g.stream_id, g.from_at, g.verdict, g.mode, ${timestamp(now)} from gaps g, progress
        where g.updated_at >= coalesce(before - ${LATE_COMMIT_MS} * interval '1 millisecond',
            ${timestamp(now - FIRST_LOOK_BACK_MS)})
          and g.verdict in ('callback_missing', 'object_missing', 'not_captured', 'misnamed', ${tellLate ? 'late' : 'misnamed'})
          and g.cause is distinct from 'receiver_down'
        on conflict do nothing`.execute(db);
    },

    async gaps(now, resumedAt) {
      const resumed = resumedAt !== null && now - resumedAt < AUDIT_WAIT_MS ? resumedAt : null;
      const drainedAt = resumed === null ? 0 : resumed + SPOOLS_DRAIN_MS;
      // Audits are kept for months.
      const auditsFrom = resumed === null ? now : resumed - DAY_MS;
      const { rows } = await sql<AlertingGap>`
        with candidate as (
          select stream_id, from_at, verdict, mode from incident_gaps
          where incident_id is null and first_seen_at > ${timestamp(now - UNTOLD_MS)}
          union
          select stream_id, from_at, verdict, mode from gaps where open
        )
        select g.stream_id as "streamId", t.domain, t.app, t.stream, g.from_at as "from", g.to_at as "to", g.verdict,
          g.cause, g.mode, g.slots, g.open, w.audited_until as "judgedUntil", n.incident_id is null as untold,
          exists (
            select from audits a where a.domain = t.domain and (a.app is null or a.app = t.app) and a.status = 'running'
              and a.started_at > ${timestamp(now - AUDIT_WAIT_MS)} and n.first_seen_at > ${timestamp(now - AUDIT_WAIT_MS)}
          ) as "auditRunning",
          exists (
            select from late_evidence e
            where e.stream_id = g.stream_id and e.reason = 'blindness-changed' and e.from_at < g.to_at
          ) as rejudging,
          coalesce(a.started_at < ${timestamp(drainedAt)}, false) as unsettled
        from candidate c
        join gaps g using (stream_id, from_at, verdict, mode)
        join incident_gaps n using (stream_id, from_at, verdict, mode)
        join streams t on t.id = g.stream_id
        left join watermarks w on w.stream_id = g.stream_id
        left join (
          select domain, max(started_at) as started_at from audits
          where kind = 'audit' and started_at >= ${timestamp(auditsFrom)} group by domain
        ) a using (domain)`.execute(db);
      return rows;
    },

    async findings(now) {
      const rows = await db.selectFrom('findings').selectAll().where('active', '=', true).orderBy('since').execute();
      return rows.map((row): ActiveFinding => {
        const facts = row.facts as { detail?: string; found?: Found };
        return {
          kind: row.kind,
          scope: { domain: row.domain, app: row.app, stream: row.stream },
          key: row.key,
          since: row.since,
          cause: row.cause,
          detail: facts.detail ?? null,
          found: facts.found ?? null,
          reported: now - row.reported_at < silentAfterMs(row.kind),
        };
      });
    },

    async lastCaptureBefore(streamId, before) {
      const row = await db
        .selectFrom('captures')
        .innerJoin('streams', 'streams.id', 'stream_id')
        .select(['captured_at as at', 'domain', 'app', 'stream'])
        .where('stream_id', '=', streamId)
        .where('captured_at', '<', timestamp(before))
        .where('captured_at', '>=', timestamp(before - DAY_MS))
        .orderBy('captured_at', 'desc')
        .limit(1)
        .executeTakeFirst();
      if (!row) return null;
      const { at, ...stream } = row;
      return { at, stream };
    },

    async rejections(from) {
      const { rows } = await sql<{ domain: string | null; reason: string; count: number; firstAt: Instant }>`
        select domain, mode() within group (order by reason) as reason, count(*)::integer as count,
          min(received_at) as "firstAt"
        from quarantine
        where received_at >= ${timestamp(from)} and reason <> ${NAMES_NOT_KEPT} group by domain`.execute(db);
      return rows;
    },

    async auditStalls(before) {
      const { rows } = await sql<AuditStall>`
        select t.domain, max(a.last_done_at) as "lastDoneAt", max(f.error) as "lastError"
        from sessions s
        join streams t on t.id = s.stream_id
        left join lateral (
          select max(finished_at) as last_done_at from audits
          where domain = t.domain and kind = 'audit' and status = 'done' and started_at > ${timestamp(before - 7 * 86_400_000)}
        ) a on true
        left join lateral (
          select error from audits where domain = t.domain and status = 'failed' order by started_at desc limit 1
        ) f on true
        where s.ended_at is null and s.started_at < ${timestamp(before)}
        group by t.domain
        having max(a.last_done_at) is null or max(a.last_done_at) < ${timestamp(before)}`.execute(db);
      return rows;
    },

    async auditedUntil(scope, since) {
      let query = db
        .selectFrom('watermarks as w')
        .innerJoin('streams as t', 't.id', 'w.stream_id')
        .select((eb) => eb.fn.min('w.audited_until').as('at'));
      if (scope.domain !== null) query = query.where('t.domain', '=', scope.domain);
      if (scope.app !== null) query = query.where('t.app', '=', scope.app);
      if (scope.stream !== null) query = query.where('t.stream', '=', scope.stream);
      else {
        // Of many streams only those on air count: the audit of the others ended with them.
        query = query.where((eb) =>
          eb.exists(
            eb
              .selectFrom('sessions as s')
              .select('s.stream_id')
              .whereRef('s.stream_id', '=', 'w.stream_id')
              .where('s.ended_at', 'is', null),
          ),
        );
      }
      // In one statement with the watermarks: an audit that commits in between must not look as if it had found nothing.
      const row = await query
        .select(
          sql<boolean>`exists (
            select from gaps g join streams s on s.id = g.stream_id
            where g.to_at > ${timestamp(since)} and g.verdict = any(${[...NOT_FOUND]}::text[])
              and s.domain = coalesce(${scope.domain}::text, s.domain) and s.app = coalesce(${scope.app}::text, s.app)
              and s.stream = coalesce(${scope.stream}::text, s.stream)
          )`.as('missing'),
        )
        .executeTakeFirst();
      return row === undefined || row.missing ? null : row.at;
    },
  };
}
