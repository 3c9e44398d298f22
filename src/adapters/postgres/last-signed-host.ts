import { sql } from 'kysely';
import type { HostForm } from '../../core/callback-signature.ts';
import { CAPTURE_FLAGS } from '../../core/capture-flags.ts';
import type { Database } from './database.ts';

/** Which form of our host a callback of the last day was signed with; any one will do. null: none was verified. */
export async function lastSignedHost({ db }: Pick<Database, 'db'>): Promise<HostForm | null> {
  const { rows } = await sql<{ flags: number }>`
    select flags from captures
    where captured_at > now() - interval '1 day' and flags & ${sql.lit(CAPTURE_FLAGS.verified)} <> 0
    limit 1`.execute(db);
  const row = rows[0];
  if (row === undefined) return null;
  return row.flags & CAPTURE_FLAGS.hostPort ? 'host-port' : 'host';
}
