import type { Found } from './found.ts';
import type { Instant } from './instant.ts';
import type { StreamKey } from './stream-key.ts';
import type { Verdict } from './verdict.ts';

/** What an incident can be about. To add one: here, `severity.ts`, `message-words.ts` and the words of the pages (the compiler asks for each). */
export const INCIDENT_KINDS = [
  'gap',
  'silence',
  'interval_drift',
  'naming',
  'config_drift',
  'pending_reingest',
  'two_callbacks',
  'enforce_fight',
  'rejected_callbacks',
  'blind',
  'audit_stalled',
  'spool_not_draining',
  'forward_refused',
  'channel_failing',
] as const;
export type IncidentKind = (typeof INCIDENT_KINDS)[number];

/** Kinds that are one story share a track: a suspected silence that the audit confirms goes on as a gap. */
export type Track = 'delivery' | Exclude<IncidentKind, 'gap' | 'silence'>;

export function trackOf(kind: IncidentKind): Track {
  return kind === 'gap' || kind === 'silence' ? 'delivery' : kind;
}

export const SEVERITIES = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

export const INCIDENT_STATUSES = ['open', 'acknowledged', 'resolved'] as const;
export type IncidentStatus = (typeof INCIDENT_STATUSES)[number];
/**
 * recovered: the facts became good again. withdrawn: the audit found nothing missing. folded: a wider incident told of it.
 * unreported: whoever reported it is silent, so nobody knows whether it is good again.
 */
export const RESOLUTIONS = ['recovered', 'withdrawn', 'folded', 'unreported'] as const;
export type Resolution = (typeof RESOLUTIONS)[number];

export type TransitionKind =
  | 'opened'
  | 'reopened'
  | 'confirmed'
  | 'acknowledged'
  | 'acknowledge-expired'
  | 'folded'
  | 'resolved';

/** null: all of them. A stream has an app, an app has a domain. */
export interface IncidentScope {
  domain: string | null;
  app: string | null;
  stream: string | null;
}

/** What people need in order to act, beside the numbers. Texts are the outside world's: channels escape them. */
export interface IncidentFacts {
  verdict?: Verdict;
  /** The newest good capture before the trouble. */
  lastGood?: { at: Instant; stream: StreamKey };
  /** Names of the first affected streams, `app/stream`. */
  streams?: string[];
  /** End of the trouble, where the facts name it. */
  until?: Instant;
  /** What was found, for every language; `detail` then says it in English. */
  found?: Found;
  /** One sentence of whoever found it, or the words of an error. */
  detail?: string;
}

/** A gap row that stands behind a condition (primary key of `gaps`). */
export interface GapReference {
  streamId: number;
  from: Instant;
  verdict: string;
  mode: string;
}

/** Something that is wrong as of an evaluation. Level, not edge: it is reported anew every time while it lasts. */
export interface Condition {
  kind: IncidentKind;
  scope: IncidentScope;
  /** Tells conditions of one kind and scope apart; mostly empty. */
  key: string;
  since: Instant;
  /** Set where the fact is known to be over already (a closed gap). */
  until: Instant | null;
  /** Streams: how many of how many. */
  affected: number;
  total: number;
  /** Slots: how many of how many, where they can be counted. */
  missed: number | null;
  expected: number | null;
  cause: string | null;
  facts: IncidentFacts;
  /** False: others may be about to join it, so no incident is opened for it yet. */
  ripe: boolean;
  gaps: GapReference[];
}

export interface Incident {
  id: number;
  kind: IncidentKind;
  scope: IncidentScope;
  key: string;
  status: IncidentStatus;
  severity: Severity;
  since: Instant;
  openedAt: Instant;
  updatedAt: Instant;
  clearSince: Instant | null;
  resolvedAt: Instant | null;
  resolution: Resolution | null;
  confirmedAt: Instant | null;
  affected: number;
  total: number;
  missed: number | null;
  expected: number | null;
  cause: string | null;
  facts: IncidentFacts;
  reopenings: Instant[];
  foldedInto: number | null;
  acknowledgedAt: Instant | null;
  acknowledgedBy: string | null;
  acknowledgedUntil: Instant | null;
  acknowledgeReason: string | null;
}

/** Two incidents with the same key never live at the same time. */
export function incidentKey(subject: { kind: IncidentKind; scope: IncidentScope; key: string }): string {
  const { domain, app, stream } = subject.scope;
  return JSON.stringify([trackOf(subject.kind), domain, app, stream, subject.key]);
}

export type ScopeLevel = 'all' | 'domain' | 'app' | 'stream';

export function levelOf(scope: IncidentScope): ScopeLevel {
  if (scope.stream !== null) return 'stream';
  if (scope.app !== null) return 'app';
  return scope.domain !== null ? 'domain' : 'all';
}

/** True where `inner` lies within `outer` (or is the same). */
export function scopeContains(outer: IncidentScope, inner: IncidentScope): boolean {
  return (
    (outer.domain === null || outer.domain === inner.domain) &&
    (outer.app === null || outer.app === inner.app) &&
    (outer.stream === null || outer.stream === inner.stream)
  );
}

/** The same scope and every wider one, narrowest first. */
export function widening(scope: IncidentScope): IncidentScope[] {
  const { domain, app, stream } = scope;
  const scopes: IncidentScope[] = [];
  if (stream !== null) scopes.push({ domain, app, stream });
  if (app !== null) scopes.push({ domain, app, stream: null });
  if (domain !== null) scopes.push({ domain, app: null, stream: null });
  scopes.push({ domain: null, app: null, stream: null });
  return scopes;
}
