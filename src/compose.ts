import { type Database, openDatabase } from './adapters/postgres/database.ts';
import { startEmbeddedServer } from './adapters/postgres/embedded-server.ts';
import { migrateToLatest } from './adapters/postgres/migrate.ts';
import { reachDatabase } from './adapters/postgres/reach-database.ts';
import type { Config, Secrets } from './config/env.ts';

/** The only composition root: (config, secrets, overrides) to a thing with `close()`. */

export interface Environment {
  config: Config;
  secrets: Secrets;
}

export interface Storage {
  database: Database;
  /** Names of the migrations that this call applied. */
  applied: string[];
  close(): Promise<void>;
}

/** Opens the database (the embedded one without DATABASE_URL) and brings its schema up to date. */
export async function openStorage(
  { config }: Pick<Environment, 'config'>,
  options: { maxConnections?: number; onProgress?: (message: string) => void; onError?: (error: Error) => void } = {},
): Promise<Storage> {
  const server = config.databaseUrl
    ? null
    : await startEmbeddedServer({
        dataDir: config.dataDir,
        ...(options.onProgress ? { onProgress: options.onProgress } : {}),
      });
  const database = openDatabase({ ...options, url: config.databaseUrl ?? server?.url ?? '' });
  const close = async () => {
    await database.close();
    await server?.stop();
  };
  try {
    await reachDatabase(database);
    return { database, applied: await migrateToLatest(database), close };
  } catch (error) {
    await close();
    throw error;
  }
}
