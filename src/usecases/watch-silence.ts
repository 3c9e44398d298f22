import { configInForce } from '../core/config-in-force.ts';
import type { ConfigVersion } from '../core/config-version.ts';
import type { Condition } from '../core/incident.ts';
import type { WatchRules } from '../core/incident-rules.ts';
import type { Instant } from '../core/instant.ts';
import type { Span } from '../core/span.ts';
import { type AppTotal, holdsForStorm } from '../core/storm.ts';
import { listeningUntil, missedSlots, missesTooMany, type Silence, silenceOf } from '../core/watch-silence.ts';
import type { AlertingFacts, HeardCapture, OnAirRow } from '../ports.ts';

/** A span in which bad slots are excused; null app or stream: all of them. */
export interface ExcusedScope extends Span {
  domain: string | null;
  app: string | null;
  stream: string | null;
}

export interface WatchParts {
  facts: Pick<AlertingFacts, 'onAir' | 'lastHeard' | 'heardCounts' | 'newestHeartbeat'>;
  /** All config versions of all domains. */
  configVersions(): Promise<ConfigVersion[]>;
  blindSpans(from: Instant, to: Instant): Promise<Span[]>;
  excusedSpans(from: Instant, to: Instant): Promise<ExcusedScope[]>;
  /**
   * Asks the vendor which streams of the domain are on air right now, `app/stream`. Only for suspected streams whose end
   * nobody announces; null where it could not be asked in time.
   */
  onlineNow?(domain: string): Promise<ReadonlySet<string> | null>;
  rules: WatchRules;
}

export interface WatchResult {
  conditions: Condition[];
  totals: AppTotal[];
  /** Interval in force by stream id, for counting slots. */
  intervals: ReadonlyMap<number, number>;
  /** Streams on air that a config expects snapshots of. */
  watched: number;
  /** Streams whose last capture was looked up in this tick. */
  looked: number;
}

/** Receivers leave a heartbeat every second or so; one older than this says that we were deaf since. */
const HEARTBEAT_TOLERANCE_SECONDS = 5;
const DAY_MS = 86_400_000;
/** A receiver that starts up or restarts is no reason to begin every clock anew. */
const SHORT_BLINDNESS_MS = 1_000;
const OFFLINE_REMEMBERED_MS = 30_000;

interface Remembered {
  startedAt: Instant;
  heard: HeardCapture | null;
  /** Until then nothing can have become overdue, so nothing is looked up. */
  quietUntil: Instant;
}

/**
 * Finds the streams on air whose callbacks have stopped. Between two ticks it remembers when each stream was heard last,
 * so that a tick looks up only those whose beat is due: about one tick in `interval` per stream. The memory is a cache
 * of the captures table and may be lost at any time; replicas do not share it.
 */
export function createSilenceWatch(parts: WatchParts) {
  const memory = new Map<number, Remembered>();
  const foundOffline = new Map<number, Instant>();
  let firstSuspected = new Map<string, Instant>();

  return async function watch(now: Instant): Promise<WatchResult> {
    const [rows, versions, heartbeat] = await Promise.all([
      parts.facts.onAir(),
      parts.configVersions(),
      parts.facts.newestHeartbeat(),
    ]);
    const intervalOf = intervalLookup(versions);
    const watched = rows.flatMap((row) => {
      const intervalSeconds = intervalOf(row);
      return intervalSeconds === null ? [] : [{ ...row, intervalSeconds }];
    });
    const result = {
      totals: totalsOf(watched),
      intervals: new Map(watched.map((row) => [row.streamId, row.intervalSeconds])),
      watched: watched.length,
      looked: 0,
    };
    const asOf = listeningUntil(heartbeat, now, HEARTBEAT_TOLERANCE_SECONDS);
    if (asOf === null) return { ...result, conditions: [] };

    const [blind, excused] = await Promise.all([
      parts.blindSpans(asOf - DAY_MS, asOf),
      parts.excusedSpans(asOf - DAY_MS, asOf + 1),
    ]);
    const blindUntil = blind.filter((span) => span.to - span.from > SHORT_BLINDNESS_MS && span.to <= asOf).at(-1)?.to;
    result.looked = await refresh(watched, asOf);

    const overdue: (Suspect & { isSuspected: boolean })[] = [];
    for (const row of watched) {
      const heard = memory.get(row.streamId)?.heard ?? null;
      const silence = silenceOf(
        { startedAt: row.startedAt, intervalSeconds: row.intervalSeconds, lastHeardAt: heard?.receivedAt ?? null },
        { blindUntil: blindUntil ?? null, excusedUntil: excusedUntil(row, excused, asOf) },
        parts.rules,
      );
      if (asOf >= silence.overdueAt || asOf >= silence.suspectedAt) {
        overdue.push({ row, heard, silence, isSuspected: asOf >= silence.suspectedAt });
      }
    }
    const suspects: Suspect[] = await withoutOffline(
      overdue.filter((stream) => stream.isSuspected),
      now,
    );
    const ratioSuspects = await belowRatio(watched, suspects, asOf, excused, blindUntil ?? null);
    const ripe = ripeApps(suspects, overdue, result.totals, now);
    const conditions = [...suspects, ...ratioSuspects].map((suspect) =>
      conditionOf(suspect, result.totals, ripe, asOf),
    );
    return { ...result, conditions };
  };

  /** Looks up what may have become overdue, forgets what is off air; gives the number of streams looked up. */
  async function refresh(watched: readonly WatchedRow[], asOf: Instant): Promise<number> {
    const due: number[] = [];
    let oldest = asOf;
    const present = new Set<number>();
    for (const row of watched) {
      present.add(row.streamId);
      const known = memory.get(row.streamId);
      if (known && known.startedAt === row.startedAt && asOf < known.quietUntil) continue;
      due.push(row.streamId);
      oldest = Math.min(
        oldest,
        known?.startedAt === row.startedAt && known.heard ? known.heard.capturedAt : row.startedAt,
      );
    }
    for (const streamId of memory.keys()) if (!present.has(streamId)) memory.delete(streamId);
    if (due.length === 0) return 0;
    const heard = await parts.facts.lastHeard(due, Math.max(oldest, asOf - DAY_MS));
    const rowOf = new Map(watched.map((row) => [row.streamId, row]));
    for (const streamId of due) {
      const row = rowOf.get(streamId)!;
      const before = memory.get(streamId);
      const newest = heard.get(streamId) ?? (before?.startedAt === row.startedAt ? before.heard : null);
      const alive = Math.max(row.startedAt, newest?.receivedAt ?? row.startedAt);
      memory.set(streamId, {
        startedAt: row.startedAt,
        heard: newest,
        quietUntil: alive + row.intervalSeconds * 1000 + (parts.rules.graceSeconds * 1000) / 2,
      });
    }
    return due.length;
  }

  /** Drops streams that the vendor says are off air: their session has merely not been closed yet. */
  async function withoutOffline(suspects: Suspect[], now: Instant): Promise<Suspect[]> {
    for (const [streamId, at] of foundOffline) if (now - at >= OFFLINE_REMEMBERED_MS) foundOffline.delete(streamId);
    const unsure = suspects.filter(
      ({ row, silence }) =>
        row.certainty !== 'announced' && !foundOffline.has(row.streamId) && now - silence.suspectedAt < DAY_MS,
    );
    if (parts.onlineNow && unsure.length > 0) {
      for (const domain of new Set(unsure.map(({ row }) => row.domain))) {
        const online = await parts.onlineNow(domain);
        if (online === null) continue;
        for (const { row } of unsure) {
          if (row.domain === domain && !online.has(`${row.app}/${row.stream}`)) foundOffline.set(row.streamId, now);
        }
      }
    }
    return suspects.filter(({ row }) => !foundOffline.has(row.streamId));
  }

  /** Streams that never fall silent for long, yet lose more than the settings allow. */
  async function belowRatio(
    watched: readonly WatchedRow[],
    suspects: readonly Suspect[],
    asOf: Instant,
    excused: readonly ExcusedScope[],
    blindUntil: Instant | null,
  ): Promise<Suspect[]> {
    const { missRatio } = parts.rules;
    if (missRatio === null) return [];
    const from = asOf - missRatio.overSeconds * 1000;
    if (blindUntil !== null && blindUntil > from) return [];
    const silent = new Set(suspects.map(({ row }) => row.streamId));
    const judged = watched.filter(
      (row) => row.startedAt <= from && !silent.has(row.streamId) && (excusedUntil(row, excused, asOf) ?? from) <= from,
    );
    const counts = await parts.facts.heardCounts(
      judged.map((row) => row.streamId),
      from,
    );
    return judged.flatMap((row) => {
      const heard = counts.get(row.streamId) ?? 0;
      const counted = { heard, overSeconds: missRatio.overSeconds, intervalSeconds: row.intervalSeconds };
      if (!missesTooMany(counted, missRatio.ratio)) return [];
      const expected = Math.floor(missRatio.overSeconds / row.intervalSeconds);
      const silence: Silence = { since: from, overdueAt: from, suspectedAt: asOf };
      return [{ row, heard: memory.get(row.streamId)?.heard ?? null, silence, missed: expected - heard, expected }];
    });
  }

  /** Apps whose suspects are to be told now. */
  function ripeApps(
    suspects: readonly Suspect[],
    overdue: readonly Suspect[],
    totals: readonly AppTotal[],
    now: Instant,
  ): Set<string> {
    const ripe = new Set<string>();
    const stillSuspected = new Map<string, Instant>();
    for (const { domain, app, onAir } of totals) {
      const key = appKey({ domain, app });
      const mine = suspects.filter(({ row }) => appKey(row) === key);
      if (mine.length === 0) continue;
      const firstSuspectedAt = firstSuspected.get(key) ?? now;
      stillSuspected.set(key, firstSuspectedAt);
      const held = holdsForStorm({
        now,
        firstSuspectedAt,
        intervalSeconds: Math.max(...mine.map(({ row }) => row.intervalSeconds)),
        overdue: overdue.filter(({ row }) => appKey(row) === key).length,
        suspected: mine.length,
        onAir,
      });
      if (!held) ripe.add(key);
    }
    firstSuspected = stillSuspected;
    return ripe;
  }
}

type WatchedRow = OnAirRow & { intervalSeconds: number };

interface Suspect {
  row: WatchedRow;
  heard: HeardCapture | null;
  silence: Silence;
  missed?: number;
  expected?: number;
}

function conditionOf(
  { row, heard, silence, missed, expected }: Suspect,
  totals: readonly AppTotal[],
  ripe: ReadonlySet<string>,
  asOf: Instant,
): Condition {
  const slots = missedSlots(silence.since, asOf, row.intervalSeconds);
  const total = totals.find(({ domain, app }) => domain === row.domain && app === row.app);
  return {
    kind: 'silence',
    scope: { domain: row.domain, app: row.app, stream: row.stream },
    key: '',
    since: silence.since,
    until: null,
    affected: 1,
    total: total?.onAir ?? 1,
    missed: missed ?? slots,
    expected: expected ?? slots,
    cause: null,
    facts: heard ? { lastGood: { at: heard.capturedAt, object: null } } : {},
    ripe: missed !== undefined || ripe.has(appKey(row)),
    gaps: [],
  };
}

/** End of the newest excused span of the stream that has begun; null where there is none. */
function excusedUntil(row: OnAirRow, spans: readonly ExcusedScope[], asOf: Instant): Instant | null {
  let until: Instant | null = null;
  for (const span of spans) {
    if (span.from > asOf) continue;
    if (span.domain !== null && span.domain !== row.domain) continue;
    if (span.app !== null && span.app !== row.app) continue;
    if (span.stream !== null && span.stream !== row.stream) continue;
    until = Math.max(until ?? span.to, span.to);
  }
  return until;
}

/** The versions are few and the streams many: what holds for an app is looked up once per version that may hold. */
function intervalLookup(versions: readonly ConfigVersion[]): (row: OnAirRow) => number | null {
  const byApp = new Map<string, ConfigVersion[]>();
  return (row) => {
    const key = appKey(row);
    let own = byApp.get(key);
    if (!own) {
      own = versions.filter(({ domain, app }) => domain === row.domain && (app === row.app || app === '*'));
      byApp.set(key, own);
    }
    return configInForce(own, row.domain, row.app, row.startedAt)?.intervalSeconds ?? null;
  };
}

function totalsOf(rows: readonly OnAirRow[]): AppTotal[] {
  const totals = new Map<string, AppTotal>();
  for (const { domain, app } of rows) {
    const key = appKey({ domain, app });
    const total = totals.get(key);
    if (total) total.onAir++;
    else totals.set(key, { domain, app, onAir: 1 });
  }
  return [...totals.values()];
}

function appKey({ domain, app }: { domain: string; app: string }): string {
  return `${domain}\n${app}`;
}
