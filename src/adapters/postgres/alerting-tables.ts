import type { Generated } from 'kysely';
import type { IncidentKind, IncidentStatus, Resolution, Severity, Track, TransitionKind } from '../../core/incident.ts';
import type { Instant } from '../../core/instant.ts';
import type { NotificationEvent, NotificationStatus } from '../../core/notification-status.ts';

/** Row types of migrations 0013 to 0016 and 0021. */
export interface AlertingTables {
  incidents: IncidentTable;
  incident_transitions: IncidentTransitionTable;
  incident_gaps: IncidentGapTable;
  findings: FindingTable;
  alerting_progress: AlertingProgressTable;
  notifications: NotificationTable;
  channel_states: ChannelStateTable;
  silences: SilenceTable;
  maintenance_schedules: MaintenanceScheduleTable;
  maintenance_occurrences: MaintenanceOccurrenceTable;
}

export interface IncidentTable {
  id: Generated<number>;
  track: Track;
  kind: IncidentKind;
  domain: string | null;
  app: string | null;
  stream: string | null;
  key: Generated<string>;
  status: IncidentStatus;
  severity: Severity;
  since: Instant;
  opened_at: Instant;
  updated_at: Instant;
  clear_since: Instant | null;
  resolved_at: Instant | null;
  resolution: Resolution | null;
  confirmed_at: Instant | null;
  affected: number;
  total: number;
  missed: number | null;
  expected: number | null;
  cause: string | null;
  facts: unknown;
  reopenings: unknown;
  folded_into: number | null;
  acknowledged_at: Instant | null;
  acknowledged_by: string | null;
  acknowledged_until: Instant | null;
  acknowledge_reason: string | null;
}

export interface IncidentTransitionTable {
  id: Generated<number>;
  incident_id: number;
  at: Instant;
  kind: TransitionKind;
  actor: string;
  reason: string | null;
  details: unknown;
}

export interface IncidentGapTable {
  stream_id: number;
  from_at: Instant;
  verdict: string;
  mode: string;
  first_seen_at: Instant;
  incident_id: number | null;
}

export interface FindingTable {
  kind: IncidentKind;
  domain: string | null;
  app: string | null;
  stream: string | null;
  key: string;
  active: boolean;
  since: Instant;
  cause: string | null;
  facts: unknown;
  reported_at: Instant;
}

export interface AlertingProgressTable {
  name: string;
  at: Instant;
}

export interface NotificationTable {
  id: Generated<number>;
  channel: string;
  incident_id: number | null;
  event: NotificationEvent;
  cause_key: string;
  status: Generated<NotificationStatus>;
  created_at: Instant;
  due_at: Instant;
  attempts: Generated<number>;
  claimed_until: Instant | null;
  message_id: string | null;
  sent_at: Instant | null;
  error: string | null;
  summary: string | null;
}

export interface ChannelStateTable {
  channel: string;
  fingerprint: string;
  disabled_at: Instant | null;
  disabled_reason: string | null;
  paused_until: Instant | null;
  outcome: 'taken' | 'partly' | 'rejected' | null;
  in_a_row: Generated<number>;
}

export interface SilenceTable {
  id: Generated<number>;
  kind: IncidentKind | null;
  domain: string | null;
  app: string | null;
  stream: string | null;
  from_at: Instant;
  until_at: Instant;
  reason: string;
  author: string;
  created_at: Instant;
  ended_at: Instant | null;
  ended_by: string | null;
}

export interface MaintenanceScheduleTable {
  id: Generated<number>;
  name: string | null;
  cron: string;
  time_zone: string;
  duration_seconds: number;
  domain: string | null;
  app: string | null;
  stream: string | null;
  reason: string;
  author: string;
  created_at: Instant;
  ended_at: Instant | null;
  planned_until: Instant;
}

export interface MaintenanceOccurrenceTable {
  schedule_id: number;
  from_at: Instant;
  excused_span_id: number | null;
}
