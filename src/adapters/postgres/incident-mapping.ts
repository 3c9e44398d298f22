import type { Selectable } from 'kysely';
import type { Incident, IncidentFacts } from '../../core/incident.ts';
import type { Instant } from '../../core/instant.ts';
import type { IncidentTable } from './alerting-tables.ts';

export function incidentOf(row: Selectable<IncidentTable>): Incident {
  return {
    id: row.id,
    kind: row.kind,
    scope: { domain: row.domain, app: row.app, stream: row.stream },
    key: row.key,
    status: row.status,
    severity: row.severity,
    since: row.since,
    openedAt: row.opened_at,
    updatedAt: row.updated_at,
    clearSince: row.clear_since,
    resolvedAt: row.resolved_at,
    resolution: row.resolution,
    confirmedAt: row.confirmed_at,
    affected: row.affected,
    total: row.total,
    missed: row.missed,
    expected: row.expected,
    cause: row.cause,
    facts: factsOf(row.facts),
    reopenings: instantsOf(row.reopenings),
    foldedInto: row.folded_into,
    acknowledgedAt: row.acknowledged_at,
    acknowledgedBy: row.acknowledged_by,
    acknowledgedUntil: row.acknowledged_until,
    acknowledgeReason: row.acknowledge_reason,
  };
}

/** A version before this one may have written a last good picture without its stream. */
function factsOf(value: unknown): IncidentFacts {
  const { lastGood, ...facts } = value as IncidentFacts;
  return lastGood && 'stream' in lastGood ? { ...facts, lastGood } : facts;
}

function instantsOf(value: unknown): Instant[] {
  return Array.isArray(value) ? value.filter((entry): entry is Instant => typeof entry === 'number') : [];
}
