import type { Database } from './database.ts';

/** The database cannot be used; the message names host and database (never the password) and what to do. */
export class DatabaseUnavailableError extends Error {
  override readonly name = 'DatabaseUnavailableError';
  /** False where only a person can help: the database was reached, and lets us not in. */
  readonly mayPass: boolean;
  constructor(message: string, options: { cause: unknown; mayPass: boolean }) {
    super(message, options);
    this.mayPass = options.mayPass;
  }
}

const REFUSED = ['28P01', '28000', '3D000'];

/** Connects once. Throws `DatabaseUnavailableError` with one clear sentence. */
export async function reachDatabase(database: Database): Promise<void> {
  try {
    await database.pool.query('select 1');
  } catch (error) {
    const url = new URL(database.url);
    // Without a host, pg takes this machine.
    const where = `${decodeURIComponent(url.pathname.slice(1)) || 'postgres'} at ${url.host || 'localhost'}`;
    throw new DatabaseUnavailableError(`The database ${where} cannot be used: ${reasonOf(error)}`, {
      cause: error,
      mayPass: !REFUSED.includes((error as { code?: string }).code ?? ''),
    });
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message: string };
  switch (code) {
    case 'ECONNREFUSED':
      return 'nothing listens there. Start PostgreSQL, or correct DATABASE_URL.';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its host name does not resolve. Correct DATABASE_URL.';
    case '28P01':
    case '28000':
      return 'it refuses the user or the password. Correct DATABASE_URL (or DATABASE_URL_FILE).';
    case '3D000':
      return 'there is no such database. Create it (createdb), or correct DATABASE_URL.';
    default:
      return `${message}. Check DATABASE_URL and the server.`;
  }
}
