import { type Kysely, sql } from 'kysely';
import type { Instant } from '../../core/instant.ts';
import type { ForeignKeys, GapRow, SessionCommit, StreamCommit } from '../../ports.ts';
import { sumDays } from './sum-days.ts';
import type { Tables } from './tables.ts';
import { timestamp } from './timestamp.ts';

/** Rows an INSERT carries: 15 columns each stay well under the 65,535 parameters of a statement. */
const ROWS_A_STATEMENT = 1_000;
/** Captures outside every session have no session to be counted under. */
export const NO_SESSION: Instant = 0;

type Transaction = Kysely<Tables>;

/** Stores what an audit made of one stream, in one transaction; false where another replica was faster. */
export async function commitStream(db: Kysely<Tables>, commit: StreamCommit): Promise<boolean> {
  try {
    await db.transaction().execute(async (transaction) => {
      if (!(await compareAndSet(transaction, commit))) throw new OvertakenError();
      if (commit.standsBefore !== null) await cutGaps(transaction, commit.streamId, commit.standsBefore);
      for (const session of commit.sessions) {
        await replaceHours(transaction, commit, session);
        await replaceGaps(transaction, commit, session);
      }
      // Sessions fall, and kept states outlive what they were made of, only where late evidence led back in time.
      if (commit.lateEvidenceIds.length > 0) {
        await dropFallenSessions(transaction, commit);
        await dropOutlivedStates(transaction, commit);
      }
      await sumDays(transaction, {
        streamId: commit.streamId,
        from: Math.min(commit.base, ...commit.sessions.map((session) => session.hoursFrom)),
      });
      await keepStates(transaction, commit);
      await removeLateEvidence(transaction, commit);
      await addForeignKeys(transaction, commit.foreign);
    });
    return true;
  } catch (error) {
    if (error instanceof OvertakenError) return false;
    throw error;
  }
}

/** Rolls the transaction back; never leaves this file. */
class OvertakenError extends Error {
  override readonly name = 'OvertakenError';
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
    .$if(commit.standsBefore !== null, (query) => query.where('to_at', '>', timestamp(commit.standsBefore!)))
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

/**
 * A gap that reaches over the border of what stands: its part before stays, and no judgement to come takes it away. The slots of a
 * run are as far apart as its beat.
 */
async function cutGaps(transaction: Transaction, streamId: number, standsBefore: Instant): Promise<void> {
  const border = timestamp(standsBefore);
  await sql`
    update gaps set to_at = ${border}, open = false, final_at = ${border},
      slots = ceil(slots * extract(epoch from ${border} - from_at) / extract(epoch from to_at - from_at))
    where stream_id = ${streamId} and from_at < ${border} and to_at > ${border}`.execute(transaction);
}

/** Sessions that were found to be others (a refined start, two that are one): what was judged of them goes, unless it stands. */
async function dropFallenSessions(transaction: Transaction, commit: StreamCommit): Promise<void> {
  const { standsBefore } = commit;
  for (const [table, at] of [
    ['slot_hours', 'hour'],
    ['gaps', 'from_at'],
  ] as const) {
    const fallen =
      standsBefore === null
        ? sql<boolean>`session_started_at >= ${timestamp(commit.base)}`
        : sql<boolean>`session_started_at > ${timestamp(NO_SESSION)} and ${sql.ref(at)} >= ${timestamp(standsBefore)}`;
    await transaction
      .deleteFrom(table)
      .where('stream_id', '=', commit.streamId)
      .where(fallen)
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

export function* slices<T>(rows: readonly T[]): Iterable<T[]> {
  for (let start = 0; start < rows.length; start += ROWS_A_STATEMENT) yield rows.slice(start, start + ROWS_A_STATEMENT);
}

function instants(values: readonly Instant[]) {
  return sql`cast(${sql.val(values.map((value) => new Date(value).toISOString()))} as timestamptz[])`;
}

function json(value: unknown) {
  return sql<unknown>`cast(${JSON.stringify(value)} as jsonb)`;
}
