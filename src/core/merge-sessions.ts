import type { Instant } from './instant.ts';
import type { StreamKey } from './stream-key.ts';

/** What somebody said about the publishing of one stream. Duplicates do no harm. */
export type SessionSignal =
  /** A publish callback. */
  | { kind: 'publish'; at: Instant }
  /** A publish_done callback; it may trail the last frame by 10 s. */
  | { kind: 'publish_done'; at: Instant }
  /**
   * The online list: seen online, last at `seenAt`. `absentAt` is the first poll, read to its end, that did not see this publish any
   * more; a poll that failed or was cut says nothing.
   */
  | { kind: 'online'; publishedAt: Instant; seenAt: Instant; absentAt: Instant | null }
  /** A row of the publish list. */
  | { kind: 'listed'; publishedAt: Instant; stoppedAt: Instant | null }
  /** A capture that OSS or the vendor's index supports. */
  | { kind: 'capture'; at: Instant };

export interface MergedSession {
  startedAt: Instant;
  endedAt: Instant | null;
  /** announced: by a publish callback; listed: by the online or publish list; inferred: only captures speak for it. */
  certainty: 'announced' | 'listed' | 'inferred';
  /** The vendor told the end; else it is the last sign of life, or the next start. */
  endCertain: boolean;
}

export interface MergeTerms {
  now: Instant;
  /** The interval of the config in force, for sessions that only captures speak for. */
  intervalMs: number;
}

/** Accounts of one publish differ by less: all give whole seconds, and the callback waits 2 s. */
const SAME_PUBLISH_MS = 5_000;
/** The online list may lag: a publish seen online so long after its publish_done has not ended. */
const ONLINE_LAG_MS = 60_000;
const DEAD_PUSH_MS = 10_000;
const EDGE_MS = 2_000;
/** So many captures in a row make a session that nobody announced. */
const LEAST_CAPTURES = 3;
/** Captures further apart, in intervals, are not of one inferred session. */
const BREAK_INTERVALS = 3;

interface Draft {
  startedAt: Instant;
  announced: boolean;
  online: Extract<SessionSignal, { kind: 'online' }> | null;
  listed: Extract<SessionSignal, { kind: 'listed' }> | null;
  doneAt: Instant | null;
}

/** Merges all signals of one stream to its sessions, in order; they do not overlap. */
export function mergeSessions(signals: Iterable<SessionSignal>, terms: MergeTerms): MergedSession[] {
  const drafts: Draft[] = [];
  const captures: Instant[] = [];
  const all = [...signals].map(withoutContradiction).sort(compareSignals);
  // Order matters: a callback names the start first, for it comes first and is then the session's identity.
  for (const signal of all) if (signal.kind === 'publish') announce(drafts, signal.at);
  for (const signal of all) if (signal.kind === 'online') attach(drafts, 'online', signal);
  for (const signal of all) if (signal.kind === 'listed') attach(drafts, 'listed', signal);
  for (const signal of all) if (signal.kind === 'capture') captures.push(signal.at);
  drafts.sort((a, b) => a.startedAt - b.startedAt);
  captures.sort((a, b) => a - b);
  const dones = new Set(all.filter((signal) => signal.kind === 'publish_done').map(({ at }) => at));
  const ends = [...dones].sort((a, b) => a - b);
  for (const [index, at] of ends.entries()) finish(drafts, at, ends[index + 1] ?? null);

  const sessions = drafts.map((draft, index) => sessionOf(draft, drafts[index + 1]?.startedAt ?? null, captures));
  return [...sessions, ...inferSessions(captures, sessions, terms)].sort((a, b) => a.startedAt - b.startedAt);
}

/** By time and content, so that it does not matter in which order signals came. */
function compareSignals(a: SessionSignal, b: SessionSignal): number {
  const numbers = (signal: SessionSignal): number[] => {
    switch (signal.kind) {
      case 'online':
        return [signal.publishedAt, signal.seenAt, signal.absentAt ?? 0];
      case 'listed':
        return [signal.publishedAt, signal.stoppedAt ?? 0];
      default:
        return [signal.at];
    }
  };
  const [one, other] = [numbers(a), numbers(b)];
  for (const [index, value] of one.entries()) {
    const difference = value - (other[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Nobody is absent before or while he is seen. */
function withoutContradiction(signal: SessionSignal): SessionSignal {
  const contradicts = signal.kind === 'online' && signal.absentAt !== null && signal.absentAt <= signal.seenAt;
  return contradicts ? { ...signal, absentAt: null } : signal;
}

function announce(drafts: Draft[], at: Instant): void {
  if (drafts.some((draft) => draft.startedAt === at)) return;
  drafts.push({ startedAt: at, announced: true, online: null, listed: null, doneAt: null });
}

/** Finds the publish that a list speaks of; two rows of one list are two publishes, however near (a restart within a second). */
function attach<K extends 'online' | 'listed'>(
  drafts: Draft[],
  kind: K,
  signal: NonNullable<Draft[K]> & { publishedAt: Instant },
): void {
  const same = drafts.find((draft) => draft[kind]?.publishedAt === signal.publishedAt);
  if (same) {
    same[kind] = newer(same[kind] as Draft[K], signal) as Draft[K];
    return;
  }
  let nearest: Draft | null = null;
  for (const draft of drafts) {
    const distance = Math.abs(draft.startedAt - signal.publishedAt);
    if (draft[kind] !== null || distance > SAME_PUBLISH_MS) continue;
    if (!nearest || distance < Math.abs(nearest.startedAt - signal.publishedAt)) nearest = draft;
  }
  if (!nearest) {
    nearest = { startedAt: signal.publishedAt, announced: false, online: null, listed: null, doneAt: null };
    drafts.push(nearest);
  }
  nearest[kind] = signal;
}

/** Of two rows about one publish, the one that knows more. */
function newer(before: Draft['online'] | Draft['listed'], signal: NonNullable<Draft['online'] | Draft['listed']>) {
  if (before?.kind === 'online' && signal.kind === 'online') {
    const later = signal.seenAt > before.seenAt ? signal : before;
    const absences = [before.absentAt, signal.absentAt].filter((at) => at !== null && at > later.seenAt) as Instant[];
    return { ...later, absentAt: absences.length > 0 ? Math.min(...absences) : null };
  }
  return signal.kind === 'listed' && signal.stoppedAt === null && before ? before : signal;
}

/**
 * A publish_done ends the last publish before it; at a restart within the second, the older one. So it does right after a restart
 * where the new publish has another end: a dead push is noticed up to 10 s late.
 */
function finish(drafts: Draft[], at: Instant, nextDone: Instant | null): void {
  const index = drafts.findLastIndex((draft) => draft.startedAt <= at);
  let draft = drafts[index];
  const before = drafts[index - 1];
  if (draft && before?.doneAt === null && at - draft.startedAt <= DEAD_PUSH_MS) {
    const nextStart = drafts[index + 1]?.startedAt ?? Number.POSITIVE_INFINITY;
    const endsLater =
      (nextDone !== null && nextDone <= nextStart) || (draft.listed?.stoppedAt ?? at) - at > SAME_PUBLISH_MS;
    if (draft.startedAt === at || endsLater) draft = before;
  }
  if (!draft || draft.doneAt !== null) return;
  const seenLater = draft.online !== null && draft.online.seenAt > at + ONLINE_LAG_MS;
  if (!seenLater) draft.doneAt = at;
}

function sessionOf(draft: Draft, nextStart: Instant | null, captures: readonly Instant[]): MergedSession {
  const { startedAt, announced, online, listed, doneAt } = draft;
  const certainty = announced ? 'announced' : 'listed';
  const told = doneAt ?? listed?.stoppedAt ?? null;
  if (told !== null) {
    const endedAt = Math.min(lastMomentOf(told), nextStart ?? Number.POSITIVE_INFINITY);
    return { startedAt, endedAt: Math.max(startedAt, endedAt), certainty, endCertain: true };
  }
  const latest = Math.min(online?.absentAt ?? Number.POSITIVE_INFINITY, nextStart ?? Number.POSITIVE_INFINITY);
  if (latest === Number.POSITIVE_INFINITY) return { startedAt, endedAt: null, certainty, endCertain: false };
  // Somewhere between the last sign of life and the first of its absence. The judge takes off the 10 s of a dead push again.
  const lastCapture = captures.findLast((at) => at >= startedAt && at < latest);
  const alive = Math.max(
    online?.seenAt ?? startedAt,
    lastCapture === undefined ? startedAt : lastCapture + DEAD_PUSH_MS,
  );
  const endedAt = alive > startedAt ? Math.min(alive, latest) : latest;
  return { startedAt, endedAt: Math.max(startedAt, endedAt), certainty, endCertain: false };
}

/** Ends are told in whole seconds: it may have been any moment of that one, and what was captured in it is no stray. */
function lastMomentOf(told: Instant): Instant {
  return told % 1_000 === 0 ? told + 999 : told;
}

function inferSessions(
  captures: readonly Instant[],
  sessions: readonly MergedSession[],
  terms: MergeTerms,
): MergedSession[] {
  const inferred: MergedSession[] = [];
  let group: Instant[] = [];
  const apart = BREAK_INTERVALS * terms.intervalMs;
  const flush = () => {
    const [first] = group;
    const last = group.at(-1);
    if (
      first !== undefined &&
      last !== undefined &&
      group.length >= LEAST_CAPTURES &&
      onBeat(group, terms.intervalMs)
    ) {
      const nextStart = sessions.find(({ startedAt }) => startedAt > last)?.startedAt ?? Number.POSITIVE_INFINITY;
      const running = terms.now - last <= apart && nextStart === Number.POSITIVE_INFINITY;
      const endedAt = running ? null : Math.min(last + DEAD_PUSH_MS, nextStart);
      inferred.push({ startedAt: first, endedAt, certainty: 'inferred', endCertain: false });
    }
    group = [];
  };
  for (const at of captures) {
    const own = sessions.some(
      ({ startedAt, endedAt }) => at >= startedAt - EDGE_MS && (endedAt === null || at < endedAt + EDGE_MS),
    );
    const last = group.at(-1);
    const sessionBetween = sessions.some(({ startedAt }) => last !== undefined && startedAt > last && startedAt <= at);
    if (own || sessionBetween || (last !== undefined && at - last > apart)) flush();
    if (!own && at !== group.at(-1)) group.push(at);
  }
  flush();
  return inferred;
}

/** Neighbours stand whole intervals apart, give or take a key frame. */
function onBeat(group: readonly Instant[], intervalMs: number): boolean {
  return group.every((at, index) => {
    if (index === 0) return true;
    const intervals = (at - group[index - 1]!) / intervalMs;
    return Math.abs(intervals - Math.max(1, Math.round(intervals))) <= 0.45;
  });
}

export interface StreamNames {
  /** Main streaming domain by ingest domain. A domain that is not in it stands for itself. */
  streamingDomains: ReadonlyMap<string, string>;
  /** Streams whose exact names are known, from the online list, the publish list or snapshot callbacks. */
  known: Iterable<StreamKey>;
}

/**
 * The stream that a push callback means: it names the ingest domain, and the stream perhaps in lower case
 * (reference/live-api.md 4). An exact name comes first, then the only known one that differs in case alone; else the name as told.
 */
export function streamOfPush(told: StreamKey, names: StreamNames): StreamKey {
  const domain = names.streamingDomains.get(told.domain) ?? told.domain;
  const lower = told.stream.toLowerCase();
  const alike: StreamKey[] = [];
  for (const key of names.known) {
    if (key.domain !== domain || key.app !== told.app) continue;
    if (key.stream === told.stream) return { domain, app: key.app, stream: key.stream };
    if (key.stream.toLowerCase() === lower) alike.push(key);
  }
  const [only] = alike;
  if (only && alike.length === 1) return { domain, app: only.app, stream: only.stream };
  return { domain, app: told.app, stream: told.stream };
}
