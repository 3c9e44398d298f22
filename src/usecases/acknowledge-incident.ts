import type { Incident } from '../core/incident.ts';
import type { Instant } from '../core/instant.ts';
import { RefusalError } from '../core/refusal.ts';
import type { Clock, IncidentStore } from '../ports.ts';

/** "I am on it": no repeats until it is resolved, or until `until`. Throws `RefusalError`. */
export async function acknowledgeIncident(
  parts: { incidents: IncidentStore; clock: Clock },
  request: { id: number; by: string; until: Instant | null; reason: string | null },
): Promise<Incident> {
  const at = parts.clock.now();
  if (request.until !== null && request.until <= at) {
    throw new RefusalError('bad-parameter', 'The end of the acknowledgement must lie in the future.');
  }
  const incident = await parts.incidents.acknowledge(request.id, { at, ...request });
  if (incident) return incident;
  const found = await parts.incidents.find(request.id);
  throw found
    ? new RefusalError('conflict', `Incident ${request.id} is resolved already.`)
    : new RefusalError('not-found', `There is no incident ${request.id}.`);
}
