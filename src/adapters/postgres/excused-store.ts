import { type Kysely, type Selectable, sql } from 'kysely';
import type { ExcusedSpanRow, ExcusedStore } from '../../ports.ts';
import type { Database } from './database.ts';
import type { ExcusedSpanTable, Tables } from './tables.ts';
import { timestamp } from './timestamp.ts';

/** Maintenance and pauses. A change reaches what was already judged: the streams it touches are judged again. */
export function createExcusedStore(database: Database): ExcusedStore {
  const { db } = database;
  return {
    add: (span) => db.transaction().execute((transaction) => addExcused(transaction, span)),

    async cancel(id, at) {
      return db.transaction().execute(async (transaction) => {
        const row = await transaction
          .updateTable('excused_spans')
          .set({ cancelled_at: timestamp(at) })
          .where('id', '=', id)
          .where('cancelled_at', 'is', null)
          .returningAll()
          .executeTakeFirst();
        if (!row) return null;
        await judgeAgain(transaction, row);
        return rowOf(row);
      });
    },

    async inForce(from, to) {
      const rows = await db
        .selectFrom('excused_spans')
        .selectAll()
        .where('cancelled_at', 'is', null)
        .where('from_at', '<', timestamp(to))
        .where('to_at', '>', timestamp(from))
        .orderBy('from_at')
        .execute();
      return rows.map(rowOf);
    },
  };
}

/** Within the transaction of the caller. */
export async function addExcused(
  transaction: Kysely<Tables>,
  span: Parameters<ExcusedStore['add']>[0],
): Promise<ExcusedSpanRow> {
  const row = await transaction
    .insertInto('excused_spans')
    .values({
      from_at: timestamp(span.from),
      to_at: timestamp(span.to),
      domain: span.domain,
      app: span.app,
      stream: span.stream,
      reason: span.reason,
      author: span.author,
      cancelled_at: null,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await judgeAgain(transaction, row);
  return rowOf(row);
}

/** Bumping the version makes an audit that is under way, and has read the spans already, start over. */
async function judgeAgain(transaction: Kysely<Tables>, span: Selectable<ExcusedSpanTable>): Promise<void> {
  await sql`
    with touched as (
      update watermarks w set version = version + 1 from streams s
      where s.id = w.stream_id and w.audited_until > ${timestamp(span.from_at)}
      and s.domain = coalesce(${span.domain}::text, s.domain) and s.app = coalesce(${span.app}::text, s.app)
      and s.stream = coalesce(${span.stream}::text, s.stream)
      returning w.stream_id
    )
    insert into late_evidence (stream_id, from_at, reason)
    select stream_id, ${timestamp(span.from_at)}, 'excused' from touched`.execute(transaction);
}

function rowOf(row: Selectable<ExcusedSpanTable>): ExcusedSpanRow {
  return {
    id: row.id,
    from: row.from_at,
    to: row.to_at,
    domain: row.domain,
    app: row.app,
    stream: row.stream,
    reason: row.reason,
    author: row.author,
    createdAt: row.created_at,
    cancelledAt: row.cancelled_at,
  };
}
