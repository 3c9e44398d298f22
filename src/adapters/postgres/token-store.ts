import type { TokenStore } from '../../ports.ts';
import type { Database } from './database.ts';
import { timestamp } from './timestamp.ts';

const COLUMNS = [
  'id',
  'name',
  'scope',
  'hint',
  'created_at as createdAt',
  'expires_at as expiresAt',
  'last_used_at as lastUsedAt',
  'revoked_at as revokedAt',
] as const;

export function createTokenStore({ db }: Pick<Database, 'db'>): TokenStore {
  return {
    add({ name, scope, hint, hash, createdAt, expiresAt }) {
      return db
        .insertInto('tokens')
        .values({
          name,
          scope,
          hint,
          hash,
          created_at: timestamp(createdAt),
          expires_at: expiresAt === null ? null : timestamp(expiresAt),
        })
        .returning(COLUMNS)
        .executeTakeFirstOrThrow();
    },

    list: () =>
      db
        .selectFrom('tokens')
        .select([...COLUMNS, 'hash'])
        .orderBy('id')
        .execute(),

    async revoke(id, at) {
      const result = await db
        .updateTable('tokens')
        .set({ revoked_at: timestamp(at) })
        .where('id', '=', id)
        .where('revoked_at', 'is', null)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },

    async touch(id, usedAt) {
      await db
        .updateTable('tokens')
        .set({ last_used_at: timestamp(usedAt) })
        .where('id', '=', id)
        .execute();
    },
  };
}
