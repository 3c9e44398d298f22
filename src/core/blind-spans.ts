import type { Instant } from './instant.ts';
import { complementSpans, mergeSpans, type Span } from './span.ts';

/**
 * The stretches of `[from, to)` in which no receiver was alive. One living receiver is enough to see.
 * `alive` holds the heartbeat spans of all receivers, in any order.
 */
export function blindSpans(alive: Iterable<Span>, from: Instant, to: Instant): Span[] {
  return complementSpans(mergeSpans(alive), from, to);
}
