import type { Condition, Incident, IncidentScope } from './incident.ts';
import { levelOf, trackOf } from './incident.ts';
import type { StormRules } from './incident-rules.ts';
import type { Instant } from './instant.ts';

/** Streams on air of one app. */
export interface AppTotal {
  domain: string;
  app: string;
  onAir: number;
}

const SHOWN_STREAMS = 10;

/**
 * Replaces the conditions of single streams by one on the widest scope that explains them: an app where more than
 * `ratio` of the streams on air are affected, a domain where two apps are in a storm and the domain is as a whole, or
 * everything likewise. A scope that has a live incident already keeps all that happens inside it until it is over, so a
 * storm that dies down stream by stream does not fall apart into single incidents.
 */
export function groupStorms(input: {
  conditions: readonly Condition[];
  live: readonly Incident[];
  totals: readonly AppTotal[];
  rules: StormRules;
}): Condition[] {
  const { conditions, totals, rules } = input;
  const result = conditions.filter((condition) => levelOf(condition.scope) !== 'stream');
  for (const [track, leaves] of groupBy(
    conditions.filter((condition) => levelOf(condition.scope) === 'stream'),
    (condition) => trackOf(condition.kind),
  )) {
    const liveScopes = input.live.filter(
      (incident) =>
        trackOf(incident.kind) === track && incident.status !== 'resolved' && levelOf(incident.scope) !== 'stream',
    );
    result.push(...groupTrack(leaves, liveScopes, totals, rules));
  }
  return result;
}

function groupTrack(
  leaves: Condition[],
  live: readonly Incident[],
  totals: readonly AppTotal[],
  rules: StormRules,
): Condition[] {
  const everything = { domain: null, app: null, stream: null };
  const totalOf = (scope: IncidentScope) => onAirWithin(totals, scope);
  const isLive = (scope: IncidentScope) =>
    live.some(({ scope: held }) => held.domain === scope.domain && held.app === scope.app);
  const stormy = (scope: IncidentScope, inside: Condition[]) =>
    inside.length > rules.ratio * Math.max(totalOf(scope), inside.length);

  const domains = groupBy(leaves, (leaf) => leaf.scope.domain ?? '');
  const stormyDomains = [...domains].filter(([domain, inside]) => stormy({ domain, app: null, stream: null }, inside));
  const everythingStorms = stormyDomains.length >= 2 && leaves.length >= rules.minStreams && stormy(everything, leaves);
  if (isLive(everything) || everythingStorms) return [merge(everything, leaves, totalOf(everything))];

  const result: Condition[] = [];
  for (const [domain, inDomain] of domains) {
    const domainScope = { domain, app: null, stream: null };
    const apps = groupBy(inDomain, (leaf) => leaf.scope.app ?? '');
    const stormyApps = [...apps].filter(([app, inside]) => stormy({ domain, app, stream: null }, inside));
    const domainStorms = stormyApps.length >= 2 && inDomain.length >= rules.minStreams && stormy(domainScope, inDomain);
    if (isLive(domainScope) || domainStorms) {
      result.push(merge(domainScope, inDomain, totalOf(domainScope)));
      continue;
    }
    for (const [app, inApp] of apps) {
      const appScope = { domain, app, stream: null };
      const appStorms = inApp.length >= rules.minStreams && stormy(appScope, inApp);
      if (isLive(appScope) || appStorms) result.push(merge(appScope, inApp, totalOf(appScope)));
      else result.push(...inApp);
    }
  }
  return result;
}

function merge(scope: IncidentScope, leaves: Condition[], onAir: number): Condition {
  const byWeight = [...leaves].sort((a, b) => (b.missed ?? 0) - (a.missed ?? 0));
  const kinds = groupBy(leaves, (leaf) => leaf.kind);
  const heaviest = byWeight.find((leaf) => leaf.cause !== null) ?? byWeight[0]!;
  const goods = leaves.flatMap((leaf) => leaf.facts.lastGood ?? []);
  const ends = leaves.map((leaf) => leaf.until);
  return {
    // A storm is a confirmed gap once most of it is.
    kind: [...kinds].sort((a, b) => b[1].length - a[1].length)[0]![0],
    scope,
    key: '',
    since: Math.min(...leaves.map((leaf) => leaf.since)),
    until: ends.includes(null) ? null : Math.max(...ends.map((end) => end ?? 0)),
    affected: leaves.length,
    total: Math.max(onAir, leaves.length),
    missed: sumOf(leaves.map((leaf) => leaf.missed)),
    expected: sumOf(leaves.map((leaf) => leaf.expected)),
    cause: mostCommon(leaves.flatMap((leaf) => leaf.cause ?? [])),
    facts: {
      ...(heaviest.facts.verdict ? { verdict: heaviest.facts.verdict } : {}),
      ...(goods.length > 0 ? { lastGood: goods.reduce((a, b) => (b.at > a.at ? b : a)) } : {}),
      streams: leaves.slice(0, SHOWN_STREAMS).map((leaf) => `${leaf.scope.app}/${leaf.scope.stream}`),
    },
    ripe: leaves.some((leaf) => leaf.ripe),
    gaps: leaves.flatMap((leaf) => leaf.gaps),
  };
}

export function onAirWithin(totals: readonly AppTotal[], scope: IncidentScope): number {
  let sum = 0;
  for (const { domain, app, onAir } of totals) {
    if ((scope.domain === null || scope.domain === domain) && (scope.app === null || scope.app === app)) sum += onAir;
  }
  return sum;
}

/** A storm that goes on growing is waited for so many times as long as one that has stopped growing. */
const GROWING_WAITS = 3;

/**
 * An outage reaches the streams of an app one after the other, for each has its own beat. True while the first suspected
 * streams should wait to be told, because more are about to follow and one message is to tell it all: several streams
 * are overdue, not everybody is suspected yet, and the wait (one interval, at most 15 s) is not over. While the number of
 * suspected streams still grows from look to look, it goes on for up to three times as long, for a look that comes late and
 * callbacks that were slow stretch the beginning. A single silent stream never waits.
 */
export function holdsForStorm(app: {
  /** Until when we have listened. */
  now: Instant;
  firstSuspectedAt: Instant;
  intervalSeconds: number;
  /** Streams whose beat is late, including the suspected ones. */
  overdue: number;
  suspected: number;
  /** As many were suspected at the look before. */
  suspectedBefore: number;
  onAir: number;
}): boolean {
  const more = app.overdue >= Math.max(2, app.onAir * 0.1);
  const complete = app.suspected >= app.onAir * 0.9;
  const growing = app.suspected > app.suspectedBefore;
  const waitMs = Math.min(app.intervalSeconds, 15) * 1000;
  return more && !complete && app.now < app.firstSuspectedAt + (growing ? GROWING_WAITS * waitMs : waitMs);
}

function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

function sumOf(numbers: (number | null)[]): number | null {
  return numbers.reduce<number | null>((sum, value) => (value === null ? sum : (sum ?? 0) + value), null);
}

function mostCommon(texts: string[]): string | null {
  return [...groupBy(texts, (text) => text)].sort((a, b) => b[1].length - a[1].length)[0]?.[0] ?? null;
}
