import { readdir } from 'node:fs/promises';
import type { DatabaseReport } from '../../ports.ts';
import type { Database } from './database.ts';

const FOLDER = new URL('../../../migrations/', import.meta.url);

/** Version and rights of the database, and how far its schema is. Throws where it cannot be reached. */
export async function reportDatabase({ pool }: Database): Promise<DatabaseReport> {
  const { rows } = await pool.query(
    `select current_setting('server_version_num')::int / 10000 as major,
            has_schema_privilege(current_schema(), 'create') as can_create,
            has_database_privilege(current_database(), 'create') as can_create_schema`,
  );
  const files = (await readdir(FOLDER))
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.replace(/\.sql$/, ''));
  const applied = await pool
    .query('select name from kysely_migration')
    .then((result) => new Set(result.rows.map((row: { name: string }) => row.name)))
    .catch(() => new Set<string>());
  return {
    majorVersion: rows[0].major,
    canCreate: rows[0].can_create && rows[0].can_create_schema,
    pendingMigrations: files.filter((name) => !applied.has(name)),
  };
}
