import { sql } from 'kysely';
import type { OperatorLog } from '../../ports.ts';
import type { Database } from './database.ts';
import { all, within } from './query-scope.ts';

export function createOperatorLog({ db }: Pick<Database, 'db'>): OperatorLog {
  return {
    async record({ actor, action, target, detail, status, remoteAddress }) {
      await db
        .insertInto('operator_log')
        .values({
          actor,
          action,
          target,
          detail: detail === null ? null : sql`${JSON.stringify(detail)}::jsonb`,
          status,
          remote_address: remoteAddress,
        })
        .execute();
    },

    list({ window, after, limit }) {
      return db
        .selectFrom('operator_log')
        .select(['id', 'at', 'actor', 'action', 'target', 'detail', 'status', 'remote_address as remoteAddress'])
        .where(all([within(sql`at`, window), after === null ? null : sql`id < ${after}`]))
        .orderBy('id', 'desc')
        .limit(limit)
        .execute();
    },
  };
}
