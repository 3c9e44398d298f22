import pRetry from 'p-retry';
import type { Logger } from 'pino';
import { type Database, openDatabase } from '../adapters/postgres/database.ts';
import { startEmbeddedServer } from '../adapters/postgres/embedded-server.ts';
import { migrateToLatest } from '../adapters/postgres/migrate.ts';
import { DatabaseUnavailableError, reachDatabase } from '../adapters/postgres/reach-database.ts';
import type { Config } from '../config/env.ts';

const AGAIN_AFTER_MS = { first: 500, most: 5_000 };

export interface Storage {
  database: Database;
  /** Names of the migrations that this call applied. */
  applied: string[];
  /** The database is away and `mayBeAway` was given: nothing has been migrated yet (`untilDone`). */
  isAway: boolean;
  close(): Promise<void>;
}

/**
 * Opens the database (the embedded one without DATABASE_URL) and brings its schema up to date. `mayBeAway`: one that merely does not
 * answer now is no error.
 */
export async function openStorage(
  { config }: { config: Config },
  options: {
    maxConnections?: number;
    onProgress?: ((message: string) => void) | undefined;
    logger?: Logger;
    mayBeAway?: boolean;
    /** False: look only, and leave the schema as it is. */
    migrate?: boolean;
  } = {},
): Promise<Storage> {
  const server = config.databaseUrl
    ? null
    : await startEmbeddedServer({
        dataDir: config.dataDir,
        ...(options.onProgress && { onProgress: options.onProgress }),
      });
  const database = openDatabase({
    url: config.databaseUrl ?? server?.url ?? '',
    ...(options.maxConnections !== undefined && { maxConnections: options.maxConnections }),
    onError: (error) => options.logger?.warn({ err: error }, 'an idle database connection ended'),
  });
  const close = async () => {
    await database.close();
    await server?.stop();
  };
  try {
    await reachDatabase(database);
    return {
      database,
      applied: options.migrate === false ? [] : await migrateToLatest(database),
      isAway: false,
      close,
    };
  } catch (error) {
    if (options.mayBeAway && error instanceof DatabaseUnavailableError && error.mayPass) {
      options.logger?.warn(error.message);
      return { database, applied: [], isAway: true, close };
    }
    await close();
    throw error;
  }
}

/** Tries until the database is there, its schema up to date and `work` done, for it may go away meanwhile; rejects when `signal` ends it. */
export async function untilDone(
  work: () => Promise<void>,
  database: Database,
  { signal, logger }: { signal: AbortSignal; logger: Logger },
): Promise<void> {
  await pRetry(
    async () => {
      await reachDatabase(database);
      await migrateToLatest(database);
      await work();
    },
    {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: AGAIN_AFTER_MS.first,
      maxTimeout: AGAIN_AFTER_MS.most,
      signal,
      onFailedAttempt: ({ error }) => {
        if (!(error instanceof DatabaseUnavailableError))
          logger.error({ err: error }, 'the jobs could not be begun; another try follows');
      },
    },
  );
}

/**
 * Whether `work` was done: false where it failed because the database is away just now. Where the database is there, it may have been away
 * and be back, so it is tried once more before the failure is thrown.
 */
export async function isDone(work: () => Promise<void>, database: Database, logger: Logger): Promise<boolean> {
  for (let tries = 1; ; tries += 1) {
    try {
      await work();
      return true;
    } catch (error) {
      const away = await reachDatabase(database).then(
        () => null,
        (reason: unknown) => reason,
      );
      if (away instanceof DatabaseUnavailableError && away.mayPass) {
        logger.warn(away.message);
        return false;
      }
      if (tries === 2) throw error;
      logger.warn({ err: error }, 'the jobs could not be started; once more');
    }
  }
}
