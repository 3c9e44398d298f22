/** What alerting needs from outside. Part of `ports.ts`. */

import type { Found } from '../core/found.ts';
import type { Condition, Incident, IncidentKind, IncidentScope, Severity, TransitionKind } from '../core/incident.ts';
import type { GapFact } from '../core/incident-conditions.ts';
import type { Decision } from '../core/incident-decisions.ts';
import type { Instant } from '../core/instant.ts';
import type { Silence } from '../core/notification.ts';
import type { NotificationEvent, NotificationStatus } from '../core/notification-status.ts';
import type { Span } from '../core/span.ts';
import type { StreamKey } from '../core/stream-key.ts';

/**
 * Where the parts of the service report what they find wrong, over and over while it lasts; alerting makes incidents of
 * it. Reporting is cheap and safe to repeat. `active: false` says that it is good again.
 */
export interface AlertSink {
  report(finding: Finding): Promise<void>;
}

export interface Finding {
  kind: IncidentKind;
  /** Absent or null: all of them. */
  domain?: string | null;
  app?: string | null;
  stream?: string | null;
  /** Tells findings of one kind and scope apart (a host name, a field); mostly absent. */
  key?: string;
  active: boolean;
  /** Now, where absent; the first report of a condition dates its beginning. */
  at?: Instant;
  /** kebab-case or one of the causes; null where none is known. */
  cause?: string | null;
  /** What was found, for messages of every language. */
  found?: Found;
  /** One sentence for people, without secrets; where absent, that of `found`. */
  detail?: string;
}

export interface ActiveFinding {
  kind: IncidentKind;
  scope: IncidentScope;
  key: string;
  since: Instant;
  cause: string | null;
  detail: string | null;
  found: Found | null;
  /** False: its reporter has long been silent, and never said that it is good again. */
  reported: boolean;
}

// ---- the facts that alerting looks at ----

export interface OnAirRow {
  streamId: number;
  domain: string;
  app: string;
  stream: string;
  startedAt: Instant;
  certainty: 'announced' | 'listed' | 'inferred';
}

export interface HeardCapture {
  /** When the callback came in. */
  receivedAt: Instant;
  capturedAt: Instant;
}

export interface AlertingGap extends GapFact {
  /** What is known of our own blindness has changed since it was judged: the audit is about to judge it again. */
  rejudging: boolean;
  /** Judged just after the database was away, while callbacks and ends of sessions may still have waited in spools: the next audit knows them. */
  unsettled: boolean;
}

export interface AuditStall {
  domain: string;
  /** End of the newest finished audit; null where there was none. */
  lastDoneAt: Instant | null;
  lastError: string | null;
}

/** What is known of the evaluations before this one, on whatever replica; null where there was none. */
export interface LooksBefore {
  /** End of the last one. */
  lookedAt: Instant | null;
  /** Since when they have come without a break. */
  resumedAt: Instant | null;
}

/** Reads only, beside `noteGaps`, `looksBefore` and `noteLook`. Each method throws where it could not look. */
export interface AlertingFacts {
  onAir(): Promise<OnAirRow[]>;
  /** Those of the streams that have a running session. */
  stillOnAir(streamIds: readonly number[]): Promise<Set<number>>;
  /** The newest callback of each stream since `since`; streams without one are absent. */
  lastHeard(streamIds: readonly number[], since: Instant): Promise<Map<number, HeardCapture>>;
  /** Callbacks whose capture lies in the window, per stream; streams without one are absent. */
  heardCounts(streamIds: readonly number[], from: Instant): Promise<Map<number, number>>;
  newestHeartbeat(): Promise<Instant | null>;
  /** To be asked once by each evaluation: notes that they begin anew where the last one ended more than `breakMs` ago. */
  looksBefore(now: Instant, breakMs: number): Promise<LooksBefore>;
  /** Notes the end of an evaluation. */
  noteLook(at: Instant): Promise<void>;
  /** Takes note of gaps that changed since the last call, once each; `late` ones only where they are told. */
  noteGaps(now: Instant, tellLate: boolean): Promise<void>;
  /** Gaps that may still grow, and those that no incident tells of. `resumedAt`: end of the last interruption of the evaluations. */
  gaps(now: Instant, resumedAt: Instant | null): Promise<AlertingGap[]>;
  findings(now: Instant): Promise<ActiveFinding[]>;
  /** The newest capture of the stream before the instant, at most a day before; null where there is none. */
  lastCaptureBefore(streamId: number, before: Instant): Promise<{ at: Instant; stream: StreamKey } | null>;
  /** Rejected and unreadable requests since `from`, by domain (null: it could not be read). */
  rejections(from: Instant): Promise<{ domain: string | null; reason: string; count: number; firstAt: Instant }[]>;
  /** Domains with a session that has run since before `before`, none of whose audits has finished after it. */
  auditStalls(before: Instant): Promise<AuditStall[]>;
  /**
   * Until when the audit has judged every stream of the scope; null where it has judged none, and where it found a gap since `since`
   * or could not look.
   */
  auditedUntil(scope: IncidentScope, since: Instant): Promise<Instant | null>;
}

// ---- incidents ----

/** Who is to be told of what: rows for `notifications`, made in the transaction that changes the incident. */
export type Router = (incident: Incident, event: NotificationEvent) => string[];

export interface IncidentChange {
  kind: TransitionKind;
  incident: Incident;
}

export interface IncidentFilter {
  status?: readonly Incident['status'][] | undefined;
  kind?: readonly IncidentKind[] | undefined;
  severity?: readonly Severity[] | undefined;
  domain?: readonly string[] | undefined;
  app?: readonly string[] | undefined;
  stream?: readonly string[] | undefined;
  /** Of the opening. */
  from: Instant | null;
  to: Instant | null;
}

export interface IncidentTransition {
  id: number;
  at: Instant;
  kind: TransitionKind;
  actor: string;
  reason: string | null;
}

export interface IncidentStore {
  /**
   * One evaluation: hands the incidents that are not resolved, or were resolved since `since`, to `decide` and applies what it
   * decides, in one transaction. null where another replica is at it right now.
   */
  evaluate(
    options: { now: Instant; since: Instant; severity: (condition: Condition) => Severity; route: Router },
    decide: (incidents: Incident[]) => Promise<Decision[]>,
  ): Promise<IncidentChange[] | null>;
  /** Newest first. */
  list(filter: IncidentFilter, after: [Instant, number] | null, limit: number): Promise<Incident[]>;
  find(id: number): Promise<Incident | null>;
  transitions(id: number): Promise<IncidentTransition[]>;
  /** null where it is resolved (or not there). */
  acknowledge(
    id: number,
    change: { at: Instant; by: string; until: Instant | null; reason: string | null },
  ): Promise<Incident | null>;
  /** Live ones, and those resolved since `since`: what an Alertmanager must know. */
  forKeepAlive(since: Instant): Promise<Incident[]>;
  report(finding: Finding, now: Instant): Promise<void>;
  /** Ends the findings of this kind whose key is none of these. */
  endFindingsBut(kind: IncidentKind, keys: readonly string[], now: Instant): Promise<void>;
  /** All that stands about the configs of the domain; what was found before and is not among it ends. */
  reportConfigs(domain: string, standing: readonly Finding[], now: Instant): Promise<void>;
  /** What was found last about the configs of the domain counts as reported now. */
  keepConfigs(domain: string, now: Instant): Promise<void>;
  /** Live incidents by kind, severity and status. */
  counts(): Promise<{ kind: IncidentKind; severity: Severity; status: Incident['status']; count: number }[]>;
  prune(before: Instant): Promise<void>;
}

// ---- silences and maintenance ----

export interface SilenceRow extends Silence {
  id: number;
  reason: string;
  author: string;
  createdAt: Instant;
  endedAt: Instant | null;
}

export interface SilenceStore {
  add(silence: Omit<SilenceRow, 'id' | 'endedAt'>): Promise<SilenceRow>;
  /** null where there is none that is still to come or running. */
  end(id: number, at: Instant, by: string): Promise<SilenceRow | null>;
  inForce(now: Instant): Promise<SilenceRow[]>;
  /** Newest first. */
  list(after: number | null, limit: number): Promise<SilenceRow[]>;
}

export interface MaintenanceSchedule {
  id: number;
  /** Of the settings file; null for one made by command or API. */
  name: string | null;
  cron: string;
  timeZone: string;
  durationSeconds: number;
  domain: string | null;
  app: string | null;
  stream: string | null;
  reason: string;
  author: string;
  createdAt: Instant;
  endedAt: Instant | null;
  /** Occurrences before this instant have their excused span. */
  plannedUntil: Instant;
}

export interface MaintenanceStore {
  add(schedule: Omit<MaintenanceSchedule, 'id' | 'endedAt'>): Promise<MaintenanceSchedule>;
  /** null where there is none that runs. */
  end(id: number, at: Instant): Promise<MaintenanceSchedule | null>;
  /** Running ones, oldest first; `all`: the ended ones too. */
  list(all: boolean): Promise<MaintenanceSchedule[]>;
  setPlannedUntil(id: number, until: Instant): Promise<void>;
  /** Excuses one occurrence of a running schedule, once however many plan it at the same time. */
  planSpan(schedule: MaintenanceSchedule, span: Span): Promise<void>;
  /** Excused spans of occurrences that begin at or after the instant. */
  spansFrom(id: number, from: Instant): Promise<number[]>;
}

// ---- metrics ----

/** Numbers for `/metrics`, read at scrape time. Apps beyond a bound are summed up as `other`. */
export interface MetricsSource {
  read(now: Instant): Promise<MetricsSnapshot>;
}

export interface MetricsSnapshot {
  onAir: { domain: string; app: string; streams: number }[];
  /** Slots of the current and the last hour by verdict. */
  slots: { domain: string; app: string; verdict: string; slots: number }[];
  incidents: { kind: IncidentKind; severity: Severity; status: Incident['status']; count: number }[];
  notifications: { channel: string; status: NotificationStatus; count: number }[];
  /** Age of the newest finished audit; where there is none, since the first was begun or the first stream went on air. */
  auditAgeSeconds: { domain: string; seconds: number }[];
  quarantined: { kind: string; count: number }[];
  newestHeartbeat: Instant | null;
}
