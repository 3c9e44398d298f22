import type { Instant } from './instant.ts';
import type { Session } from './session.ts';

/** A session with the captures that are its own: those of `[capturesFrom, capturesTo)`. */
export interface SessionSpan<S extends Session = Session> {
  session: S;
  capturesFrom: Instant;
  capturesTo: Instant;
}

/**
 * Divides time between the sessions of one stream, given in any order. A session's own captures are those of `[startedAt, endedAt)`,
 * and of the second in which it started: a name that gives whole seconds may mean any moment of it. A session that is said to run
 * on after the next one began ended there. The result is in order and does not overlap.
 */
export function divideBySession<S extends Session>(sessions: Iterable<S>): SessionSpan<S>[] {
  const sorted = [...sessions].sort((a, b) => a.startedAt - b.startedAt || (a.endedAt ?? 0) - (b.endedAt ?? 0));
  const spans: SessionSpan<S>[] = [];
  for (const session of sorted) {
    const before = spans.at(-1);
    let capturesFrom = Math.floor(session.startedAt / 1_000) * 1_000;
    if (before) {
      if (before.session.startedAt === session.startedAt) {
        // Two accounts of one session; the one that knows an end, and the later one, stands, for the sort put it last.
        spans.pop();
        capturesFrom = before.capturesFrom;
      } else {
        if (endOf(before.session) > session.startedAt)
          before.session = { ...before.session, endedAt: session.startedAt };
        before.capturesTo = before.session.endedAt!;
        capturesFrom = Math.max(capturesFrom, before.capturesTo);
      }
    }
    spans.push({ session, capturesFrom, capturesTo: endOf(session) });
  }
  return spans;
}

function endOf(session: Session): Instant {
  return session.endedAt ?? Number.POSITIVE_INFINITY;
}
