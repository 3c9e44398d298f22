import type { Gap } from './gap.ts';
import type { Grid } from './grid.ts';
import type { Instant } from './instant.ts';
import type { Span } from './span.ts';
import type { Cause, SlotCounts, Verdict } from './verdict.ts';

/** A span in which faults are excused, and why. */
export interface ExcusedSpan extends Span {
  reason: string;
}

/** What was looked at, and by whom; all merged, except `excused`. */
export interface LookedSpans {
  /** OSS was listed in full for captures of this stream. */
  listed: Span[];
  /** The vendor's index was read in full for this stream. */
  indexed: Span[];
  /** No receiver of ours was alive. */
  blind: Span[];
  /** More requests were rejected than could be kept by the name of their object. */
  unkept: Span[];
  excused: ExcusedSpan[];
}

/** A capture that has its verdict, but not yet its place in the beat. */
export interface Held {
  at: Instant;
  verdict: Verdict;
  cause: Cause | null;
  reason?: string;
  /** How many witnesses spoke for it, 1 to 3. */
  witnesses: number;
}

/** A capture that OSS or the index supports. Its neighbours are measured from it. */
export interface Anchor extends Held {
  /** Unsupported captures between the anchor before and this one. */
  claims: Held[];
}

/** A steady beat other than the configured one, under way. */
export interface Drift {
  /** Where it began; its slots are counted from here, so that rounding does not add up. */
  from: Instant;
  /** Intervals from `from` to the last anchor. */
  steps: number;
  /** As it was found, until `spacings` of its own tell it better. */
  beatMs: number;
  /** The first anchor on the beat, and how many spacings followed. */
  first: Instant | null;
  spacings: number;
  /** The last anchors on the beat, at most 12. */
  recent: Instant[];
  /** So many of the next anchors are known to belong to it. */
  known: number;
}

/**
 * All that the judge must remember of one session in one mode: what is not final yet, and nothing else. Plain JSON, of
 * bounded size. A state is a value: judging returns a new one and leaves the old one as it was.
 */
export interface JudgeState {
  version: 1;
  /** Every capture before is in; those from here on are to be given next. Null before the first call. */
  until: Instant | null;
  /** Slots before were reported, the last ones provisionally. */
  reportedTo: Instant | null;
  /** The last anchor whose place is settled; before the first one the head of the session; null before the first call. */
  last: Instant | null;
  /** True while `last` is the head of the session and not a capture. */
  atHead: boolean;
  held: Anchor[];
  claims: Held[];
  grid: Grid;
  drift: Drift | null;
  runs: { main: Gap | null; drift: Gap | null; extra: Gap | null };
  /** Final slots so far of the hours that may still get more, by start of the hour. */
  hours: [Instant, Partial<SlotCounts>][];
  looked: LookedSpans;
  /** The session is over and judged to its end. */
  closed: boolean;
}
