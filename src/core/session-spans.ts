import type { Instant } from './instant.ts';
import { EDGE_TOLERANCE_MS } from './judge.ts';
import type { Session } from './session.ts';

/** A session with the captures that are its own: those of `[capturesFrom, capturesTo)`. */
export interface SessionSpan<S extends Session = Session> {
  session: S;
  capturesFrom: Instant;
  capturesTo: Instant;
}

/**
 * Divides time between the sessions of one stream, given in any order. A capture up to 2 s before the start or after the end
 * belongs to the session, for names give whole seconds; between two sessions, to the nearer one. A session that is
 * said to run on after the next one began ended there. The result is in order and does not overlap.
 */
export function divideBySession<S extends Session>(sessions: Iterable<S>): SessionSpan<S>[] {
  const sorted = [...sessions].sort((a, b) => a.startedAt - b.startedAt || endOf(a) - endOf(b));
  const spans: SessionSpan<S>[] = [];
  for (const session of sorted) {
    const before = spans.at(-1);
    let capturesFrom = session.startedAt - EDGE_TOLERANCE_MS;
    if (before) {
      if (before.session.startedAt === session.startedAt) {
        // Two accounts of one session; the one that lasts longer stands, for the sort put it last.
        spans.pop();
        capturesFrom = before.capturesFrom;
      } else {
        if (endOf(before.session) > session.startedAt)
          before.session = { ...before.session, endedAt: session.startedAt };
        const middle = (before.session.endedAt! + session.startedAt) / 2;
        before.capturesTo = Math.min(before.capturesTo, Math.ceil(middle));
        before.capturesTo = Math.min(before.capturesTo, before.session.endedAt! + EDGE_TOLERANCE_MS);
        capturesFrom = Math.max(capturesFrom, Math.ceil(middle));
      }
    }
    spans.push({ session, capturesFrom, capturesTo: endOf(session) + EDGE_TOLERANCE_MS });
  }
  return spans;
}

function endOf(session: Session): Instant {
  return session.endedAt ?? Number.POSITIVE_INFINITY;
}
