import { resolveHoldSeconds } from './flap.ts';
import {
  type Condition,
  type Incident,
  incidentKey,
  levelOf,
  type Resolution,
  scopeContains,
  type Track,
  trackOf,
  widening,
} from './incident.ts';
import type { IncidentRules } from './incident-rules.ts';
import type { Instant } from './instant.ts';
import { type AppTotal, groupStorms } from './storm.ts';

export type Decision =
  | { do: 'open'; condition: Condition }
  | { do: 'reopen'; incident: Incident; condition: Condition }
  /** The numbers moved on; nobody is told. */
  | { do: 'update'; incident: Incident; condition: Condition }
  /** The audit confirmed what the watchdog suspected. */
  | { do: 'confirm'; incident: Incident; condition: Condition }
  /** A gap that lies within an incident that is over: it adds to the record and tells nobody. */
  | { do: 'attach'; incident: Incident; condition: Condition }
  /** The facts are good again; resolution comes when that has lasted. */
  | { do: 'clear'; incident: Incident }
  | { do: 'resolve'; incident: Incident; resolution: Resolution }
  /** A wider incident tells of it from now on; `into` is its key. */
  | { do: 'fold'; incident: Incident; into: string }
  | { do: 'expire-acknowledge'; incident: Incident };

/**
 * Compares what is wrong now with the incidents there are. The same input gives the same decisions, and once they are
 * applied the same conditions give none (beside `update`).
 */
export function decideIncidents(input: {
  now: Instant;
  conditions: readonly Condition[];
  /** Tracks whose facts could be looked at. Incidents of other tracks stay as they are. */
  looked: ReadonlySet<Track>;
  /** Every incident that is not resolved, and those resolved within `reopenWithinSeconds`. */
  incidents: readonly Incident[];
  totals: readonly AppTotal[];
  rules: IncidentRules;
  /** Until when the audit has judged all streams of an incident; null where it has not. */
  auditedUntil(incident: Incident): Instant | null;
  /** True where whoever reported it never said that it is good again and is silent now. */
  isUnreported(incident: Incident): boolean;
}): Decision[] {
  const { now, rules } = input;
  const live = input.incidents.filter((incident) => incident.status !== 'resolved');
  const liveByKey = new Map(live.map((incident) => [incidentKey(incident), incident]));
  const overByKey = newestByKey(input.incidents.filter((incident) => incident.status === 'resolved'));
  const conditions = groupStorms({ conditions: input.conditions, live, totals: input.totals, rules: rules.storm });
  const decisions: Decision[] = [];
  const standing = new Set<string>();
  const wide: { key: string; condition: Condition }[] = [];

  for (const condition of conditions) {
    const key = incidentKey(condition);
    const incident = liveByKey.get(key);
    if (incident) {
      standing.add(key);
      const confirms = condition.kind === 'gap' && incident.confirmedAt === null && incident.kind === 'silence';
      decisions.push({ do: confirms ? 'confirm' : 'update', incident, condition });
    } else {
      const over = findOver(condition, overByKey);
      if (over) {
        decisions.push({ do: 'attach', incident: over, condition });
        // Nothing that lives can be told by what is over.
        continue;
      }
      if (!condition.ripe) continue;
      standing.add(key);
      const before = overByKey.get(key);
      const again =
        before?.resolvedAt &&
        now - before.resolvedAt <= rules.reopenWithinSeconds * 1000 &&
        !endedBefore(condition, before);
      decisions.push(again ? { do: 'reopen', incident: before, condition } : { do: 'open', condition });
    }
    if (isStorm(condition)) wide.push({ key, condition });
  }

  const resolving = new Set<number>();
  for (const incident of live) {
    if (!input.looked.has(trackOf(incident.kind)) || incident.foldedInto !== null) continue;
    const key = incidentKey(incident);
    const wider = wide.find(
      (other) =>
        other.key !== key &&
        trackOf(other.condition.kind) === trackOf(incident.kind) &&
        scopeContains(other.condition.scope, incident.scope),
    );
    if (wider) {
      decisions.push({ do: 'fold', incident, into: wider.key });
    } else if (!standing.has(key)) {
      if (incident.clearSince === null) decisions.push({ do: 'clear', incident });
      else if (mayResolve(incident, incident.clearSince, input)) {
        resolving.add(incident.id);
        decisions.push({ do: 'resolve', incident, resolution: resolutionOf(incident, input) });
      }
    }
  }
  for (const incident of live) {
    const parent = incident.foldedInto;
    if (parent !== null && (resolving.has(parent) || !live.some((other) => other.id === parent))) {
      decisions.push({ do: 'resolve', incident, resolution: 'folded' });
    } else if (
      incident.status === 'acknowledged' &&
      incident.acknowledgedUntil !== null &&
      incident.acknowledgedUntil <= now &&
      !resolving.has(incident.id)
    ) {
      decisions.push({ do: 'expire-acknowledge', incident });
    }
  }
  return decisions;
}

const STREAM_TRACKS: ReadonlySet<Track> = new Set(['delivery', 'interval_drift', 'naming']);

/** What `groupStorms` made of single streams. A finding of a wide scope is one of its own and tells of no other. */
function isStorm({ kind, scope }: Condition): boolean {
  return STREAM_TRACKS.has(trackOf(kind)) && levelOf(scope) !== 'stream';
}

function mayResolve(
  incident: Incident,
  clearSince: Instant,
  input: { now: Instant; rules: IncidentRules; auditedUntil(incident: Incident): Instant | null },
): boolean {
  const { now, rules } = input;
  if (now - clearSince < resolveHoldSeconds(incident.reopenings, now, rules) * 1000) return false;
  if (incident.kind !== 'silence') return true;
  // Only suspected so far: the audit is about to say what happened, and the last message should say it too.
  const audited = input.auditedUntil(incident);
  return (audited !== null && audited >= clearSince) || now - clearSince >= rules.auditWaitSeconds * 1000;
}

function resolutionOf(
  incident: Incident,
  input: { auditedUntil(incident: Incident): Instant | null; isUnreported(incident: Incident): boolean },
): Resolution {
  if (input.isUnreported(incident)) return 'unreported';
  const audited = input.auditedUntil(incident);
  const nothingMissing =
    incident.kind === 'silence' && incident.clearSince !== null && audited !== null && audited >= incident.clearSince;
  return nothingMissing ? 'withdrawn' : 'recovered';
}

/** The resolved incident, of this scope or a wider one, whose time covers a condition that is over. */
function findOver(condition: Condition, overByKey: ReadonlyMap<string, Incident>): Incident | null {
  if (condition.until === null) return null;
  for (const scope of widening(condition.scope)) {
    const over = overByKey.get(incidentKey({ ...condition, scope }));
    // Of that one people were told that nothing is missing.
    if (!over?.resolvedAt || over.resolution === 'withdrawn') continue;
    const begins = condition.since >= over.since - SLACK_MS && !endedBefore(condition, over);
    if (begins && condition.until <= over.resolvedAt) return over;
  }
  return null;
}

/** True for trouble that was over when the incident began: it is none of its. */
function endedBefore(condition: Condition, incident: Incident): boolean {
  return condition.until !== null && condition.until <= incident.since;
}

/** The watchdog dates a silence from the last callback, the audit from the first missing slot, up to an hour apart. */
const SLACK_MS = 3_600_000;

function newestByKey(incidents: readonly Incident[]): Map<string, Incident> {
  const newest = new Map<string, Incident>();
  for (const incident of incidents) {
    const key = incidentKey(incident);
    const held = newest.get(key);
    if (!held || (incident.resolvedAt ?? 0) > (held.resolvedAt ?? 0)) newest.set(key, incident);
  }
  return newest;
}
