import type { Instant } from './instant.ts';

/**
 * Captures fall on the first key frame at or after a point of the encoder's timer, so one after the other they are off that
 * timer by 0 to about 0.4 of the interval. Stamps in whole seconds blur that to half an interval and more. Where the offset
 * stayed in a narrow arc for a while, it tells how many intervals a spacing holds that is ambiguous for that reason. Offsets
 * are ms, relative to an arbitrary zero; `last` is that of the last anchor.
 */
export interface Grid {
  last: number;
  low: number;
  high: number;
  /** Anchors that the arc rests on. */
  anchors: number;
  /** The arc of the anchors of late, which replaces the old one from time to time, for a timer may creep. */
  recentLow: number;
  recentHigh: number;
}

const TRUSTED_AFTER_ANCHORS = 8;
const RENEWED_EVERY_ANCHORS = 32;
/** No spacing further than this from half an interval is ambiguous. */
const AMBIGUOUS = 0.15;

/** So far, in intervals, a capture is off the encoder's timer at most. */
export const MOST_OFF_TIMER = 0.4;

/** Wider than this, in intervals, is no arc of a timer: 0.4, and in whole seconds 3 of 6 or 4 of 8. */
const WIDEST_ARC = 0.52;

export function newGrid(): Grid {
  return { last: 0, low: 0, high: 0, anchors: 1, recentLow: 0, recentHigh: 0 };
}

/** How many intervals (at least 1) lie between the last anchor and one at `at`. */
export function stepsBetween(grid: Grid, last: Instant, at: Instant, intervalMs: number): number {
  const intervals = (at - last) / intervalMs;
  const rounded = Math.max(1, Math.round(intervals));
  const fraction = intervals - Math.floor(intervals);
  const blur = last % 1_000 === 0 && at % 1_000 === 0 ? Math.min(AMBIGUOUS, 1_000 / intervalMs) : 0;
  if (grid.anchors < TRUSTED_AFTER_ANCHORS || Math.abs(fraction - 0.5) >= blur) return rounded;
  const fewer = Math.max(1, Math.floor(intervals));
  const more = Math.max(1, Math.ceil(intervals));
  const widthOfFewer = arcWidth(grid, grid.last + (at - last) - fewer * intervalMs);
  const widthOfMore = arcWidth(grid, grid.last + (at - last) - more * intervalMs);
  const tells = Math.abs(widthOfFewer - widthOfMore) >= 0.1 * intervalMs;
  if (!tells || Math.min(widthOfFewer, widthOfMore) > WIDEST_ARC * intervalMs) return rounded;
  return widthOfFewer < widthOfMore ? fewer : more;
}

/**
 * How far, in intervals, a capture at `at` lies off the arc in which the others fell; null where no arc is known yet. Key frames
 * come late and never early, so being behind the arc counts less.
 */
export function offGrid(grid: Grid, last: Instant, at: Instant, intervalMs: number): number | null {
  if (grid.anchors < TRUSTED_AFTER_ANCHORS) return null;
  const ahead = modulo(grid.last + (at - last) - grid.low, intervalMs);
  const width = grid.high - grid.low;
  return ahead <= width ? 0 : Math.min((ahead - width) * 0.75, intervalMs - ahead) / intervalMs;
}

/** Takes note, in place, of an anchor `steps` intervals after the last one. */
export function advanceGrid(grid: Grid, last: Instant, at: Instant, steps: number, intervalMs: number): void {
  const offset = grid.last + (at - last) - steps * intervalMs;
  grid.last = offset;
  grid.low = Math.min(grid.low, offset);
  grid.high = Math.max(grid.high, offset);
  grid.recentLow = Math.min(grid.recentLow, offset);
  grid.recentHigh = Math.max(grid.recentHigh, offset);
  grid.anchors++;
  if (grid.high - grid.low > WIDEST_ARC * intervalMs) Object.assign(grid, newGrid());
  else if (grid.anchors % RENEWED_EVERY_ANCHORS === 0) {
    grid.low = grid.recentLow;
    grid.high = grid.recentHigh;
    grid.recentLow = offset;
    grid.recentHigh = offset;
  }
}

function arcWidth(grid: Grid, offset: number): number {
  return Math.max(grid.high, offset) - Math.min(grid.low, offset);
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
