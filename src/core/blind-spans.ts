import type { Instant } from './instant.ts';
import { DELIVERY_WINDOW_MS } from './judge-capture.ts';
import { complementSpans, mergeSpans, type Span, spansOverlap } from './span.ts';

/**
 * The stretches of `[from, to)` in which no receiver was alive. One living receiver is enough to see.
 * `alive` holds the heartbeat spans of all receivers, in any order.
 */
export function blindSpans(alive: Iterable<Span>, from: Instant, to: Instant): Span[] {
  return complementSpans(mergeSpans(alive), from, to);
}

/** What only one of the two covers. Both merged. */
export function changedBlindness(before: readonly Span[], after: readonly Span[]): Span[] {
  return mergeSpans([...uncovered(before, after), ...uncovered(after, before)]);
}

/** What of `spans` no span of `covering` covers. Both merged. */
function uncovered(spans: readonly Span[], covering: readonly Span[]): Span[] {
  return spans.flatMap((span) => complementSpans(covering, span.from, span.to));
}

/** A gap as it stands, to be held against what is known of our own blindness by now. */
export interface UntoldGap extends Span {
  verdict: string;
  slots: number;
  /** Blindness changed after it was judged: the audit is about to judge it again. */
  rejudging: boolean;
}

/**
 * True where our own outage may explain a gap that the audit does not lay to it. Two ways lead there: the audit judged before the
 * blindness was known (a heartbeat may be on its way for a while, and a short `settle` does not wait for it), or a callback came
 * late because nobody was there to take it in time. `blind`: all that is known by now, merged; `judged`: what the last audit knew.
 */
export function mayBeOurOutage(gap: UntoldGap, blind: readonly Span[], judged: readonly Span[]): boolean {
  const step = (gap.to - gap.from) / Math.max(1, gap.slots);
  if (gap.verdict === 'late') {
    const reach = mergeSpans(blind.map(({ from, to }) => ({ from: from - DELIVERY_WINDOW_MS, to })));
    return reach.some((span) => span.from <= gap.from && gap.to - step < span.to);
  }
  if (gap.verdict !== 'callback_missing') return false;
  return gap.rejudging || spansOverlap(uncovered(blind, judged), gap.from, gap.to - step + DELIVERY_WINDOW_MS);
}
