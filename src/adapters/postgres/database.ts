import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Tables } from './tables.ts';

export interface Database {
  db: Kysely<Tables>;
  pool: pg.Pool;
  url: string;
  close(): Promise<void>;
}

const TIMESTAMPTZ = 1184;
const INT8 = 20;

/** Opens a pool. `timestamptz` is read as an `Instant` (ms) and `int8` as a number. Connects lazily. */
export function openDatabase(options: {
  url: string;
  maxConnections?: number;
  applicationName?: string;
  /** Ends a statement that runs for longer; where not given, what the server says holds. */
  statementTimeoutMs?: number;
  onError?: (error: Error) => void;
}): Database {
  const types = new pg.TypeOverrides();
  types.setTypeParser(TIMESTAMPTZ, (text) => Date.parse(text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00')));
  types.setTypeParser(INT8, Number);
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.maxConnections ?? 10,
    application_name: options.applicationName ?? 'snapaudit',
    types,
    options: '-c timezone=UTC',
    ...(options.statementTimeoutMs !== undefined && { statement_timeout: options.statementTimeoutMs }),
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
  });
  // An idle connection that the server ends would otherwise end the process.
  pool.on('error', (error: Error & { client?: unknown }) => {
    // pg hangs the whole client on it, the key to cancel its queries included, and whoever logs the error would log that.
    delete error.client;
    if (!pool.ending) options.onError?.(error);
  });
  // So would one that is lent out: its query rejects as well, so that whoever borrowed it learns of it there.
  pool.on('connect', (client) => client.on('error', () => {}));
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  return {
    db,
    pool,
    url: options.url,
    async close() {
      await db.destroy();
      // Kysely ends only a pool that it has used itself.
      if (!pool.ending) await pool.end();
    },
  };
}
