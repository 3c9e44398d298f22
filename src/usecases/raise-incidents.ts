import { isAwaitingPush } from '../core/awaiting-push.ts';
import { mayBeOurOutage } from '../core/blind-spans.ts';
import type { ConfigVersion } from '../core/config-version.ts';
import type { Condition, Incident, IncidentKind, IncidentScope, Severity, Track } from '../core/incident.ts';
import { incidentKey, scopeContains, trackOf } from '../core/incident.ts';
import {
  conditionOfBlindness,
  conditionOfFinding,
  conditionOfRejections,
  conditionOfStall,
  conditionsOfGaps,
  mergeDelivery,
} from '../core/incident-conditions.ts';
import { type Decision, decideIncidents } from '../core/incident-decisions.ts';
import type { IncidentRules } from '../core/incident-rules.ts';
import type { Instant } from '../core/instant.ts';
import type { ChannelFilter } from '../core/notification.ts';
import { wants } from '../core/notification.ts';
import { severityOf } from '../core/severity.ts';
import { mergeSpans, type Span } from '../core/span.ts';
import type { AppTotal } from '../core/storm.ts';
import type { AlertingFacts, AlertingGap, Clock, IncidentChange, IncidentStore, Router } from '../ports.ts';
import type { ExcusedScope, Hearing, WatchResult } from './watch-silence.ts';
import { appKey } from './watch-waves.ts';

/** What the evaluation needs to know of a channel. */
export interface RoutedChannel {
  name: string;
  filter: ChannelFilter;
  sendResolved: boolean;
  sendUpdates: boolean;
}

export interface RaiseParts {
  clock: Clock;
  facts: AlertingFacts;
  incidents: IncidentStore;
  watch(now: Instant, hearing: Hearing): Promise<WatchResult>;
  configVersions(): Promise<ConfigVersion[]>;
  /** Ours; null: not known. */
  callbackUrl: string | null;
  blindSpans(from: Instant, to: Instant): Promise<Span[]>;
  /** The blind spans that gaps were judged by. */
  judgedBlindSpans(): Promise<Span[]>;
  excusedSpans(from: Instant, to: Instant): Promise<ExcusedScope[]>;
  channels: readonly RoutedChannel[];
  rules: IncidentRules;
  severities: Partial<Record<IncidentKind, Severity>>;
  tellLate: boolean;
  /** Pause between two evaluations. */
  everySeconds: number;
  rejectedFrom: number;
  auditStalledAfterSeconds: number;
  /** One source of facts could not be looked at: its incidents stay as they are. */
  onProblem(what: string, error: unknown): void;
}

export interface Evaluation {
  at: Instant;
  /** null where another replica was at it. */
  changes: IncidentChange[] | null;
  watch: WatchResult | null;
  seconds: number;
}

/** What other parts of the service report. */
const FINDING_KINDS: Track[] = [
  'config_drift',
  'two_callbacks',
  'enforce_fight',
  'spool_not_draining',
  'forward_refused',
  'channel_failing',
];
const REJECTION_WINDOW_MS = 300_000;
const DAY_MS = 86_400_000;
const HEARTBEAT_TOLERANCE_MS = 5_000;
/** Evaluations further apart were interrupted: all processes were down, or the database was away. */
const LEAST_BREAK_MS = 10_000;
const BREAK_PAUSES = 3;
/** One that takes longer waits for a database that does not answer. Less than it takes to miss a heartbeat. */
const LONGEST_LOOK_MS = 3_000;
const LEAST_BLINDNESS_MS = 10_000;
const TELL_BLINDNESS_MS = 120_000;
/** More of them go into a digest, which has no room for pictures. */
const NAMED_LAST_GOOD = 20;
/** So long the audit may find gaps of an incident that is over. */
const OVER_REMEMBERED_MS = 1_800_000;
/** What changes slowly is looked at every so often. */
const SLOW_EVERY_MS = 10_000;

/** One evaluation: looks at the facts, lets the core decide, writes. Safe to run at any time on any replica. */
export function createIncidentRaiser(parts: RaiseParts) {
  const route = routerOf(parts.channels);
  const severity = (condition: Condition) => severityOf(condition, parts.severities);
  const breakMs = Math.max(LEAST_BREAK_MS, BREAK_PAUSES * parts.everySeconds * 1000);
  let slowLookedAt: Instant | null = null;

  return async function raise(): Promise<Evaluation> {
    const now = parts.clock.now();
    const startedAt = performance.now();
    const looked = new Set<Track>();
    const conditions: Condition[] = [];
    const look = async (tracks: Track[], source: () => Promise<Condition[]>) => {
      try {
        conditions.push(...(await source()));
        for (const track of tracks) looked.add(track);
      } catch (error) {
        parts.onProblem(`alerting could not look at ${tracks.join(', ')}`, error);
      }
    };

    let heard: Promise<Hearing> | null = null;
    const hear = () => {
      heard ??= readHearing(now);
      return heard;
    };
    let watched: WatchResult | null = null;
    let totals: readonly AppTotal[] = [];
    await look(['delivery', 'interval_drift', 'naming', 'pending_reingest'], async () => {
      const hearing = await hear();
      watched = await parts.watch(now, hearing);
      totals = watched.totals;
      const context = { now, totals, intervals: watched.intervals, tellLate: parts.tellLate };
      await parts.facts.noteGaps(now, parts.tellLate);
      // Before the gaps: the audit notes in one transaction what it knows of blindness and what it judges again for it.
      const judged = await parts.judgedBlindSpans();
      const blind = blindByNow(hearing, now);
      const versions = await parts.configVersions();
      const waits = (gap: AlertingGap) =>
        gap.unsettled ||
        mayBeOurOutage(gap, blind, judged) ||
        isAwaitingPush(gap, versions, gap.open ? now : gap.to, parts.callbackUrl);
      const gaps = (await parts.facts.gaps(now, hearing.resumedAt)).filter(
        // A span that was excused after the fact is told by nobody, though the audit has yet to judge it again.
        (gap) => !isExcused(gap, hearing.excused) && !(gap.untold && waits(gap)),
      );
      const ofGaps = conditionsOfGaps(gaps, context);
      const { forming } = watched;
      // The audit may find a part of an outage whose streams the watchdog still holds back for each other.
      const isForming = ({ domain, app }: IncidentScope) =>
        forming.has(appKey({ domain: domain ?? '', app: app ?? '' }));
      const delivery = mergeDelivery(
        watched.conditions,
        ofGaps.filter(({ kind }) => kind === 'gap').map((gap) => ({ ...gap, ripe: gap.ripe && !isForming(gap.scope) })),
      );
      return [...delivery, ...watched.awaiting, ...ofGaps.filter((condition) => condition.kind !== 'gap')];
    });
    await look(['blind'], async () => {
      const hearing = await hear();
      const blind = conditionOfBlindness(hearing.blind, {
        now,
        newestHeartbeat: hearing.newestHeartbeat,
        lookedAt: hearing.lookedAt,
        resumedAt: hearing.resumedAt,
        toleranceMs: HEARTBEAT_TOLERANCE_MS,
        tellForMs: TELL_BLINDNESS_MS,
        leastMs: LEAST_BLINDNESS_MS,
      });
      return blind === null ? [] : [blind];
    });
    const unreported = new Set<string>();
    await look(FINDING_KINDS, async () => {
      const findings = await parts.facts.findings(now);
      for (const finding of findings) if (!finding.reported) unreported.add(incidentKey(finding));
      return findings.filter(({ reported }) => reported).map(conditionOfFinding);
    });
    if (slowLookedAt === null || now - slowLookedAt >= SLOW_EVERY_MS || now < slowLookedAt) {
      slowLookedAt = now;
      await look(['rejected_callbacks'], async () =>
        (await parts.facts.rejections(now - REJECTION_WINDOW_MS))
          .filter(({ count }) => count >= parts.rejectedFrom)
          .map(conditionOfRejections),
      );
      const before = now - parts.auditStalledAfterSeconds * 1000;
      await look(['audit_stalled'], async () =>
        (await parts.facts.auditStalls(before)).map((stall) => conditionOfStall({ ...stall, before })),
      );
    }

    const excused = await hear().then(
      (hearing) => hearing.excused,
      () => [],
    );
    const changes = await parts.incidents.evaluate(
      { now, since: now - Math.max(parts.rules.reopenWithinSeconds * 1000, OVER_REMEMBERED_MS), severity, route },
      async (incidents) => {
        const audited = await auditedUntil(incidents);
        const decisions = decideIncidents({
          now,
          conditions,
          looked,
          incidents,
          totals,
          rules: parts.rules,
          auditedUntil: (incident) => audited.get(incident.id) ?? null,
          isUnreported: (incident) => unreported.has(incidentKey(incident)) || clearedByExcuse(incident, excused),
        });
        await nameLastGood(decisions);
        return decisions;
      },
    );
    const endedAt = parts.clock.now();
    if (endedAt - now > breakMs) {
      const seconds = ((endedAt - now) / 1000).toFixed(0);
      parts.onProblem('an evaluation was interrupted', new Error(`it took ${seconds} s; no silence is told meanwhile`));
    }
    await parts.facts.noteLook(Math.min(endedAt, now + LONGEST_LOOK_MS));
    return { at: now, changes, watch: watched, seconds: (performance.now() - startedAt) / 1000 };
  };

  async function readHearing(now: Instant): Promise<Hearing> {
    const newestHeartbeat = await parts.facts.newestHeartbeat();
    const [blind, excused, before] = await Promise.all([
      newestHeartbeat === null ? [] : parts.blindSpans(now - DAY_MS, newestHeartbeat),
      parts.excusedSpans(now - DAY_MS, now + 1),
      parts.facts.looksBefore(now, breakMs),
    ]);
    return { newestHeartbeat, blind, excused, ...before };
  }

  /** What is about to be told names the last good picture; a gap does not know it. */
  async function nameLastGood(decisions: readonly Decision[]): Promise<void> {
    const untold = decisions.flatMap((decision) =>
      (decision.do === 'open' || decision.do === 'reopen') && decision.condition.gaps.length > 0
        ? [decision.condition]
        : [],
    );
    for (const condition of untold.slice(0, NAMED_LAST_GOOD)) {
      const { gaps, facts } = condition;
      const first = gaps.reduce((a, b) => (b.from < a.from ? b : a));
      if (facts.lastGood) continue;
      const lastGood = await parts.facts.lastCaptureBefore(first.streamId, first.from);
      if (lastGood !== null) facts.lastGood = lastGood;
    }
  }

  /** Only for suspicions that are clearing: few. */
  async function auditedUntil(incidents: readonly Incident[]): Promise<Map<number, Instant>> {
    const audited = new Map<number, Instant>();
    for (const incident of incidents) {
      if (incident.kind !== 'silence' || incident.clearSince === null || incident.status === 'resolved') continue;
      const until = await parts.facts.auditedUntil(incident.scope, incident.since);
      if (until !== null) audited.set(incident.id, until);
    }
    return audited;
  }
}

function routerOf(channels: readonly RoutedChannel[]): Router {
  return (incident, event) =>
    channels
      .filter((channel) => {
        if (event === 'resolved' && !channel.sendResolved) return false;
        if (event === 'updated' && !channel.sendUpdates) return false;
        return wants(channel, incident);
      })
      .map((channel) => channel.name);
}

/** Whoever leaves no heartbeat now has been blind since the last one. */
function blindByNow({ blind, newestHeartbeat }: Hearing, now: Instant): readonly Span[] {
  if (newestHeartbeat === null || now - newestHeartbeat <= HEARTBEAT_TOLERANCE_MS) return blind;
  return mergeSpans([...blind, { from: newestHeartbeat, to: now }]);
}

/** Whoever is excused reports nothing: that a silence ended with the beginning of maintenance does not make it good. */
function clearedByExcuse({ kind, scope, clearSince }: Incident, spans: readonly ExcusedScope[]): boolean {
  if (trackOf(kind) !== 'delivery' || clearSince === null) return false;
  return spans.some((span) => span.from <= clearSince && clearSince < span.to && scopeContains(span, scope));
}

function isExcused(
  gap: { domain: string; app: string; stream: string; from: Instant; to: Instant },
  spans: readonly ExcusedScope[],
): boolean {
  return spans.some(
    (span) =>
      span.from <= gap.from &&
      gap.to <= span.to &&
      scopeContains(span, { domain: gap.domain, app: gap.app, stream: gap.stream }),
  );
}
