import type { IncidentKind } from '../../../core/incident.ts';
import type { LiveIncident, WallStream } from '../api.ts';

/** They concern our own messages, not the delivery of any stream: they stand at the top of the wall and nowhere else. */
const OF_OURSELVES: ReadonlySet<IncidentKind> = new Set(['spool_not_draining', 'channel_failing']);

type Names = LiveIncident['scope'];
const scopeKey = ({ domain, app, stream }: Names) => JSON.stringify([domain, app, stream]);

/**
 * The incident to show on a stream's card: its own, or else that of its app, its domain, or everything. Of several with one scope
 * the first counts: they come worst first. A wider one says nothing of a stream that is offline.
 */
export function incidentOfStream(incidents: readonly LiveIncident[]): (stream: WallStream) => LiveIncident | null {
  const byScope = new Map<string, LiveIncident>();
  for (const incident of incidents.toReversed()) {
    if (!OF_OURSELVES.has(incident.kind)) byScope.set(scopeKey(incident.scope), incident);
  }
  // Thousands of cards share a few wide scopes; without any incident none is looked for.
  if (byScope.size === 0) return () => null;
  return ({ domain, app, stream, status }) => {
    const own = byScope.get(scopeKey({ domain, app, stream }));
    if (own || status === 'offline') return own ?? null;
    for (const wider of [
      { domain, app, stream: null },
      { domain, app: null, stream: null },
      { domain: null, app: null, stream: null },
    ]) {
      const found = byScope.get(scopeKey(wider));
      if (found) return found;
    }
    return null;
  };
}
