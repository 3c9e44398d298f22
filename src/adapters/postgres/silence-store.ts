import type { Selectable } from 'kysely';
import type { SilenceRow, SilenceStore } from '../../ports.ts';
import type { SilenceTable } from './alerting-tables.ts';
import type { Database } from './database.ts';
import { timestamp } from './timestamp.ts';

export function createSilenceStore(database: Database): SilenceStore {
  const { db } = database;
  return {
    async add({ from, until, createdAt, ...rest }) {
      const row = await db
        .insertInto('silences')
        .values({ ...rest, from_at: timestamp(from), until_at: timestamp(until), created_at: timestamp(createdAt) })
        .returningAll()
        .executeTakeFirstOrThrow();
      return silenceOf(row);
    },

    async end(id, at, by) {
      const row = await db
        .updateTable('silences')
        .set({ ended_at: timestamp(at), ended_by: by })
        .where('id', '=', id)
        .where('ended_at', 'is', null)
        .where('until_at', '>', timestamp(at))
        .returningAll()
        .executeTakeFirst();
      return row ? silenceOf(row) : null;
    },

    async inForce(now) {
      const rows = await db
        .selectFrom('silences')
        .selectAll()
        .where('ended_at', 'is', null)
        .where('from_at', '<=', timestamp(now))
        .where('until_at', '>', timestamp(now))
        .execute();
      return rows.map(silenceOf);
    },

    async list(after, limit) {
      let query = db.selectFrom('silences').selectAll().orderBy('id', 'desc').limit(limit);
      if (after !== null) query = query.where('id', '<', after);
      return (await query.execute()).map(silenceOf);
    },
  };
}

function silenceOf(row: Selectable<SilenceTable>): SilenceRow {
  return {
    id: row.id,
    kind: row.kind,
    domain: row.domain,
    app: row.app,
    stream: row.stream,
    from: row.from_at,
    until: row.until_at,
    reason: row.reason,
    author: row.author,
    createdAt: row.created_at,
    endedAt: row.ended_at,
  };
}
