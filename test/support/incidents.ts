import type { Condition, Incident } from '../../src/core/incident.ts';
import type { IncidentRules } from '../../src/core/incident-rules.ts';

/** 2026-11-24T00:00:00Z */
export const T0 = Date.UTC(2026, 10, 24);

export const RULES: IncidentRules = {
  resolveAfterSeconds: 60,
  flapHoldSeconds: 600,
  flapWindowSeconds: 600,
  reopenWithinSeconds: 1800,
  auditWaitSeconds: 180,
  storm: { ratio: 0.5, minStreams: 3 },
};

export function silenceCondition(
  stream: string,
  change: Partial<Condition> & { app?: string; domain?: string } = {},
): Condition {
  const { app = 'live', domain = 'play.example.com', ...rest } = change;
  return {
    kind: 'silence',
    scope: { domain, app, stream },
    key: '',
    since: T0,
    until: null,
    affected: 1,
    total: 200,
    missed: 2,
    expected: 2,
    cause: null,
    facts: {},
    ripe: true,
    gaps: [],
    ...rest,
  };
}

export function incidentOf(condition: Condition, change: Partial<Incident> = {}): Incident {
  return {
    id: 1,
    kind: condition.kind,
    scope: condition.scope,
    key: condition.key,
    status: 'open',
    severity: 'warning',
    since: condition.since,
    openedAt: T0,
    updatedAt: T0,
    clearSince: null,
    resolvedAt: null,
    resolution: null,
    confirmedAt: null,
    affected: condition.affected,
    total: condition.total,
    missed: condition.missed,
    expected: condition.expected,
    cause: condition.cause,
    facts: condition.facts,
    reopenings: [],
    foldedInto: null,
    acknowledgedAt: null,
    acknowledgedBy: null,
    acknowledgedUntil: null,
    acknowledgeReason: null,
    ...change,
  };
}
