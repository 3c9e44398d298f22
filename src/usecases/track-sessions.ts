import { configInForce } from '../core/config-in-force.ts';
import type { ConfigVersion } from '../core/config-version.ts';
import type { Instant } from '../core/instant.ts';
import { mergeSessions, type SessionSignal, streamOfPush } from '../core/merge-sessions.ts';
import type { Clock, SessionSignalRow, SessionStore, StoredSession, StreamRow } from '../ports.ts';
import { firstKeptDay } from './keep-capture-days.ts';

export interface TrackSessionsParts {
  sessions: SessionStore;
  clock: Clock;
  /** Main streaming domains. */
  domains: readonly string[];
  configVersions(domain: string): Promise<ConfigVersion[]>;
  /** How many days of captures are kept; null or absent: all. */
  captureRetentionDays?: number | null;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Signals of so much of the past are merged anew, and those of sessions that reach into it. */
const REACH_MS = 2 * DAY_MS;
/** A signal may be committed a while after it was stamped. */
const OVERLAP_MS = MINUTE_MS;
const CAPTURES_A_PAGE = 50_000;
const FALLBACK_INTERVAL_MS = MINUTE_MS;
/** Whoever asks for the ends of streams waits for them, some milliseconds each: so many at once. */
const ENDS_AT_ONCE = 500;

/**
 * Merges what was said about publishing to sessions. Any replica may run it, and two at once write the same. `from` reaches
 * further back than usual, for a backfill.
 */
export function createTrackSessions(parts: TrackSessionsParts): (options?: { from?: Instant }) => Promise<void> {
  const { sessions, clock } = parts;
  const merge = createMerge(parts);
  let trackedUntil: Instant | null = null;

  return async (options = {}) => {
    const now = clock.now();
    const reach = Math.min(now - REACH_MS, options.from ?? Number.POSITIVE_INFINITY);
    const since = options.from !== undefined || trackedUntil === null ? reach : trackedUntil - OVERLAP_MS;
    for (const domain of parts.domains) {
      await merge(domain, await sessions.streamsToTrack(domain, since), { reach, trackedUntil, now });
    }
    trackedUntil = now;
  };
}

/**
 * Looks whether sessions of these streams (ids) have ended, of so many as it manages at once, and returns those whose end was told and
 * waits to be looked at.
 */
export function createLookAtEnds(
  parts: Omit<TrackSessionsParts, 'domains'>,
): (streamIds: readonly number[]) => Promise<ReadonlySet<number>> {
  const { sessions, clock } = parts;
  const merge = createMerge(parts);
  /** By stream: a session that went on all the same is not merged anew each time somebody asks. */
  const lookedAt = new Map<number, Instant>();

  return async (streamIds) => {
    const now = clock.now();
    const told = await sessions.endsToTrack(streamIds);
    const fresh = told.filter(({ id, toldAt }) => lookedAt.get(id) !== toldAt);
    for (const [domain, streams] of Map.groupBy(fresh.slice(0, ENDS_AT_ONCE), (stream) => stream.domain)) {
      await merge(domain, streams, { reach: now - REACH_MS, trackedUntil: null, now });
      for (const { id, toldAt } of streams) lookedAt.set(id, toldAt);
    }
    return new Set(fresh.slice(ENDS_AT_ONCE).map(({ id }) => id));
  };
}

interface MergeSpan {
  reach: Instant;
  /** What was read until then is not read anew; null: nothing was. */
  trackedUntil: Instant | null;
  now: Instant;
}

function createMerge({ sessions, configVersions, captureRetentionDays }: Omit<TrackSessionsParts, 'domains'>) {
  return async function merge(domain: string, touched: readonly StreamRow[], span: MergeSpan): Promise<void> {
    if (touched.length === 0) return;
    const versions = await configVersions(domain);
    const alike = await sessions.streamsAlike(touched);
    for (const group of groupsOf(alike).values()) await mergeGroup(group, versions, span);
  };

  /** Streams whose names differ in case alone: a push callback may mean another one than it names. */
  async function mergeGroup(
    group: readonly (StreamRow & { exact: boolean })[],
    versions: readonly ConfigVersion[],
    { reach, trackedUntil, now }: MergeSpan,
  ): Promise<void> {
    const ids = group.map(({ id }) => id);
    const within = await sessions.sessions(ids, reach - MINUTE_MS, now + DAY_MS);
    const starts = [...within.values()].flat().map((session) => session.startedAt);
    const from = Math.min(reach, ...starts) - MINUTE_MS;
    // A session that reaches out of it may begin beside others that are to be merged anew with it.
    const stored = from < reach - MINUTE_MS ? await sessions.sessions(ids, from, now + DAY_MS) : within;
    const rows = await sessions.signals(ids, from);
    const signals = new Map<number, SessionSignal[]>(ids.map((id) => [id, []]));
    const known = group.filter((stream) => stream.exact);
    const keptFrom = Math.max(from, firstKeptDay(now, captureRetentionDays ?? null) * DAY_MS);
    // What was read before is not read anew every minute, for a session may be weeks long.
    const unreadFrom = Math.max(keptFrom, Math.min(reach, trackedUntil ?? from));
    for (const stream of group) {
      const meant = streamOfPush(stream, { streamingDomains: new Map(), known });
      const pushed = group.find((each) => each.stream === meant.stream) ?? stream;
      for (const row of rows.get(stream.id) ?? []) {
        const ofPush = row.kind === 'publish' || row.kind === 'publish_done';
        signals.get(ofPush ? pushed.id : stream.id)!.push(signalOf(row));
      }
    }
    for (const stream of group) {
      const own = signals.get(stream.id)!;
      const config = configInForce(versions, stream.domain, stream.app, now);
      const intervalMs = config ? config.intervalSeconds * 1_000 : FALLBACK_INTERVAL_MS;
      const inferred = (stored.get(stream.id) ?? []).filter(
        ({ certainty, startedAt }) => certainty === 'inferred' && startedAt >= from,
      );
      const mergedSince = async (readFrom: Instant) => {
        const captures = await capturesThatTell(stream.id, own, readFrom);
        const all = [...own, ...captures.map((at): SessionSignal => ({ kind: 'capture', at }))];
        const merged = mergeSessions(all, { now, intervalMs }).filter((session) => session.startedAt >= from);
        return withOutlived(
          merged,
          inferred.filter(({ startedAt }) => startedAt < readFrom),
          readFrom,
        );
      };
      let merged = await mergedSince(unreadFrom);
      // Where it ended, and whether it goes on, its older captures must tell.
      const lost = ({ startedAt, endedAt }: StoredSession) =>
        endedAt === null && !merged.some((session) => session.startedAt === startedAt && session.endedAt === null);
      if (unreadFrom > keptFrom && inferred.some(lost)) merged = await mergedSince(keptFrom);
      await sessions.replaceSessions(stream.id, from, merged);
    }
  }

  /** Captures outside every announced session, and the last one of a session that nobody saw end. */
  async function capturesThatTell(
    streamId: number,
    signals: readonly SessionSignal[],
    from: Instant,
  ): Promise<Instant[]> {
    const instants: Instant[] = [];
    for (let since = from; ; ) {
      const page = await sessions.capturesOutsideSessions(streamId, since, CAPTURES_A_PAGE);
      for (const at of page) instants.push(at);
      if (page.length < CAPTURES_A_PAGE) break;
      since = page.at(-1)! + 1;
    }
    for (const signal of signals) {
      if (signal.kind !== 'online' || signal.absentAt === null) continue;
      const last = await sessions.lastCapture(streamId, signal.publishedAt, signal.absentAt);
      if (last !== null) instants.push(last);
    }
    return instants;
  }
}

/** An inferred session whose first captures are not read any more began when it was said to, and what was judged of it stands. */
function withOutlived(
  merged: readonly StoredSession[],
  outlived: readonly StoredSession[],
  readFrom: Instant,
): StoredSession[] {
  const sessions = merged.map((session) => ({ ...session }));
  for (const before of outlived) {
    const end = before.endedAt ?? Number.POSITIVE_INFINITY;
    const within = sessions.filter(
      ({ startedAt, endedAt }) => startedAt <= end && (endedAt ?? Number.POSITIVE_INFINITY) > before.startedAt,
    );
    const [first] = within;
    if (!first) sessions.push({ ...before, endedAt: before.endedAt ?? readFrom });
    else if (first.certainty === 'inferred') first.startedAt = Math.min(first.startedAt, before.startedAt);
  }
  return sessions.sort((a, b) => a.startedAt - b.startedAt);
}

function groupsOf<S extends StreamRow>(streams: readonly S[]): Map<string, S[]> {
  const groups = new Map<string, S[]>();
  for (const stream of streams) {
    const key = JSON.stringify([stream.app, stream.stream.toLowerCase()]);
    const group = groups.get(key);
    if (group) group.push(stream);
    else groups.set(key, [stream]);
  }
  return groups;
}

function signalOf(row: SessionSignalRow): SessionSignal {
  switch (row.kind) {
    case 'publish':
    case 'publish_done':
      return { kind: row.kind, at: row.at };
    case 'online':
      return { kind: 'online', publishedAt: row.startedAt ?? row.at, seenAt: row.seenAt, absentAt: row.endedAt };
    case 'listed':
      return { kind: 'listed', publishedAt: row.startedAt ?? row.at, stoppedAt: row.endedAt };
    default:
      return row.kind satisfies never;
  }
}
