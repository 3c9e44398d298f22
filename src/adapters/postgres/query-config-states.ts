import type { Kysely } from 'kysely';
import type { StoredConfigState } from '../../ports.ts';
import type { Tables } from './tables.ts';

/** How the table writes that a subject (a key, a push URL) is of the whole domain. */
export const NO_APP = '';

/** By domain, kind and app; null: of all domains. */
export async function readConfigStates(
  db: Kysely<Tables>,
  domains: readonly string[] | null,
): Promise<StoredConfigState[]> {
  let query = db.selectFrom('config_states').selectAll();
  if (domains !== null) query = query.where('domain', 'in', [...domains]);
  const rows = await query.orderBy('domain').orderBy('kind').orderBy('app').execute();
  return rows.map((row) => ({
    domain: row.domain,
    kind: row.kind,
    app: row.app === NO_APP ? null : row.app,
    state: row.state,
    since: row.since,
    lookedAt: row.looked_at,
    driftedSince: row.drifted_since,
    differences: row.differences as StoredConfigState['differences'],
    stoppedAt: row.stopped_at,
  }));
}
