import { readdir, readFile } from 'node:fs/promises';
import { sql } from 'kysely';
import { type Migration, type MigrationProvider, Migrator } from 'kysely/migration';
import type { Database } from './database.ts';

const FOLDER = new URL('../../../migrations/', import.meta.url);
const NAME = /^\d{4}_[a-z0-9_]+\.sql$/;

const sqlFiles: MigrationProvider = {
  async getMigrations() {
    const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.sql')).sort();
    const migrations: Record<string, Migration> = {};
    for (const file of files) {
      if (!NAME.test(file)) throw new Error(`migrations/${file}: a migration is named like 0001_create_streams.sql`);
      migrations[file.replace(/\.sql$/, '')] = {
        up: async (db) => {
          await sql.raw(await readFile(new URL(file, FOLDER), 'utf8')).execute(db);
        },
      };
    }
    return migrations;
  },
};

/**
 * Brings the schema up to date; returns the names of what was applied. Any number of processes may call it at once:
 * Kysely's lock lets one work and the others find nothing to do.
 */
export async function migrateToLatest(database: Database): Promise<string[]> {
  const migrator = new Migrator({ db: database.db, provider: sqlFiles });
  const { error, results } = await migrator.migrateToLatest();
  // The batch is one transaction: on failure earlier results still read "Success", so the error comes first.
  if (error) {
    const failed = results?.find((result) => result.status === 'Error')?.migrationName;
    throw new Error(`Migration ${failed ?? '(none started)'} failed: ${messageOf(error)}`, { cause: error });
  }
  return (results ?? []).map((result) => result.migrationName);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
