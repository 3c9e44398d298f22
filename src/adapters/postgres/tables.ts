import type { Generated } from 'kysely';
import type { Instant } from '../../core/instant.ts';
import type { Cause, SlotCounts, Verdict } from '../../core/verdict.ts';
import type { AlertingTables } from './alerting-tables.ts';
import type { ConfigControlTables } from './config-tables.ts';
import type { TokenTables } from './token-tables.ts';

/** Row types of the tables in `migrations/`. `timestamptz` is an `Instant` when read; write it with `timestamp()`. */
export interface Tables extends AlertingTables, ConfigControlTables, TokenTables {
  streams: StreamTable;
  config_versions: ConfigVersionTable;
  session_signals: SessionSignalTable;
  sessions: SessionTable;
  capture_shapes: CaptureShapeTable;
  captures: CaptureTable;
  sealed_days: SealedDayTable;
  heartbeats: HeartbeatTable;
  blind_spans: BlindSpanTable;
  quarantine: QuarantineTable;
  audits: AuditTable;
  watermarks: WatermarkTable;
  judge_states: JudgeStateTable;
  late_evidence: LateEvidenceTable;
  judged_blind_spans: JudgedBlindSpanTable;
  backfilled_spans: JudgedBlindSpanTable;
  gaps: GapTable;
  slot_hours: SlotHourTable;
  evidence_kept: EvidenceKeptTable;
  slot_days: SlotDayTable;
  foreign_keys: ForeignKeyTable;
  excused_spans: ExcusedSpanTable;
}

export interface StreamTable {
  id: Generated<number>;
  domain: string;
  app: string;
  stream: string;
  first_seen_at: Generated<Instant>;
}

export interface ConfigVersionTable {
  id: Generated<number>;
  domain: string;
  app: string;
  valid_from: Instant;
  absent: Generated<boolean>;
  interval_seconds: number | null;
  bucket: string | null;
  endpoint: string | null;
  sequence_object: string | null;
  overwrite_object: string | null;
  callback: string | null;
  source: 'observed' | 'applied';
  recorded_at: Generated<Instant>;
}

export interface SessionSignalTable {
  stream_id: number;
  at: Instant;
  kind: string;
  seen_at: Instant;
  started_at: Instant | null;
  ended_at: Instant | null;
  push_domain: string | null;
  changed_at: Generated<Instant>;
}

export interface SessionTable {
  stream_id: number;
  started_at: Instant;
  ended_at: Instant | null;
  certainty: 'announced' | 'listed' | 'inferred';
  end_certain: Generated<boolean>;
  updated_at: Generated<Instant>;
}

export interface CaptureShapeTable {
  id: Generated<number>;
  fingerprint: string;
  shape: unknown;
}

export interface CaptureTable {
  captured_at: Instant;
  delay_ms: number;
  stream_id: number;
  discriminator: number;
  shape_id: number;
  deliveries: Generated<number>;
  flags: Generated<number>;
  told_ms: Generated<number>;
  rest: Generated<string>;
}

export interface SealedDayTable {
  day: string;
  sealed_at: Instant;
  row_count: number;
}

export interface HeartbeatTable {
  receiver_id: string;
  from_at: Instant;
  to_at: Instant;
  host: string;
  proven_at: Instant | null;
}

export interface BlindSpanTable {
  id: Generated<number>;
  from_at: Instant;
  to_at: Instant | null;
  reason: string;
}

export interface QuarantineTable {
  id: Generated<number>;
  received_at: Instant;
  kind: 'rejected' | 'unclassified' | 'implausible';
  reason: string;
  remote_address: string | null;
  headers: Generated<unknown>;
  body: Buffer;
  domain: string | null;
  app: string | null;
  stream: string | null;
  object: string | null;
  retried_at: Instant | null;
  outcome: string | null;
}

export interface AuditTable {
  id: Generated<number>;
  domain: string;
  app: string | null;
  kind: Generated<'audit' | 'backfill'>;
  from_at: Instant;
  to_at: Instant;
  started_at: Instant;
  finished_at: Instant | null;
  status: 'running' | 'done' | 'failed';
  error: string | null;
  streams: Generated<number>;
  list_calls: Generated<number>;
  head_calls: Generated<number>;
  index_calls: Generated<number>;
  keys: Generated<number>;
  captures: Generated<number>;
  restored: Generated<number>;
  seconds: number | null;
}

export interface WatermarkTable {
  stream_id: number;
  audited_until: Instant;
  last_key: string | null;
  state: unknown;
  version: Generated<number>;
  updated_at: Generated<Instant>;
}

export interface JudgeStateTable {
  stream_id: number;
  at: Instant;
  state: unknown;
}

export interface LateEvidenceTable {
  stream_id: number;
  id: Generated<number>;
  from_at: Instant;
  reason: string;
}

export interface JudgedBlindSpanTable {
  from_at: Instant;
  to_at: Instant;
}

export interface GapTable {
  stream_id: number;
  from_at: Instant;
  to_at: Instant;
  session_started_at: Instant | null;
  verdict: Verdict;
  cause: Cause | null;
  mode: Generated<'sequence' | 'overwrite'>;
  slots: number;
  open: boolean;
  reason: string | null;
  evidence: unknown | null;
  audit_id: number | null;
  final_at: Instant | null;
  updated_at: Generated<Instant>;
}

export interface SlotHourTable {
  stream_id: number;
  hour: Instant;
  session_started_at: Instant;
  mode: Generated<'sequence' | 'overwrite'>;
  pending: Generated<number>;
  ok: Generated<number>;
  late: Generated<number>;
  callback_missing: Generated<number>;
  object_missing: Generated<number>;
  not_captured: Generated<number>;
  misnamed: Generated<number>;
  unexpected: Generated<number>;
  excused: Generated<number>;
  unknown: Generated<number>;
}

export type SlotDayTable = { stream_id: number; day: Instant } & SlotCounts;

export interface EvidenceKeptTable {
  what: 'captures' | 'quarantine';
  since: Instant;
}

export interface ForeignKeyTable {
  bucket: string;
  prefix: string;
  count: number;
  example: string | null;
  first_seen_at: Instant;
  last_seen_at: Instant;
}

export interface ExcusedSpanTable {
  id: Generated<number>;
  from_at: Instant;
  to_at: Instant;
  domain: string | null;
  app: string | null;
  stream: string | null;
  reason: string;
  author: string;
  created_at: Generated<Instant>;
  cancelled_at: Instant | null;
}
