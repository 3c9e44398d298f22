import type { VerdictRun } from './capture-verdict.ts';
import type { Instant } from './instant.ts';
import type { Cause, Verdict } from './verdict.ts';

/** One slot of a session as people look at it. */
export interface Slot {
  at: Instant;
  verdict: Verdict;
  cause: Cause | null;
  /** null where no capture is known. */
  captureId: string | null;
}

export interface SlotRun extends VerdictRun {
  slots: number;
}

/**
 * The slots of `[from, to)`, in order of time, from the captures that are known and the runs that the audit stored. A good slot
 * is its capture. A run holds its slots evenly; where a capture lies on one of them, the capture is that slot. `captures` must
 * reach one interval beyond both ends where there are any.
 */
export function sessionSlots(
  captures: readonly Slot[],
  runs: readonly SlotRun[],
  intervalMs: number,
  from: Instant,
  to: Instant,
): Slot[] {
  const slots = captures.filter((capture) => capture.at >= from && capture.at < to);
  for (const run of runs) {
    if (run.verdict === 'unexpected') continue;
    const spacing = (run.to - run.from) / Math.max(1, run.slots);
    // Rounded, a slot just before may lie on `from`.
    const first = Math.max(0, Math.floor((from - run.from) / Math.max(1, spacing)));
    for (let index = first; index < run.slots; index++) {
      const at = Math.round(run.from + index * spacing);
      if (at >= to) break;
      if (at < from || (run.verdict !== 'not_captured' && isNearOne(captures, at, intervalMs / 2))) continue;
      slots.push({ at, verdict: run.verdict, cause: run.cause, captureId: null });
    }
  }
  return slots.sort((a, b) => a.at - b.at);
}

function isNearOne(captures: readonly Slot[], at: Instant, within: number): boolean {
  let low = 0;
  let high = captures.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (captures[middle]!.at < at - within) low = middle + 1;
    else high = middle;
  }
  return low < captures.length && captures[low]!.at <= at + within;
}
