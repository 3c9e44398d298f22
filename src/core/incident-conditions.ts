import type { Found } from './found.ts';
import { foundText } from './found-words.ts';
import type { Condition, GapReference, IncidentKind } from './incident.ts';
import { incidentKey } from './incident.ts';
import type { Instant } from './instant.ts';
import type { Span } from './span.ts';
import { type AppTotal, onAirWithin } from './storm.ts';
import type { Verdict } from './verdict.ts';

/** A gap as alerting reads it. */
export interface GapFact {
  streamId: number;
  domain: string;
  app: string;
  stream: string;
  from: Instant;
  to: Instant;
  verdict: string;
  cause: string | null;
  mode: string;
  slots: number;
  /** The audit may still change it. */
  open: boolean;
  /** How far the audit has looked at the stream; null where it has not. */
  judgedUntil: Instant | null;
  /** No incident tells of it yet. */
  untold: boolean;
  /** An audit is under way that may find more like it. */
  auditRunning: boolean;
}

/** What a gap is an incident of, or null where it is none: our own outage is told as `blind`, never as the vendor's. */
function kindOfGap(gap: { verdict: string; cause: string | null }, tellLate: boolean): IncidentKind | null {
  if (gap.cause === 'receiver_down') return null;
  if (gap.cause === 'interval_drift') return 'interval_drift';
  switch (gap.verdict) {
    case 'callback_missing':
    case 'object_missing':
    case 'not_captured':
      return 'gap';
    case 'misnamed':
      return 'naming';
    case 'late':
      return tellLate ? 'gap' : null;
    default:
      return null;
  }
}

/** The next good capture may come so much of an interval late, and one that is not yet settled is no word. */
const NEXT_BEAT = 1.5;

/**
 * True while the gap goes on. The audit keeps a gap open for some beats after its end, for late evidence may change it: one
 * that good slots follow is over all the same.
 */
function isLasting(gap: GapFact, intervalSeconds: number | undefined): boolean {
  if (!gap.open || gap.judgedUntil === null || intervalSeconds === undefined) return gap.open;
  return gap.to > gap.judgedUntil - NEXT_BEAT * intervalSeconds * 1000;
}

/** One condition per stream and kind, of all its gaps that go on or are untold. */
export function conditionsOfGaps(
  gaps: readonly GapFact[],
  context: {
    now: Instant;
    totals: readonly AppTotal[];
    intervals: ReadonlyMap<number, number>;
    tellLate: boolean;
  },
): Condition[] {
  const groups = new Map<string, { kind: IncidentKind; gaps: GapFact[] }>();
  const lasts = (gap: GapFact) => isLasting(gap, context.intervals.get(gap.streamId));
  for (const gap of gaps) {
    const kind = kindOfGap(gap, context.tellLate);
    if (kind === null || !(gap.untold || lasts(gap))) continue;
    const key = `${gap.streamId} ${kind}`;
    const group = groups.get(key);
    if (group) group.gaps.push(gap);
    else groups.set(key, { kind, gaps: [gap] });
  }
  return [...groups.values()].map(({ kind, gaps: own }) => {
    const first = own[0]!;
    const largest = own.reduce((a, b) => (b.slots > a.slots ? b : a));
    const since = Math.min(...own.map((gap) => gap.from));
    const until = own.some(lasts) ? null : Math.max(...own.map((gap) => gap.to));
    const missed = own.reduce((sum, gap) => sum + gap.slots, 0);
    const interval = context.intervals.get(first.streamId);
    const expected = interval ? Math.floor(((until ?? context.now) - since) / (interval * 1000)) : missed;
    return {
      kind,
      scope: { domain: first.domain, app: first.app, stream: first.stream },
      key: '',
      since,
      until,
      affected: 1,
      total: Math.max(1, onAirWithin(context.totals, { domain: first.domain, app: first.app, stream: null })),
      missed,
      expected: Math.max(expected, missed),
      cause: largest.cause,
      facts: { verdict: largest.verdict as Verdict, ...(until === null ? {} : { until }) },
      ripe: !own.every((gap) => gap.auditRunning),
      gaps: own.map(
        (gap): GapReference => ({ streamId: gap.streamId, from: gap.from, verdict: gap.verdict, mode: gap.mode }),
      ),
    };
  });
}

/** A silence and a gap of one stream are one story: the gap brings the cause, the silence says that it lasts. */
export function mergeDelivery(silences: readonly Condition[], gaps: readonly Condition[]): Condition[] {
  const byKey = new Map(gaps.map((gap) => [incidentKey(gap), gap]));
  const merged = silences.map((silence) => {
    const key = incidentKey(silence);
    const gap = byKey.get(key);
    if (!gap) return silence;
    byKey.delete(key);
    return {
      ...gap,
      since: Math.min(silence.since, gap.since),
      until: null,
      missed: Math.max(silence.missed ?? 0, gap.missed ?? 0),
      expected: Math.max(silence.expected ?? 0, gap.expected ?? 0),
      facts: { ...silence.facts, ...gap.facts },
      ripe: silence.ripe || gap.ripe,
    };
  });
  return [...merged, ...byKey.values()];
}

const NOTHING = { affected: 0, total: 0, missed: null, expected: null, ripe: true, gaps: [], key: '' };
const EVERYTHING = { domain: null, app: null, stream: null };

/**
 * Our own blindness: a span that is still going on, or one that ended within `tellForMs`. A heartbeat that is missing was missed only
 * where it was looked for before (`lookedAt`) too, and not at once after an interruption (`resumedAt`): receivers that were cut off from the
 * database with us write it as soon as they can.
 */
export function conditionOfBlindness(
  spans: readonly Span[],
  context: {
    now: Instant;
    newestHeartbeat: Instant | null;
    lookedAt: Instant | null;
    resumedAt: Instant | null;
    toleranceMs: number;
    tellForMs: number;
    leastMs: number;
  },
): Condition | null {
  const { now, newestHeartbeat, lookedAt, toleranceMs } = context;
  if (newestHeartbeat === null) return null;
  const isMissing = now - Math.max(newestHeartbeat, context.resumedAt ?? newestHeartbeat) > toleranceMs;
  if (isMissing && lookedAt !== null && lookedAt - newestHeartbeat > toleranceMs) {
    return {
      ...NOTHING,
      kind: 'blind',
      scope: EVERYTHING,
      since: newestHeartbeat,
      until: null,
      cause: 'receiver_down',
      facts: {},
    };
  }
  const recent = spans.filter((span) => span.to - span.from >= context.leastMs && now - span.to < context.tellForMs);
  const last = recent.at(-1);
  if (!last) return null;
  const lasting = last.to >= now - toleranceMs;
  return {
    ...NOTHING,
    kind: 'blind',
    scope: EVERYTHING,
    since: Math.min(...recent.map((span) => span.from)),
    until: lasting ? null : last.to,
    cause: 'receiver_down',
    facts: lasting ? {} : { until: last.to },
  };
}

export function conditionOfFinding(finding: {
  kind: IncidentKind;
  scope: Condition['scope'];
  key: string;
  since: Instant;
  cause: string | null;
  detail: string | null;
  found: Found | null;
}): Condition {
  const { kind, scope, key, since, cause, detail, found } = finding;
  const facts = { ...(detail === null ? {} : { detail }), ...(found === null ? {} : { found }) };
  return { ...NOTHING, kind, scope, key, since, cause, until: null, facts };
}

export function conditionOfRejections(rejection: {
  domain: string | null;
  reason: string;
  count: number;
  firstAt: Instant;
}): Condition {
  const found = { code: 'requests-rejected' as const, count: rejection.count, reason: rejection.reason };
  return {
    ...NOTHING,
    kind: 'rejected_callbacks',
    scope: { domain: rejection.domain, app: null, stream: null },
    since: rejection.firstAt,
    until: null,
    cause: rejection.reason,
    facts: { found, detail: foundText(found, 'en') },
  };
}

export function conditionOfStall(stall: {
  domain: string;
  lastDoneAt: Instant | null;
  lastError: string | null;
  before: Instant;
}): Condition {
  return {
    ...NOTHING,
    kind: 'audit_stalled',
    scope: { domain: stall.domain, app: null, stream: null },
    since: stall.lastDoneAt ?? stall.before,
    until: null,
    cause: null,
    facts: stall.lastError === null ? {} : { detail: stall.lastError },
  };
}
