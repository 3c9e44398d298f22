import { type Kysely, sql } from 'kysely';
import type { AuditReads } from '../../ports.ts';
import { all, within } from './query-scope.ts';
import type { Tables } from './tables.ts';

export function auditReads(db: Kysely<Tables>): AuditReads {
  return {
    async auditRows({ domain, status, window, after, limit }) {
      const rows = await db
        .selectFrom('audits')
        .select(['id', 'domain', 'app', 'from_at as from', 'to_at as to', 'started_at as startedAt'])
        .select(['finished_at as finishedAt', 'status', 'error', 'streams', 'list_calls as listCalls'])
        .select([
          'head_calls as headCalls',
          'index_calls as indexCalls',
          'keys',
          'captures',
          'restored',
          'kind',
          'seconds',
        ])
        .where(
          all([
            domain ? sql`domain = any(${[...domain]}::text[])` : null,
            status ? sql`status = any(${[...status]}::text[])` : null,
            within(sql`started_at`, window),
            after === null ? null : sql`id < ${after}`,
          ]),
        )
        .orderBy('id', 'desc')
        .limit(limit)
        .execute();
      return rows;
    },
  };
}
