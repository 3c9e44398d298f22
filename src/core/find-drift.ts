import type { Instant } from './instant.ts';

/** What the captures from one anchor on look like: an ordinary beat, too few to say, or a steady beat other than `I`. */
export type DriftFinding = 'none' | 'undecided' | { beatMs: number; spacings: number };

/** A steady beat is told from so many spacings on. */
const LEAST_SPACINGS = 6;
const LEAST_LAST_SPACINGS = 4;
/** Three captures too many in a row are not yet a beat. */
const LEAST_FAST_SPACINGS = 8;
/** Where six do not tell (a beat of 1.5 I looks like a slot lost now and then), so many do. */
const MOST_SPACINGS = 12;
/** Captures fall on key frames, up to this share of the interval after the encoder's timer. */
const JITTER = 0.45;
/** A line laid through captures with that jitter leaves them this far apart at most, across it. */
const MOST_SPREAD = 0.55;
/** Slots lost now and then do not leave twelve spacings in so straight a line. */
const STRAIGHT = 0.35;
/** A beat between these, in intervals, passes for the configured one. */
const ORDINARY = { least: 0.8, most: 1.18 };

/**
 * Looks whether `times[start]` begins a drift. The answer rests on at most 13 anchors and never changes once it is not
 * `undecided`, however many more come. `ended`: no more will come.
 */
export function findDrift(times: readonly Instant[], start: number, intervalMs: number, ended: boolean): DriftFinding {
  const available = times.length - 1 - start;
  for (let spacings = LEAST_SPACINGS; spacings <= MOST_SPACINGS; spacings++) {
    if (spacings > available) {
      if (!ended) return 'undecided';
      return available < LEAST_SPACINGS ? judgeLastFew(times, start, available, intervalMs) : 'none';
    }
    const finding = judgeWindow(times, start, spacings, intervalMs);
    if (finding !== 'undecided') return finding;
  }
  return 'none';
}

/** At the end of a session fewer spacings must do, but then each must leave out the same number of slots. */
function judgeLastFew(times: readonly Instant[], start: number, spacings: number, intervalMs: number): DriftFinding {
  if (spacings < LEAST_LAST_SPACINGS) return 'none';
  const finding = judgeWindow(times, start, spacings, intervalMs);
  return typeof finding === 'object' && finding.beatMs > 1.5 * intervalMs ? finding : 'none';
}

function judgeWindow(times: readonly Instant[], start: number, spacings: number, intervalMs: number): DriftFinding {
  const span = times[start + spacings]! - times[start]!;
  const mean = span / spacings / intervalMs;
  if (mean > ORDINARY.least && mean < ORDINARY.most) return 'none';
  const window = times.slice(start, start + spacings + 1).map((at) => (at - times[start]!) / intervalMs);
  // Names often carry whole seconds only; that blurs every instant by up to one.
  const wholeSeconds = times[start]! % 1_000 === 0 && window.every((at) => Number.isInteger((at * intervalMs) / 1_000));
  const blur = wholeSeconds ? 1_000 / intervalMs : 0;
  const line = fitLine(window);
  if (line.spread > MOST_SPREAD + blur) return 'none';
  const drift = { beatMs: line.slope * intervalMs, spacings };
  const gaps = window.slice(1).map((at, index) => at - window[index]!);
  const arc = wholeSeconds ? Math.max(JITTER, (Math.ceil(0.4 * (intervalMs / 1_000)) * 1_000) / intervalMs) : JITTER;
  const onGrid = mostInArc(window, arc + 1e-6);
  if (mean < 1) {
    if (spacings < LEAST_FAST_SPACINGS) return 'undecided';
    // Some captures too many on an ordinary beat, or a beat that is too fast?
    const inExcess = spacings - Math.round(span / intervalMs);
    if (window.length - onGrid > inExcess) return drift;
    return mean <= 0.56 && Math.max(...gaps) <= 0.95 ? drift : 'undecided';
  }
  if (onGrid === window.length) {
    // All on the configured timer: every second one lost is a beat of its own, now and then one lost is not.
    const steps = gaps.map(Math.round);
    if (steps[0]! >= 2 && steps.every((each) => each === steps[0])) return drift;
    return spacings === MOST_SPACINGS && line.spread <= STRAIGHT ? drift : 'undecided';
  }
  // A timer that starts anew at each capture gives spacings of I and a key frame: uneven, but never a slot lost.
  const spreadOfGaps = Math.max(...gaps) - Math.min(...gaps);
  const restarts = gaps.every((gap) => gap > 0.97 && gap < 1.45) && line.spread > 0.7 * spreadOfGaps;
  return restarts && spreadOfGaps > 0.1 ? 'undecided' : drift;
}

/** Least squares through (0, points[0]), (1, points[1]) …; `spread` is how far the points lie apart across the line. */
function fitLine(points: readonly number[]): { slope: number; intercept: number; spread: number } {
  const n = points.length;
  let sum = 0;
  let weighted = 0;
  for (let index = 0; index < n; index++) {
    sum += points[index]!;
    weighted += index * points[index]!;
  }
  const middle = (n - 1) / 2;
  const slope = (weighted - middle * sum) / ((n * (n * n - 1)) / 12);
  const intercept = sum / n - slope * middle;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < n; index++) {
    const off = points[index]! - intercept - slope * index;
    low = Math.min(low, off);
    high = Math.max(high, off);
  }
  return { slope, intercept, spread: high - low };
}

/** How many of the points share one arc of that width on a circle of circumference 1. */
function mostInArc(points: readonly number[], width: number): number {
  const phases = points.map((point) => point - Math.floor(point));
  let most = 0;
  for (const from of phases) {
    let inside = 0;
    for (const phase of phases) {
      const ahead = phase - from;
      if ((ahead < -1e-9 ? ahead + 1 : ahead) <= width) inside++;
    }
    most = Math.max(most, inside);
  }
  return most;
}
