import type { IncidentKind } from '../core/incident.ts';
import type { Instant } from '../core/instant.ts';
import { RefusalError } from '../core/refusal.ts';
import type { Clock, SilenceRow, SilenceStore } from '../ports.ts';

const LONGEST_MS = 90 * 86_400_000;

export interface SilenceRequest {
  kind: IncidentKind | null;
  domain: string | null;
  app: string | null;
  stream: string | null;
  /** Now, where null. */
  from: Instant | null;
  until: Instant;
  reason: string;
  author: string;
}

/** No notifications for what matches, until then. Incidents are kept all the same. Throws `RefusalError`. */
export async function silenceIncidents(
  parts: { silences: SilenceStore; clock: Clock },
  request: SilenceRequest,
): Promise<SilenceRow> {
  const now = parts.clock.now();
  const from = request.from ?? now;
  if (request.until <= Math.max(from, now)) {
    throw new RefusalError('bad-parameter', 'A silence must end in the future and after its start.');
  }
  if (request.until - from > LONGEST_MS) throw new RefusalError('bad-parameter', 'A silence lasts 90 days at most.');
  if (request.app !== null && request.domain === null) {
    throw new RefusalError('bad-parameter', 'An app needs its domain.');
  }
  if (request.stream !== null && request.app === null) {
    throw new RefusalError('bad-parameter', 'A stream needs its app.');
  }
  if (request.reason.trim() === '') throw new RefusalError('bad-parameter', 'A silence needs a reason.');
  return parts.silences.add({ ...request, from, createdAt: now });
}

export async function endSilence(
  parts: { silences: SilenceStore; clock: Clock },
  id: number,
  by: string,
): Promise<SilenceRow> {
  const ended = await parts.silences.end(id, parts.clock.now(), by);
  if (!ended) throw new RefusalError('not-found', `There is no silence ${id} that is still to end.`);
  return ended;
}
