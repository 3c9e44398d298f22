import type { IncidentKind, IncidentScope, Severity } from './incident.ts';
import { levelOf, SEVERITIES } from './incident.ts';

/** `warning` for one stream, `critical` for wider trouble with delivery; what we cannot see because of us is critical. */
function defaultSeverity(kind: IncidentKind, scope: IncidentScope): Severity {
  switch (kind) {
    case 'gap':
    case 'silence':
      return levelOf(scope) === 'stream' ? 'warning' : 'critical';
    case 'blind':
    case 'spool_not_draining':
      return 'critical';
    case 'interval_drift':
    case 'naming':
    case 'config_drift':
    case 'pending_reingest':
    case 'two_callbacks':
    case 'enforce_fight':
    case 'rejected_callbacks':
    case 'audit_stalled':
    case 'forward_refused':
    case 'channel_failing':
      return 'warning';
    default:
      return kind satisfies never;
  }
}

export function severityOf(
  subject: { kind: IncidentKind; scope: IncidentScope },
  overrides: Partial<Record<IncidentKind, Severity>>,
): Severity {
  return overrides[subject.kind] ?? defaultSeverity(subject.kind, subject.scope);
}

export function isAtLeast(severity: Severity, least: Severity): boolean {
  return SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least);
}
