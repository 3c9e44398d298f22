import { sql } from 'kysely';
import type pg from 'pg';
import type { Instant } from '../../core/instant.ts';
import type { BatchStore, QuarantineEntry, RefusedItem, RetryableQuarantine } from '../../ports.ts';
import type { Database } from './database.ts';
import { timestamp } from './timestamp.ts';
import { withClient } from './with-client.ts';
import { writeAround } from './write-around.ts';

export interface QuarantineStore extends BatchStore<QuarantineEntry>, RetryableQuarantine {
  /** Deletes what is older than `before`, and the oldest beyond `maxRows` (rejected requests first). Returns how many. */
  prune(limits: { before: Instant; maxRows: number }): Promise<number>;
}

export function createQuarantineStore(options: { database: Database }): QuarantineStore {
  const { pool } = options.database;
  return {
    write: (entries, { timeoutMs }) =>
      withClient(pool, timeoutMs, (client) => writeAround(entries, (part) => write(client, part))),
    async unsettled({ afterId, limit, kind, reason }) {
      const rows = await options.database.db
        .selectFrom('quarantine')
        .selectAll()
        .where('id', '>', afterId)
        .where(sql<boolean>`(outcome is null or outcome not in ('stored', 'dropped'))`)
        .$if(kind !== null, (query) => query.where('kind', '=', kind!))
        .$if(reason !== null, (query) => query.where('reason', '=', reason!))
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map((row) => ({
        id: row.id,
        receivedAt: row.received_at,
        kind: row.kind,
        reason: row.reason,
        remoteAddress: row.remote_address,
        headers: row.headers as Record<string, string>,
        body: row.body,
        domain: row.domain,
        app: row.app,
        stream: row.stream,
        object: row.object,
      }));
    },
    async settle(id, outcome, at) {
      await options.database.db
        .updateTable('quarantine')
        .set({ outcome, retried_at: timestamp(at) })
        .where('id', '=', id)
        .execute();
    },
    async prune({ before, maxRows }) {
      const old = await pool.query('delete from quarantine where received_at < to_timestamp($1::float8 / 1000)', [
        before,
      ]);
      const { rows } = await pool.query<{ kept: number }>('select count(*) as kept from quarantine');
      const surplus = Math.max(0, rows[0]!.kept - maxRows);
      // Rejected requests first: what was signed may still be understood one day.
      const dropped =
        surplus === 0
          ? null
          : await pool.query(
              `delete from quarantine where id in (
                 select id from quarantine order by kind <> 'rejected', received_at, id limit $1)`,
              [surplus],
            );
      return (old.rowCount ?? 0) + (dropped?.rowCount ?? 0);
    },
  };
}

async function write(client: pg.ClientBase, entries: QuarantineEntry[]): Promise<RefusedItem<QuarantineEntry>[]> {
  const column = <T>(value: (entry: QuarantineEntry) => T) => entries.map(value);
  await client.query({
    name: 'quarantine',
    text: `insert into quarantine (received_at, kind, reason, remote_address, headers, body, domain, app, stream, object)
      select to_timestamp(received_at / 1000), kind, reason, remote_address, headers::jsonb, decode(body, 'base64'), domain, app, stream, object
      from unnest($1::float8[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])
        as batch (received_at, kind, reason, remote_address, headers, body, domain, app, stream, object)`,
    values: [
      column((entry) => entry.receivedAt),
      column((entry) => entry.kind),
      column((entry) => entry.reason),
      column((entry) => entry.remoteAddress),
      column((entry) => JSON.stringify(entry.headers)),
      column((entry) => Buffer.from(entry.body).toString('base64')),
      column((entry) => entry.domain),
      column((entry) => entry.app),
      column((entry) => entry.stream),
      column((entry) => entry.object),
    ],
  });
  return [];
}
