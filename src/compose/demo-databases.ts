import { sql } from 'kysely';
import type { Database } from '../adapters/postgres/database.ts';

const NAME = /^demo_(\d+)_\d+$/;

/** A name for the database of a demo; it tells whose it is. */
export function demoDatabaseName(pid: number, now: number): string {
  return `demo_${pid}_${now}`;
}

/**
 * Drops the databases of demos that were killed: of a process that is gone, and with nobody connected. One that begins at the same time
 * may have made its own and not yet connected to it.
 */
export async function dropLeftDatabases({ db }: Database): Promise<void> {
  const { rows } = await sql<{ name: string }>`
    select datname as name from pg_database d
    where datname like 'demo\\_%' and not exists (select from pg_stat_activity a where a.datid = d.oid)
  `.execute(db);
  for (const { name } of rows) {
    const pid = Number(NAME.exec(name)?.[1]);
    if (!pid || isRunning(pid)) continue;
    await sql`drop database if exists ${sql.id(name)}`.execute(db).catch(() => {});
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
