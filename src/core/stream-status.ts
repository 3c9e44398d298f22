import type { Instant } from './instant.ts';
import type { Span } from './span.ts';

/** How a stream stands at this moment, in one word. */
export const STREAM_STATUSES = ['on_time', 'late', 'gap', 'offline', 'paused', 'maintenance', 'unknown'] as const;
export type StreamStatus = (typeof STREAM_STATUSES)[number];

/** What the status rests on. */
export interface StreamStanding {
  /** The newest session; null where the stream never published. */
  session: { startedAt: Instant; endedAt: Instant | null } | null;
  /** Interval of the config in force for that session; null where no snapshot is expected of it. */
  intervalSeconds: number | null;
  /** The newest capture of that session that we were told of. */
  lastCaptureAt: Instant | null;
  /** A fault of that session that still goes on. */
  openGap: Span | null;
  /** A span, active now, in which faults are excused. */
  excused: { reason: string } | null;
  /** Until when a receiver of ours was alive; null where none ever was. */
  aliveUntil: Instant | null;
}

export interface StatusAt {
  now: Instant;
  /** How long after its due time a capture may still be on its way: the vendor delivers within 35 s. */
  graceSeconds: number;
}

/** Captures wait for the next key frame, and a callback takes a moment. */
const USUAL_DELAY_MS = 5_000;
/** A receiver renews its heartbeat every few seconds; without one for so long, none is alive. */
const HEARTBEAT_LOST_MS = 30_000;

/**
 * `paused` and `maintenance` come first, for someone said so; then `offline`, for an idle stream never pages anyone; then
 * `unknown` where nothing is due, or where no receiver of ours could have been told. Of what is left, the time since the newest
 * capture (or since the start) decides, as does a fault that the audit knows to go on.
 */
export function streamStatus(standing: StreamStanding, { now, graceSeconds }: StatusAt): StreamStatus {
  const { session, intervalSeconds, lastCaptureAt, openGap, excused, aliveUntil } = standing;
  if (excused) return isPause(excused.reason) ? 'paused' : 'maintenance';
  if (session === null || (session.endedAt !== null && session.endedAt <= now)) return 'offline';
  // On air without a config in force: nothing is due, so nothing can be said to come on time.
  if (intervalSeconds === null) return 'unknown';
  if (aliveUntil === null || now - aliveUntil > HEARTBEAT_LOST_MS) return 'unknown';
  const silentMs = now - Math.max(lastCaptureAt ?? session.startedAt, session.startedAt);
  const intervalMs = intervalSeconds * 1_000;
  if (silentMs > intervalMs + graceSeconds * 1_000) return 'gap';
  if (openGap !== null && (lastCaptureAt === null || openGap.to >= lastCaptureAt)) return 'gap';
  if (silentMs > intervalMs + Math.min(intervalMs / 2, USUAL_DELAY_MS)) return 'late';
  return 'on_time';
}

/** A pause is a span whose reason says so. */
function isPause(reason: string): boolean {
  return /^paus(e|ed|ing)?\b/i.test(reason);
}
