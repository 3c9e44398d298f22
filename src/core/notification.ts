import { createHash } from 'node:crypto';
import { type Incident, type IncidentKind, type IncidentScope, type Severity, trackOf } from './incident.ts';
import type { Instant } from './instant.ts';
import type { NotificationEvent } from './notification-status.ts';
import { isAtLeast } from './severity.ts';

/** Which incidents a channel wants to hear of. Empty lists mean all. */
export interface ChannelFilter {
  severity: Severity;
  kinds: IncidentKind[];
  domains: string[];
  apps: string[];
}

/** A channel never tells of its own failing, and gets nothing that its filter leaves out. */
export function wants(
  channel: { name: string; filter: ChannelFilter },
  incident: { kind: IncidentKind; scope: IncidentScope; severity: Severity; key: string },
): boolean {
  const { filter } = channel;
  if (trackOf(incident.kind) === 'channel_failing' && incident.key === channel.name) return false;
  if (!isAtLeast(incident.severity, filter.severity)) return false;
  if (filter.kinds.length > 0 && !filter.kinds.some((kind) => isSameStory(kind, incident.kind))) return false;
  // A wider incident reaches everyone whose domain or app lies inside it.
  if (filter.domains.length > 0 && incident.scope.domain !== null && !filter.domains.includes(incident.scope.domain)) {
    return false;
  }
  return filter.apps.length === 0 || incident.scope.app === null || filter.apps.includes(incident.scope.app);
}

/** A silence that the audit confirms goes on as a gap: whoever hears of (or silences) one of them means both. */
function isSameStory(a: IncidentKind, b: IncidentKind): boolean {
  return trackOf(a) === trackOf(b);
}

export interface Silence {
  kind: IncidentKind | null;
  domain: string | null;
  app: string | null;
  stream: string | null;
  from: Instant;
  until: Instant;
}

/** True where the silence covers the whole of the incident's scope at `now`. */
export function isSilenced(
  incident: { kind: IncidentKind; scope: IncidentScope },
  silences: readonly Silence[],
  now: Instant,
): boolean {
  return silences.some(
    (silence) =>
      silence.from <= now &&
      now < silence.until &&
      (silence.kind === null || isSameStory(silence.kind, incident.kind)) &&
      (silence.domain === null || silence.domain === incident.scope.domain) &&
      (silence.app === null || silence.app === incident.scope.app) &&
      (silence.stream === null || silence.stream === incident.scope.stream),
  );
}

const FIRST_RETRY_SECONDS = 2;
const LONGEST_RETRY_SECONDS = 900;

/**
 * How long to wait after the `attempts`-th failure: doubling from 2 s to 15 min, with a quarter of it as jitter so that
 * what failed together does not come back together. `chance` is in [0, 1). What the channel asked for comes first.
 */
export function retryDelaySeconds(attempts: number, chance: number, askedSeconds: number | null): number {
  const doubled = Math.min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** Math.min(attempts - 1, 20));
  return Math.max(askedSeconds ?? 0, doubled * (0.75 + 0.5 * chance));
}

export interface DueNotification {
  id: number;
  incidentId: number;
  event: NotificationEvent;
  createdAt: Instant;
}

/** What to do with the due rows of one channel: which to send, which are told by a newer row of the same incident. */
export interface SendPlan {
  send: { id: number; incidentId: number; event: NotificationEvent }[];
  superseded: number[];
}

/**
 * Keeps the newest row of each incident. A channel that was away for an hour then says how things stand, instead of
 * replaying what is over. `told`: incidents this channel has heard of; a first word is `opened`, whatever comes later.
 */
export function planSending(due: readonly DueNotification[], told: ReadonlySet<number>): SendPlan {
  const newest = new Map<number, DueNotification>();
  const superseded: number[] = [];
  for (const row of [...due].sort((a, b) => a.id - b.id)) {
    const before = newest.get(row.incidentId);
    if (before) superseded.push(before.id);
    newest.set(row.incidentId, row);
  }
  const send = [...newest.values()].map(({ id, incidentId, event }) => ({
    id,
    incidentId,
    event: event !== 'resolved' && event !== 'test' && !told.has(incidentId) ? ('opened' as const) : event,
  }));
  return { send, superseded };
}

/** Splits what is to be sent into messages: singly while that is within both limits, else one digest. */
export function intoMessages<T>(rows: readonly T[], digestFrom: number, budget: number): T[][] {
  if (rows.length === 0 || budget < 1) return [];
  return rows.length >= digestFrom || rows.length > budget ? [[...rows]] : rows.map((row) => [row]);
}

/**
 * A repeat is due when an open incident that nobody acknowledged was last told `repeatSeconds` ago. What merely waits for the
 * streams to be pushed again is told once.
 */
export function repeatIsDue(incident: Incident, lastToldAt: Instant, now: Instant, repeatSeconds: number): boolean {
  return (
    incident.status === 'open' &&
    incident.kind !== 'pending_reingest' &&
    incident.foldedInto === null &&
    incident.clearSince === null &&
    now - lastToldAt >= repeatSeconds * 1000
  );
}

/**
 * An id for a message that is the same at every attempt (UUID form): from the rows it tells of. A receiver that knows
 * ids (Standard Webhooks, e-mail) can drop the second of two.
 */
export function messageIdOf(channel: string, rowIds: readonly number[]): string {
  const hex = createHash('sha256')
    .update(JSON.stringify([channel, ...rowIds]))
    .digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
