import { conditionsOfAwaiting, type Expected, expectedLookup } from '../core/awaiting-push.ts';
import type { ConfigVersion } from '../core/config-version.ts';
import type { Condition } from '../core/incident.ts';
import type { WatchRules } from '../core/incident-rules.ts';
import type { Instant } from '../core/instant.ts';
import type { Span } from '../core/span.ts';
import { type AppTotal, onAirWithin } from '../core/storm.ts';
import { listeningUntil, missedSlots, type Silence, silenceOf } from '../core/watch-silence.ts';
import type { AlertingFacts, HeardCapture, LooksBefore, OnAirRow } from '../ports.ts';
import { createMissRatioWatch, type WatchedRow } from './watch-miss-ratio.ts';
import { appKey, createWaves } from './watch-waves.ts';

/** A span in which bad slots are excused; null app or stream: all of them. */
export interface ExcusedScope extends Span {
  domain: string | null;
  app: string | null;
  stream: string | null;
}

/** What one evaluation knows of our own hearing and of what is excused. */
export interface Hearing extends LooksBefore {
  newestHeartbeat: Instant | null;
  /** Of the last day, merged, in order. */
  blind: readonly Span[];
  /** Those that share an instant with the last day. */
  excused: readonly ExcusedScope[];
}

export interface WatchParts {
  facts: Pick<AlertingFacts, 'onAir' | 'stillOnAir' | 'lastHeard' | 'heardCounts'>;
  /** All config versions of all domains. */
  configVersions(): Promise<ConfigVersion[]>;
  /** Ours; null: not known, and every stream on air is expected to call us. */
  callbackUrl: string | null;
  /**
   * Asks the vendor which streams of the domain are on air right now, `app/stream`. Only for suspected streams whose end
   * nobody announces; null where it could not be asked in time.
   */
  onlineNow?(domain: string): Promise<ReadonlySet<string> | null>;
  /**
   * Called before anybody new is suspected: closes the sessions of these streams whose end was told and not looked at yet, and returns
   * those of them that it leaves for the next time.
   */
  lookAtEnds?(streamIds: readonly number[]): Promise<ReadonlySet<number>>;
  /** Asked before anybody new is told of: false where no callback can reach us, so that silence says nothing of the vendor. */
  isReachable?(): Promise<boolean>;
  rules: WatchRules;
}

export interface WatchResult {
  conditions: Condition[];
  /** Streams whose callbacks go elsewhere until they are pushed again, by the config that they wait for: they are not watched. */
  awaiting: Condition[];
  totals: AppTotal[];
  /** Interval in force by stream id, for counting slots. */
  intervals: ReadonlyMap<number, number>;
  /** Streams on air that a config expects snapshots of, and whose callbacks should come to us. */
  watched: number;
  /** Streams whose last capture was looked up in this tick. */
  looked: number;
  /** Apps (`appKey`) whose streams wait for each other, for an outage of them is just beginning. */
  forming: ReadonlySet<string>;
}

/** Receivers leave a heartbeat every second or so; one older than this says that we were deaf since. */
const HEARTBEAT_TOLERANCE_SECONDS = 5;
const DAY_MS = 86_400_000;
/** A receiver that starts up or restarts is no reason to begin every clock anew. */
const SHORT_BLINDNESS_MS = 1_000;
const OFFLINE_REMEMBERED_MS = 30_000;

/** The list of streams on air is read anew so often. In between a start is not missed: it needs longer to become silent. */
const LIST_MS = 5_000;

/** A stream is first judged when it has been looked up; a process that starts up comes to all of them within some ticks. */
const NEW_A_TICK = 2_000;

/** Whoever is suspected can only recover: looked at so often, a part of them in each tick. */
const SUSPECTED_LOOK_MS = 2_000;
const SUSPECTED_SPREAD_SECONDS = 3;
const NO_ALLOWANCE = { blindUntil: null, excusedUntil: null };

interface Remembered {
  startedAt: Instant;
  heard: HeardCapture | null;
  /** Until then nothing can have become overdue. */
  quietUntil: Instant;
  /** Looked up again from then on. */
  lookAt: Instant;
}

interface OnAirList {
  at: Instant;
  watched: WatchedRow[];
  totals: AppTotal[];
  intervals: ReadonlyMap<number, number>;
  awaiting: Condition[];
}

/**
 * Finds the streams on air whose callbacks have stopped. Between two ticks it remembers when each stream was heard last,
 * so that a tick looks up only those whose beat is due: about one tick in `interval` per stream. The memory is a cache
 * of the captures table and may be lost at any time; replicas do not share it.
 */
export function createSilenceWatch(parts: WatchParts) {
  const memory = new Map<number, Remembered>();
  const foundOffline = new Map<number, Instant>();
  const waves = createWaves();
  let list: OnAirList | null = null;
  const { missRatio } = parts.rules;
  const lossy = missRatio && createMissRatioWatch({ facts: parts.facts, rule: missRatio });
  const overMs = (missRatio?.overSeconds ?? 0) * 1000;

  return async function watch(now: Instant, hearing: Hearing): Promise<WatchResult> {
    const isFresh = list !== null && now >= list.at && now - list.at < LIST_MS;
    const current = isFresh ? list! : await readList(now);
    list = current;
    const { watched, totals, intervals, awaiting } = current;
    const result = { totals, intervals, awaiting, watched: watched.length, looked: 0 };
    const asOf = listeningUntil(hearing.newestHeartbeat, now, HEARTBEAT_TOLERANCE_SECONDS);
    if (asOf === null) return { ...result, forming: new Set(), conditions: [] };

    const { blind, excused, resumedAt } = hearing;
    const blindUntil =
      blind.filter((span) => span.to - span.from > SHORT_BLINDNESS_MS && span.to <= asOf).at(-1)?.to ?? null;
    // What came before may have waited in spools while the database was away, and be on its way to it.
    const deafUntil = Math.max(blindUntil ?? 0, resumedAt ?? 0) || null;
    const isNew = (row: WatchedRow) => memory.get(row.streamId)?.startedAt !== row.startedAt;
    const toLookAt = [
      ...watched.filter(isNew).slice(0, NEW_A_TICK),
      ...watched.filter((row) => !isNew(row) && asOf >= memory.get(row.streamId)!.lookAt),
    ];
    result.looked = toLookAt.length;
    await lookUp(toLookAt, asOf);
    const due = watched.filter((row) => !isNew(row) && asOf >= memory.get(row.streamId)!.quietUntil);

    const overdue: (Suspect & { isSuspected: boolean })[] = [];
    for (const row of due) {
      const heard = memory.get(row.streamId)?.heard ?? null;
      const silence = silenceOf(
        { startedAt: row.startedAt, intervalSeconds: row.intervalSeconds, lastHeardAt: heard?.receivedAt ?? null },
        { blindUntil: isKnown({ row }) ? blindUntil : deafUntil, excusedUntil: excusedUntil(row, excused, asOf) },
        parts.rules,
      );
      if (asOf >= silence.overdueAt || asOf >= silence.suspectedAt) {
        overdue.push({ row, heard, silence, isSuspected: asOf >= silence.suspectedAt });
      }
    }
    const losing = await belowRatio(watched, overdue, asOf, excused, deafUntil);
    const found: Suspect[] = [...overdue.filter((stream) => stream.isSuspected), ...losing];
    const onAir = await stillOnAir(found);
    const suspects = await unlessWeAreDeaf(await withoutOffline(onAir, now));
    const { ripe, forming } = waves.ripeOf(suspects, [...overdue, ...losing], result.totals, asOf);
    const conditions = suspects.map((suspect) => conditionOf(suspect, result.totals, ripe, asOf));
    return { ...result, forming, conditions };
  };

  async function readList(now: Instant): Promise<OnAirList> {
    const [rows, versions] = await Promise.all([parts.facts.onAir(), parts.configVersions()]);
    const expectedOf = expectedLookup(versions, now, parts.callbackUrl);
    const expecting: { row: WatchedRow; expected: Expected }[] = [];
    for (const row of rows) {
      const expected = expectedOf(row);
      if (expected) expecting.push({ row: { ...row, intervalSeconds: expected.intervalSeconds }, expected });
    }
    const awaiting = await withoutHeard(
      expecting.filter(({ expected }) => expected.awaited !== null),
      now,
    );
    const watched = expecting.filter((each) => !awaiting.has(each)).map(({ row }) => row);
    const present = new Set(watched.map(({ streamId }) => streamId));
    for (const streamId of memory.keys()) if (!present.has(streamId)) memory.delete(streamId);
    const totals = totalsOf(expecting.map(({ row }) => row));
    return {
      at: now,
      watched,
      totals,
      intervals: new Map(expecting.map(({ row }) => [row.streamId, row.intervalSeconds])),
      awaiting: conditionsOfAwaiting(awaiting, (scope) => onAirWithin(totals, scope)),
    };
  }

  /** When a config changed is known to the poll: who calls us in this session runs under ours, whatever the versions say. */
  async function withoutHeard<E extends { row: WatchedRow }>(awaiting: E[], now: Instant): Promise<Set<E>> {
    if (awaiting.length === 0) return new Set();
    const heard = await parts.facts.lastHeard(
      awaiting.map(({ row }) => row.streamId),
      now - DAY_MS,
    );
    return new Set(awaiting.filter(({ row }) => (heard.get(row.streamId)?.capturedAt ?? 0) < row.startedAt));
  }

  /** Remembers the newest callback of each and until when it can be left alone. */
  async function lookUp(due: readonly WatchedRow[], asOf: Instant): Promise<void> {
    if (due.length === 0) return;
    const known = (row: WatchedRow) => {
      const before = memory.get(row.streamId);
      return before?.startedAt === row.startedAt ? before.heard : null;
    };
    const oldest = due.reduce((least, row) => Math.min(least, known(row)?.capturedAt ?? row.startedAt), asOf);
    const heard = await parts.facts.lastHeard(
      due.map((row) => row.streamId),
      Math.max(oldest, asOf - DAY_MS),
    );
    for (const row of due) {
      const newest = heard.get(row.streamId) ?? known(row);
      const lastHeardAt = newest?.receivedAt ?? null;
      const { overdueAt, suspectedAt } = silenceOf({ ...row, lastHeardAt }, NO_ALLOWANCE, parts.rules);
      const quietUntil = Math.min(overdueAt, suspectedAt);
      const suspectedLookMs = SUSPECTED_LOOK_MS + (row.streamId % SUSPECTED_SPREAD_SECONDS) * 1000;
      const lookAt = asOf >= suspectedAt ? asOf + suspectedLookMs : Math.max(quietUntil, asOf + 1);
      memory.set(row.streamId, { startedAt: row.startedAt, heard: newest, quietUntil, lookAt });
    }
  }

  /** The list is older than the last word: whoever is about to be suspected is looked at again, everybody else with the next list. */
  async function stillOnAir<S extends Suspect>(suspects: S[]): Promise<S[]> {
    const fresh = suspects.filter((suspect) => !isKnown(suspect)).map(({ row }) => row.streamId);
    if (fresh.length === 0) return suspects;
    const endTold = await parts.lookAtEnds?.(fresh);
    const onAir = await parts.facts.stillOnAir(fresh);
    const isOnAir = (streamId: number) => onAir.has(streamId) && !endTold?.has(streamId);
    return suspects.filter((suspect) => isKnown(suspect) || isOnAir(suspect.row.streamId));
  }

  /** True where the silence has been let through to be told. */
  function isKnown({ row }: Pick<Suspect, 'row'>): boolean {
    return waves.isThrough(row);
  }

  /** Drops new suspects while our own public address cannot be reached. */
  async function unlessWeAreDeaf(suspects: Suspect[]): Promise<Suspect[]> {
    if (!parts.isReachable || suspects.every(isKnown) || (await parts.isReachable())) return suspects;
    return suspects.filter(isKnown);
  }

  /** Drops streams that the vendor says are off air: their session has merely not been closed yet. */
  async function withoutOffline(suspects: Suspect[], now: Instant): Promise<Suspect[]> {
    for (const [streamId, at] of foundOffline) if (now - at >= OFFLINE_REMEMBERED_MS) foundOffline.delete(streamId);
    const unsure = suspects.filter(
      ({ row, silence }) =>
        row.certainty !== 'announced' && !foundOffline.has(row.streamId) && now - silence.suspectedAt < DAY_MS,
    );
    if (parts.onlineNow && unsure.length > 0) {
      const ask = parts.onlineNow;
      const domains = [...new Set(unsure.map(({ row }) => row.domain))];
      const online = new Map(await Promise.all(domains.map(async (domain) => [domain, await ask(domain)] as const)));
      for (const { row } of unsure) {
        const onAir = online.get(row.domain);
        if (onAir && !onAir.has(`${row.app}/${row.stream}`)) foundOffline.set(row.streamId, now);
      }
    }
    return suspects.filter(({ row }) => !foundOffline.has(row.streamId));
  }

  /**
   * Streams that are heard, yet lose more than the settings allow. Whoever is overdue is left to the clock of the silence,
   * which gives a stream that merely ended its time; one that was told keeps its place while its beat is late again.
   */
  async function belowRatio(
    watched: readonly WatchedRow[],
    overdue: readonly (Suspect & { isSuspected: boolean })[],
    asOf: Instant,
    excused: readonly ExcusedScope[],
    blindUntil: Instant | null,
  ): Promise<Suspect[]> {
    if (lossy === null) return [];
    const from = asOf - overMs;
    if (blindUntil !== null && blindUntil > from) return [];
    const silent = new Set(
      overdue.filter((stream) => stream.isSuspected || !isKnown(stream)).map(({ row }) => row.streamId),
    );
    const judged = watched.filter(
      (row) => row.startedAt <= from && !silent.has(row.streamId) && (excusedUntil(row, excused, asOf) ?? from) <= from,
    );
    return (await lossy(judged, asOf)).map((found) => ({
      ...found,
      heard: memory.get(found.row.streamId)?.heard ?? null,
      silence: { since: found.from, overdueAt: found.from, suspectedAt: asOf },
    }));
  }
}

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
  ripe: ReadonlySet<number>,
  asOf: Instant,
): Condition {
  const slots = missedSlots(silence.since, asOf, row.intervalSeconds);
  const { domain, app, stream } = row;
  const total = totals.find((one) => one.domain === domain && one.app === app);
  return {
    kind: 'silence',
    scope: { domain, app, stream },
    key: '',
    since: silence.since,
    until: null,
    affected: 1,
    total: total?.onAir ?? 1,
    missed: missed ?? slots,
    expected: expected ?? slots,
    cause: null,
    facts: heard ? { lastGood: { at: heard.capturedAt, stream: { domain, app, stream } } } : {},
    ripe: ripe.has(row.streamId),
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
