import type { WatchRules } from './incident-rules.ts';
import type { Instant } from './instant.ts';

export interface WatchedStream {
  startedAt: Instant;
  intervalSeconds: number;
  /** When the newest callback about it came in; null where none has. */
  lastHeardAt: Instant | null;
}

/** What of the past cannot be held against the stream. */
export interface Allowance {
  /** End of our newest blind span; null where there was none. */
  blindUntil: Instant | null;
  /** End of the newest excused span that has begun; null where there was none. May lie in the future. */
  excusedUntil: Instant | null;
}

export interface Silence {
  /** The last sign of life, for people: the newest callback, else the start of the session. */
  since: Instant;
  /** From here on its beat is late. */
  overdueAt: Instant;
  /** From here on it is suspected. */
  suspectedAt: Instant;
}

/**
 * When this stream becomes overdue and suspected if nothing more comes. The clock of a silence runs only while we could
 * hear: it starts again at the end of a blind or excused span.
 */
export function silenceOf(stream: WatchedStream, allowance: Allowance, rules: WatchRules): Silence {
  const since = Math.max(stream.startedAt, stream.lastHeardAt ?? stream.startedAt);
  const clock = Math.max(since, allowance.blindUntil ?? since, allowance.excusedUntil ?? since);
  const intervalMs = stream.intervalSeconds * 1000;
  return {
    since,
    overdueAt: clock + intervalMs + (rules.graceSeconds * 1000) / 2,
    suspectedAt: clock + rules.misses * intervalMs + rules.graceSeconds * 1000,
  };
}

/** Slots that should have brought a callback since the last one. */
export function missedSlots(since: Instant, now: Instant, intervalSeconds: number): number {
  return Math.max(0, Math.floor((now - since) / (intervalSeconds * 1000)));
}

/**
 * The instant up to which we can vouch for having listened: now, or the newest heartbeat where that is older than its
 * normal age. null: no receiver of ours has ever been alive, so nothing can be said.
 */
export function listeningUntil(
  newestHeartbeat: Instant | null,
  now: Instant,
  toleranceSeconds: number,
): Instant | null {
  if (newestHeartbeat === null) return null;
  return now - newestHeartbeat <= toleranceSeconds * 1000 ? now : newestHeartbeat;
}

/** True where too few of the callbacks of the window came. */
export function missesTooMany(
  counted: { heard: number; overSeconds: number; intervalSeconds: number },
  ratio: number,
): boolean {
  const expected = Math.floor(counted.overSeconds / counted.intervalSeconds);
  return expected > 0 && expected - counted.heard > ratio * expected;
}
