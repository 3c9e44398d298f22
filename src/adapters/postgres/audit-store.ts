import { type Kysely, sql } from 'kysely';
import { blindSpans } from '../../core/blind-spans.ts';
import type { Instant } from '../../core/instant.ts';
import { DELIVERY_WINDOW_MS } from '../../core/judge-capture.ts';
import { NAMES_NOT_KEPT } from '../../core/quarantine-reason.ts';
import { mergeSpans, type Span, spansAfter } from '../../core/span.ts';
import { emptySlotCounts, type SlotCounts, VERDICTS } from '../../core/verdict.ts';
import type { AuditStore, StreamToAudit, Watermark } from '../../ports.ts';
import { commitStream, NO_SESSION, slices } from './commit-stream.ts';
import type { Database } from './database.ts';
import { judgeAgain } from './judge-again.ts';
import type { EvidenceKeptTable, Tables } from './tables.ts';
import { timestamp } from './timestamp.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const LONGEST_AUDIT_MS = 24 * HOUR_MS;

type Transaction = Kysely<Tables>;

/** Watermarks, kept states, gaps, hourly counts: what the audit leaves behind. */
export function createAuditStore(database: Database): AuditStore {
  const { db } = database;
  return {
    async streamsToAudit({ domain, app, stream, to }) {
      const { rows } = await sql<StreamToAudit>`
        select s.id, s.domain, s.app, s.stream, w.audited_until as "auditedUntil", coalesce((
          select sum(extract(epoch from coalesce(x.ended_at, ${timestamp(to)}) - x.started_at)) from sessions x
          where x.stream_id = s.id and x.started_at < ${timestamp(to)}
        ), 0)::float8 as "secondsOnAir"
        from streams s left join watermarks w on w.stream_id = s.id
        where s.domain = ${domain} and s.app = coalesce(${app}::text, s.app) and s.stream = coalesce(${stream}::text, s.stream)
        and (
          exists (
            select from sessions x where x.stream_id = s.id and x.started_at < ${timestamp(to)}
            and (w.audited_until is null or x.ended_at is null or x.ended_at > w.audited_until)
          )
          or exists (select from late_evidence l where l.stream_id = s.id)
          or exists (
            select from captures c where c.stream_id = s.id and c.captured_at < ${timestamp(to)}
            and c.captured_at >= greatest(w.audited_until, ${timestamp(to)} - interval '2 days')
          )
        )
        order by s.app collate "C", s.stream collate "C"`.execute(db);
      return rows;
    },

    async observedSince() {
      const row = await db
        .selectFrom('heartbeats')
        .select(({ fn }) => fn.min('from_at').as('since'))
        .executeTakeFirst();
      return row?.since ?? null;
    },

    capturesKeptSince: () => keptSince(db, 'captures'),

    async blindSpans(from, to) {
      const { rows: alive } = await sql<Span>`
        select from_at as "from", to_at as "to" from heartbeats
        where to_at > ${timestamp(from)} and from_at < ${timestamp(to)}`.execute(db);
      const { rows: told } = await sql<{ from: Instant; to: Instant | null }>`
        select from_at as "from", to_at as "to" from blind_spans
        where (to_at is null or to_at > ${timestamp(from)}) and from_at < ${timestamp(to)}`.execute(db);
      const clipped = told.map((span) => ({ from: Math.max(span.from, from), to: Math.min(span.to ?? to, to) }));
      return mergeSpans([...blindSpans(alive, from, to), ...clipped]);
    },

    async unkeptSpans(from, to) {
      const { rows } = await sql<{ minute: Instant }>`
        select distinct date_trunc('minute', received_at, 'UTC') as minute from quarantine
        where reason = ${sql.lit(NAMES_NOT_KEPT)} and received_at >= ${timestamp(from - MINUTE_MS)} and received_at < ${timestamp(to)}`.execute(
        db,
      );
      const minutes = rows.map(({ minute }) => ({ from: minute, to: minute + MINUTE_MS }));
      const forgotten = { from, to: Math.min(to, (await keptSince(db, 'quarantine')) ?? from) };
      return mergeSpans([forgotten, ...spansAfter(minutes, from)]);
    },

    async rejections(objects) {
      if (objects.length === 0) return [];
      const { rows } = await sql<{ object: string; receivedAt: Instant; reason: string }>`
        select object, received_at as "receivedAt", reason from quarantine
        where kind = 'rejected' and object = any(${sql.val([...objects])}::text[])`.execute(db);
      return rows;
    },

    async begin(audit) {
      // A process that ended in the middle of an audit leaves its row; no audit takes this long.
      await db
        .updateTable('audits')
        .set({ status: 'failed', error: 'The audit ended without a result: its process was stopped.' })
        .where('domain', '=', audit.domain)
        .where('status', '=', 'running')
        .where('started_at', '<', timestamp(audit.startedAt - LONGEST_AUDIT_MS))
        .execute();
      const { id } = await db
        .insertInto('audits')
        .values({
          domain: audit.domain,
          app: audit.app,
          kind: audit.kind,
          from_at: timestamp(audit.from),
          to_at: timestamp(audit.to),
          started_at: timestamp(audit.startedAt),
          finished_at: null,
          status: 'running',
          error: null,
          seconds: null,
        })
        .returning('id')
        .executeTakeFirstOrThrow();
      return id;
    },

    async finish(id, outcome) {
      await db
        .updateTable('audits')
        .set({
          finished_at: timestamp(outcome.finishedAt),
          status: outcome.error === null ? 'done' : 'failed',
          error: outcome.error,
          seconds: outcome.seconds,
          streams: outcome.streams,
          list_calls: outcome.listCalls,
          head_calls: outcome.headCalls,
          index_calls: outcome.indexCalls,
          keys: outcome.keys,
          captures: outcome.captures,
          restored: outcome.restored,
        })
        .where('id', '=', id)
        .execute();
    },

    async watermark(streamId) {
      return (await watermarks(db, [streamId])).get(streamId) ?? null;
    },

    watermarks: (streamIds) => watermarks(db, streamIds),

    async keptState(streamId, at) {
      const row = await db
        .selectFrom('judge_states')
        .select(['at', 'state'])
        .where('stream_id', '=', streamId)
        .where('at', '<=', timestamp(at))
        .orderBy('at', 'desc')
        .limit(1)
        .executeTakeFirst();
      return row ?? null;
    },

    async judgedBetween(streamId, from, to) {
      const gaps = await db
        .selectFrom('gaps')
        .select(['from_at as from', 'to_at as to', 'verdict', 'cause', 'mode'])
        .where('stream_id', '=', streamId)
        .where('to_at', '>', timestamp(from))
        .where('from_at', '<', timestamp(to))
        .execute();
      const hours = await db
        .selectFrom('slot_hours')
        .select(['hour', 'mode', ...VERDICTS])
        .where('stream_id', '=', streamId)
        .where('session_started_at', '<>', timestamp(NO_SESSION))
        .where('hour', '>', timestamp(from - HOUR_MS))
        .where('hour', '<', timestamp(to))
        .execute();
      return { gaps, hours: hours.map(({ hour, mode, ...slots }) => ({ hour, mode, slots })) };
    },

    async lateEvidence(streamIds) {
      const rows = await db
        .selectFrom('late_evidence')
        .select(['stream_id', sql<Instant>`min(from_at)`.as('from'), sql<string[]>`array_agg(id)`.as('ids')])
        .where('stream_id', '=', sql<number>`any(${sql.val([...streamIds])}::integer[])`)
        .groupBy('stream_id')
        .execute();
      return new Map(rows.map((row) => [row.stream_id, { from: row.from, ids: row.ids.map(Number) }]));
    },

    async markLate(streamIds, from, reason) {
      if (streamIds.length === 0) return;
      await sql`
        insert into late_evidence (stream_id, from_at, reason)
        select unnest(${sql.val([...streamIds])}::integer[]), ${timestamp(from)}, ${reason}`.execute(db);
    },

    commit: (commit) => commitStream(db, commit),

    async judgedBlindSpans() {
      const rows = await db.selectFrom('judged_blind_spans').selectAll().orderBy('from_at').execute();
      return rows.map((row) => ({ from: row.from_at, to: row.to_at }));
    },

    async replaceJudgedBlindSpans(spans, changed) {
      await db.transaction().execute(async (transaction) => {
        // A callback may be on its way for 35 s, so captures from before a span are judged with it too.
        const begins = changed.map(({ from }) => new Date(from - DELIVERY_WINDOW_MS).toISOString());
        const ends = changed.map(({ to }) => new Date(to).toISOString());
        await judgeAgain(
          transaction,
          sql`select x.stream_id, min(c.from_at) as from_at
            from unnest(${sql.val(begins)}::timestamptz[], ${sql.val(ends)}::timestamptz[]) as c (from_at, to_at)
            join sessions x on x.started_at < c.to_at and (x.ended_at is null or x.ended_at > c.from_at)
            group by x.stream_id`,
          'blindness-changed',
        );
        await transaction.deleteFrom('judged_blind_spans').execute();
        for (const rows of slices(spans)) {
          await transaction
            .insertInto('judged_blind_spans')
            .values(rows.map((span) => ({ from_at: timestamp(span.from), to_at: timestamp(span.to) })))
            .onConflict((conflict) => conflict.column('from_at').doUpdateSet({ to_at: sql`excluded.to_at` }))
            .execute();
        }
      });
    },

    async backfilledSpans(from) {
      const rows = await db
        .selectFrom('backfilled_spans')
        .selectAll()
        .where('to_at', '>', timestamp(from))
        .orderBy('from_at')
        .execute();
      return rows.map((row) => ({ from: row.from_at, to: row.to_at }));
    },

    async recordBackfilledSpan(span) {
      await db
        .insertInto('backfilled_spans')
        .values({ from_at: timestamp(span.from), to_at: timestamp(span.to) })
        .onConflict((conflict) =>
          conflict.column('from_at').doUpdateSet({ to_at: sql`greatest(backfilled_spans.to_at, excluded.to_at)` }),
        )
        .execute();
    },

    async slotsBetween({ domain, app, stream }, from, to) {
      const sums = sql.join(
        VERDICTS.map((verdict) => sql`coalesce(sum(${sql.ref(verdict)}), 0)::int as ${sql.ref(verdict)}`),
      );
      const { rows } = await sql<SlotCounts>`
        select ${sums} from slot_hours h join streams s on s.id = h.stream_id
        where s.domain = ${domain} and s.app = coalesce(${app}::text, s.app) and s.stream = coalesce(${stream}::text, s.stream)
        and h.hour >= date_trunc('hour', ${timestamp(from)}, 'UTC') and h.hour < ${timestamp(to)}`.execute(db);
      return rows[0] ?? emptySlotCounts();
    },

    async prune({ statesBefore, auditsBefore, domains }) {
      await db.deleteFrom('judge_states').where('at', '<', timestamp(statesBefore)).execute();
      await db.deleteFrom('audits').where('started_at', '<', timestamp(auditsBefore)).execute();
      // Another service may have been started with other domains, so it takes both to have left the settings.
      await sql`
        delete from late_evidence l using streams s
        where s.id = l.stream_id and s.domain <> all(${sql.val([...domains])}::text[]) and not exists (
          select from audits a where a.domain = s.domain and a.started_at >= ${timestamp(statesBefore)}
        )`.execute(db);
    },
  };
}

/** Before, retention has taken evidence of this kind away; null: of none yet. */
async function keptSince(db: Kysely<Tables>, what: EvidenceKeptTable['what']): Promise<Instant | null> {
  const row = await db.selectFrom('evidence_kept').select('since').where('what', '=', what).executeTakeFirst();
  return row?.since ?? null;
}

async function watermarks(db: Transaction, streamIds: readonly number[]): Promise<Map<number, Watermark>> {
  const rows = await db
    .selectFrom('watermarks')
    .select(['stream_id', 'audited_until', 'last_key', 'state', 'version'])
    .where('stream_id', '=', sql<number>`any(${sql.val([...streamIds])}::integer[])`)
    .execute();
  return new Map(
    rows.map((row) => [
      row.stream_id,
      { auditedUntil: row.audited_until, lastKey: row.last_key, state: row.state, version: row.version },
    ]),
  );
}
