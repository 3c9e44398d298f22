import { type Kysely, sql } from 'kysely';
import { blindSpans } from '../../core/blind-spans.ts';
import type { Instant } from '../../core/instant.ts';
import { EDGE_TOLERANCE_MS } from '../../core/judge.ts';
import { DELIVERY_WINDOW_MS } from '../../core/judge-capture.ts';
import { mergeSpans, type Span } from '../../core/span.ts';
import { emptySlotCounts, type SlotCounts, VERDICTS } from '../../core/verdict.ts';
import type {
  AuditStore,
  ForeignKeys,
  GapRow,
  SessionCommit,
  StreamCommit,
  StreamToAudit,
  Watermark,
} from '../../ports.ts';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';
import { timestamp } from './timestamp.ts';

/** Rows an INSERT carries: 15 columns each stay well under the 65,535 parameters of a statement. */
const ROWS_A_STATEMENT = 1_000;
const LONGEST_AUDIT_MS = 24 * 3_600_000;
/** Captures outside every session have no session to be counted under. */
const NO_SESSION: Instant = 0;

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
            and (w.audited_until is null or x.ended_at is null
              or x.ended_at + ${EDGE_TOLERANCE_MS} * interval '1 millisecond' > w.audited_until)
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

    async commit(commit) {
      try {
        await db.transaction().execute(async (transaction) => {
          if (!(await compareAndSet(transaction, commit))) throw new OvertakenError();
          for (const session of commit.sessions) {
            await replaceHours(transaction, commit, session);
            await replaceGaps(transaction, commit, session);
          }
          // Sessions fall, and kept states outlive what they were made of, only where late evidence led back in time.
          if (commit.lateEvidenceIds.length > 0) {
            await dropFallenSessions(transaction, commit);
            await dropOutlivedStates(transaction, commit);
          }
          await keepStates(transaction, commit);
          await removeLateEvidence(transaction, commit);
          await addForeignKeys(transaction, commit.foreign);
        });
        return true;
      } catch (error) {
        if (error instanceof OvertakenError) return false;
        throw error;
      }
    },

    async judgedBlindSpans() {
      const rows = await db.selectFrom('judged_blind_spans').selectAll().orderBy('from_at').execute();
      return rows.map((row) => ({ from: row.from_at, to: row.to_at }));
    },

    async replaceJudgedBlindSpans(spans, changed) {
      await db.transaction().execute(async (transaction) => {
        for (const { from, to } of changed) {
          // A callback may be on its way for 35 s, so captures from before the span are judged with it too.
          const since = timestamp(from - DELIVERY_WINDOW_MS);
          await sql`
            with touched as (
              update watermarks w set version = version + 1 where audited_until > ${since}
              and exists (
                select from sessions x where x.stream_id = w.stream_id and x.started_at < ${timestamp(to)}
                and (x.ended_at is null or x.ended_at > ${since})
              )
              returning stream_id
            )
            insert into late_evidence (stream_id, from_at, reason)
            select stream_id, ${since}, 'blindness-changed' from touched`.execute(transaction);
        }
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

    async prune({ statesBefore, auditsBefore }) {
      await db.deleteFrom('judge_states').where('at', '<', timestamp(statesBefore)).execute();
      await db.deleteFrom('audits').where('started_at', '<', timestamp(auditsBefore)).execute();
    },
  };
}

/** Rolls the transaction back; never leaves this file. */
class OvertakenError extends Error {
  override readonly name = 'OvertakenError';
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

async function compareAndSet(transaction: Transaction, commit: StreamCommit): Promise<boolean> {
  const { streamId, expectedVersion, watermark } = commit;
  const values = {
    audited_until: timestamp(watermark.auditedUntil),
    last_key: watermark.lastKey,
    state: json(watermark.state),
    version: expectedVersion + 1,
    updated_at: sql<Instant>`now()`,
  };
  const result =
    expectedVersion === 0
      ? await transaction
          .insertInto('watermarks')
          .values({ stream_id: streamId, ...values })
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirst()
      : await transaction
          .updateTable('watermarks')
          .set(values)
          .where('stream_id', '=', streamId)
          .where('version', '=', expectedVersion)
          .executeTakeFirst();
  const changed = 'numUpdatedRows' in result ? result.numUpdatedRows : result.numInsertedOrUpdatedRows;
  return changed === 1n;
}

async function replaceHours(transaction: Transaction, commit: StreamCommit, session: SessionCommit): Promise<void> {
  const sessionStartedAt = session.sessionStartedAt ?? NO_SESSION;
  await transaction
    .deleteFrom('slot_hours')
    .where('stream_id', '=', commit.streamId)
    .where('session_started_at', '=', timestamp(sessionStartedAt))
    .where('mode', '=', session.mode)
    .where('hour', '>=', timestamp(session.hoursFrom))
    .where(sql<boolean>`hour <> all(${instants(session.hours.map(({ hour }) => hour))})`)
    .execute();
  for (const rows of slices(session.hours)) {
    await transaction
      .insertInto('slot_hours')
      .values(
        rows.map(({ hour, slots }) => ({
          stream_id: commit.streamId,
          hour: timestamp(hour),
          session_started_at: timestamp(sessionStartedAt),
          mode: session.mode,
          ...slots,
        })),
      )
      .onConflict((conflict) =>
        conflict.columns(['stream_id', 'hour', 'session_started_at', 'mode']).doUpdateSet({
          pending: sql`excluded.pending`,
          ok: sql`excluded.ok`,
          late: sql`excluded.late`,
          callback_missing: sql`excluded.callback_missing`,
          object_missing: sql`excluded.object_missing`,
          not_captured: sql`excluded.not_captured`,
          misnamed: sql`excluded.misnamed`,
          unexpected: sql`excluded.unexpected`,
          excused: sql`excluded.excused`,
          unknown: sql`excluded.unknown`,
        }),
      )
      .execute();
  }
}

async function replaceGaps(transaction: Transaction, commit: StreamCommit, session: SessionCommit): Promise<void> {
  const final = commit.watermark.auditedUntil;
  const gaps = oneAKey([
    ...session.finalGaps.map((gap) => ({ gap, finalAt: final as Instant | null })),
    ...session.provisionalGaps.map((gap) => ({ gap, finalAt: null })),
  ]);
  const started = session.sessionStartedAt === null ? null : timestamp(session.sessionStartedAt);
  await transaction
    .deleteFrom('gaps')
    .where('stream_id', '=', commit.streamId)
    .where('mode', '=', session.mode)
    .where(sql<boolean>`session_started_at is not distinct from ${started}`)
    .where(sql<boolean>`(final_at is null or final_at > ${timestamp(commit.base)})`)
    .where(
      sql<boolean>`(from_at, verdict) not in (select * from unnest(${instants(gaps.map(({ gap }) => gap.from))}, ${sql.val(
        gaps.map(({ gap }) => gap.verdict),
      )}::text[]))`,
    )
    .execute();
  for (const rows of slices(gaps)) {
    await transaction
      .insertInto('gaps')
      .values(
        rows.map(({ gap, finalAt }) => ({
          stream_id: commit.streamId,
          from_at: timestamp(gap.from),
          to_at: timestamp(gap.to),
          session_started_at: started,
          verdict: gap.verdict,
          cause: gap.cause,
          mode: session.mode,
          slots: gap.count,
          open: finalAt === null,
          reason: gap.reason ?? null,
          evidence: gap.evidence === null ? null : json(gap.evidence),
          audit_id: commit.auditId,
          final_at: finalAt === null ? null : timestamp(finalAt),
        })),
      )
      .onConflict((conflict) =>
        conflict
          .columns(['stream_id', 'from_at', 'verdict', 'mode'])
          .doUpdateSet({
            to_at: sql`excluded.to_at`,
            session_started_at: sql`excluded.session_started_at`,
            cause: sql`excluded.cause`,
            slots: sql`excluded.slots`,
            open: sql`excluded.open`,
            reason: sql`excluded.reason`,
            evidence: sql`excluded.evidence`,
            audit_id: sql`excluded.audit_id`,
            final_at: sql`excluded.final_at`,
            // A run that is judged again and comes out the same has not changed: nobody is told twice.
            updated_at: sql`case when (gaps.to_at, gaps.session_started_at, gaps.cause, gaps.slots, gaps.open, gaps.reason)
              is distinct from (excluded.to_at, excluded.session_started_at, excluded.cause, excluded.slots, excluded.open,
              excluded.reason) then now() else gaps.updated_at end`,
          })
          .where(
            sql<boolean>`(gaps.to_at, gaps.session_started_at, gaps.cause, gaps.slots, gaps.open, gaps.reason, gaps.final_at)
              is distinct from (excluded.to_at, excluded.session_started_at, excluded.cause, excluded.slots, excluded.open,
              excluded.reason, excluded.final_at)`,
          ),
      )
      .execute();
  }
}

/** Sessions that were found to be others (a refined start, two that are one): what was judged of them goes. */
async function dropFallenSessions(transaction: Transaction, commit: StreamCommit): Promise<void> {
  for (const table of ['slot_hours', 'gaps'] as const) {
    await transaction
      .deleteFrom(table)
      .where('stream_id', '=', commit.streamId)
      .where('session_started_at', '>=', timestamp(commit.base))
      .where(sql<boolean>`session_started_at <> all(${instants(commit.standing)})`)
      .execute();
  }
}

async function dropOutlivedStates(transaction: Transaction, commit: StreamCommit): Promise<void> {
  await transaction
    .deleteFrom('judge_states')
    .where('stream_id', '=', commit.streamId)
    .where('at', '>', timestamp(commit.base))
    .execute();
}

async function keepStates(transaction: Transaction, commit: StreamCommit): Promise<void> {
  if (commit.keep.length === 0) return;
  await transaction
    .insertInto('judge_states')
    .values(commit.keep.map(({ at, state }) => ({ stream_id: commit.streamId, at: timestamp(at), state: json(state) })))
    .onConflict((conflict) => conflict.columns(['stream_id', 'at']).doUpdateSet({ state: sql`excluded.state` }))
    .execute();
}

async function removeLateEvidence(transaction: Transaction, commit: StreamCommit): Promise<void> {
  if (commit.lateEvidenceIds.length === 0) return;
  // Only the rows that were read: one that came in since has not been judged yet.
  await transaction
    .deleteFrom('late_evidence')
    .where('stream_id', '=', commit.streamId)
    .where('id', '=', sql<number>`any(${sql.val(commit.lateEvidenceIds)}::bigint[])`)
    .execute();
}

async function addForeignKeys(transaction: Transaction, foreign: readonly ForeignKeys[]): Promise<void> {
  for (const { bucket, prefix, count, example, lastModified } of foreign) {
    await transaction
      .insertInto('foreign_keys')
      .values({
        bucket,
        prefix,
        count,
        example,
        first_seen_at: timestamp(lastModified),
        last_seen_at: timestamp(lastModified),
      })
      .onConflict((conflict) =>
        conflict.columns(['bucket', 'prefix']).doUpdateSet({
          count: sql`foreign_keys.count + excluded.count`,
          example: sql`excluded.example`,
          first_seen_at: sql`least(foreign_keys.first_seen_at, excluded.first_seen_at)`,
          last_seen_at: sql`greatest(foreign_keys.last_seen_at, excluded.last_seen_at)`,
        }),
      )
      .execute();
  }
}

/** Two runs of one session may begin at the same instant with the same verdict (a claim beside a slot): one row has both. */
function oneAKey(
  gaps: readonly { gap: GapRow; finalAt: Instant | null }[],
): { gap: GapRow; finalAt: Instant | null }[] {
  const byKey = new Map<string, { gap: GapRow; finalAt: Instant | null }>();
  for (const each of gaps) {
    const key = `${each.gap.from} ${each.gap.verdict}`;
    const other = byKey.get(key);
    if (!other) byKey.set(key, each);
    else {
      other.gap = {
        ...other.gap,
        count: other.gap.count + each.gap.count,
        to: Math.max(other.gap.to, each.gap.to),
      };
      if (each.finalAt === null) other.finalAt = null;
    }
  }
  return [...byKey.values()];
}

function* slices<T>(rows: readonly T[]): Iterable<T[]> {
  for (let start = 0; start < rows.length; start += ROWS_A_STATEMENT) yield rows.slice(start, start + ROWS_A_STATEMENT);
}

function instants(values: readonly Instant[]) {
  return sql`cast(${sql.val(values.map((value) => new Date(value).toISOString()))} as timestamptz[])`;
}

function json(value: unknown) {
  return sql<unknown>`cast(${JSON.stringify(value)} as jsonb)`;
}
