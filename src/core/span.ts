import type { Instant } from './instant.ts';

/** A half-open stretch of time, `[from, to)`. */
export interface Span {
  from: Instant;
  to: Instant;
}

/** The same instants as sorted spans that neither overlap nor touch. Empty spans vanish. */
export function mergeSpans(spans: Iterable<Span>): Span[] {
  const sorted = [...spans].filter((span) => span.to > span.from).sort((a, b) => a.from - b.from);
  const merged: Span[] = [];
  for (const { from, to } of sorted) {
    const last = merged.at(-1);
    if (last && from <= last.to) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  return merged;
}

/** What of `[from, to)` no span covers. `spans` must be merged. */
export function complementSpans(spans: readonly Span[], from: Instant, to: Instant): Span[] {
  const gaps: Span[] = [];
  let cursor = from;
  for (const span of spans) {
    if (span.to <= cursor) continue;
    if (span.from >= to) break;
    if (span.from > cursor) gaps.push({ from: cursor, to: span.from });
    cursor = span.to;
  }
  if (cursor < to) gaps.push({ from: cursor, to });
  return gaps;
}

/** True where one of the merged spans shares an instant with `[from, to)`. */
export function spansOverlap(spans: readonly Span[], from: Instant, to: Instant): boolean {
  const span = spans[firstEndingAfter(spans, from)];
  return span !== undefined && span.from < to;
}

/** True where one of the merged spans holds the instant. */
export function spansContain(spans: readonly Span[], at: Instant): boolean {
  const span = spans[firstEndingAfter(spans, at)];
  return span !== undefined && span.from <= at;
}

/** True where one of the merged spans holds all of `span`. */
export function spansCover(spans: readonly Span[], { from, to }: Span): boolean {
  const span = spans[firstEndingAfter(spans, from)];
  return span !== undefined && span.from <= from && span.to >= to;
}

/** The spans from `from` on; what ends before is dropped. */
export function spansAfter<S extends Span>(spans: readonly S[], from: Instant): S[] {
  return spans.filter((span) => span.to > from);
}

function firstEndingAfter(spans: readonly Span[], at: Instant): number {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (spans[middle]!.to > at) high = middle;
    else low = middle + 1;
  }
  return low;
}
