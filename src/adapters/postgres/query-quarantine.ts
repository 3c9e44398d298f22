import { type Kysely, sql } from 'kysely';
import type { QuarantineHistory, QuarantineRead } from '../../ports.ts';
import { all, within } from './query-scope.ts';
import type { Tables } from './tables.ts';

const QUARANTINE = sql`q.id, q.received_at as "receivedAt", q.kind, q.reason, q.remote_address as "remoteAddress",
  q.domain, q.app, q.stream, q.object, octet_length(q.body) as "bodyBytes", q.retried_at as "retriedAt", q.outcome`;

export function quarantineReads(db: Kysely<Tables>): QuarantineHistory {
  return {
    async quarantineRows({ scope, kind, reason, settled, window, after, limit }) {
      const { rows } = await sql<QuarantineRead>`
        select ${QUARANTINE} from quarantine q where ${all([
          scope.domain ? sql`q.domain = any(${[...scope.domain]}::text[])` : null,
          scope.app ? sql`q.app = any(${[...scope.app]}::text[])` : null,
          scope.stream ? sql`q.stream = any(${[...scope.stream]}::text[])` : null,
          kind ? sql`q.kind = any(${[...kind]}::text[])` : null,
          reason ? sql`q.reason = any(${[...reason]}::text[])` : null,
          settled === undefined
            ? null
            : sql`(q.outcome is not null and q.outcome in ('stored', 'dropped')) = ${sql.lit(settled)}`,
          within(sql`q.received_at`, window),
          after === null ? null : sql`q.id < ${after}`,
        ])} order by q.id desc limit ${limit}`.execute(db);
      return rows;
    },

    async quarantineRow(id) {
      const { rows } = await sql<QuarantineRead & { headers: Record<string, unknown>; body: Buffer }>`
        select ${QUARANTINE}, q.headers, q.body from quarantine q where q.id = ${id}`.execute(db);
      return rows[0] ?? null;
    },
  };
}
