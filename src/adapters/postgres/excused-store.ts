import { type Kysely, type Selectable, sql } from 'kysely';
import type { ExcusedSpanRow, ExcusedStore } from '../../ports.ts';
import type { Database } from './database.ts';
import { judgeAgain } from './judge-again.ts';
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
        await touch(transaction, row);
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
  await touch(transaction, row);
  return rowOf(row);
}

/** An audit under way has read the spans already. What is to come is read by the audits to come. */
async function touch(transaction: Kysely<Tables>, span: Selectable<ExcusedSpanTable>): Promise<void> {
  await judgeAgain(
    transaction,
    sql`select s.id as stream_id, ${timestamp(span.from_at)} as from_at from streams s
      where ${timestamp(span.from_at)} < now() + interval '1 hour'
      and s.domain = coalesce(${span.domain}::text, s.domain) and s.app = coalesce(${span.app}::text, s.app)
      and s.stream = coalesce(${span.stream}::text, s.stream)`,
    'excused',
  );
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
