import { type Kysely, sql } from 'kysely';
import type { Incident } from '../../core/incident.ts';
import { incidentOf } from './incident-mapping.ts';
import type { Tables } from './tables.ts';

/**
 * Incidents that the channel was told of and that one of these wider ones has taken over, or took with it when it was
 * resolved. Not those whose scope has a live incident of its own again: what tells the two apart is not in an alert.
 */
export async function foldedAndTold(db: Kysely<Tables>, channel: string, into: readonly number[]): Promise<Incident[]> {
  if (into.length === 0) return [];
  const rows = await db
    .selectFrom('incidents as f')
    .innerJoin('incidents as w', 'w.id', 'f.folded_into')
    .selectAll('f')
    .where('w.id', 'in', into)
    .where((eb) => eb.or([eb('f.status', '<>', 'resolved'), eb('f.resolved_at', '=', eb.ref('w.resolved_at'))]))
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('notifications as n')
          .select('n.id')
          .whereRef('n.incident_id', '=', 'f.id')
          .where('n.channel', '=', channel)
          .where('n.status', '=', 'sent'),
      ),
    )
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('incidents as o')
            .select('o.id')
            .whereRef('o.track', '=', 'f.track')
            .whereRef('o.key', '=', 'f.key')
            .where(sql<boolean>`(o.domain, o.app, o.stream) is not distinct from (f.domain, f.app, f.stream)`)
            .where('o.status', '<>', 'resolved')
            .where('o.folded_into', 'is', null),
        ),
      ),
    )
    .orderBy('f.id')
    .execute();
  return rows.map(incidentOf);
}
