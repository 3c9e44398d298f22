import type { Instant } from './instant.ts';
import { RefusalError } from './refusal.ts';

/** What people give: `from`, `to` (half-open), or `last` (milliseconds up to now). */
export interface WindowWords {
  from?: Instant | undefined;
  to?: Instant | undefined;
  last?: number | undefined;
}

/** `[from, to)`; null: open on that side. */
export interface TimeWindow {
  from: Instant | null;
  to: Instant | null;
}

export function resolveWindow({ from, to, last }: WindowWords, now: Instant): TimeWindow {
  if (last !== undefined) {
    if (from !== undefined || to !== undefined) {
      throw new RefusalError('bad-parameter', 'Give either last, or from and to, not both.');
    }
    return { from: Math.max(0, now - last), to: now };
  }
  if (from !== undefined && to !== undefined && from >= to) {
    throw new RefusalError('bad-parameter', 'from must be before to.');
  }
  return { from: from ?? null, to: to ?? null };
}

/** The same with both ends: the last `defaultMs` up to now where nothing was said. */
export function resolveClosedWindow(
  words: WindowWords,
  now: Instant,
  defaultMs: number,
): { from: Instant; to: Instant } {
  const window = resolveWindow(words, now);
  const to = window.to ?? now;
  const from = window.from ?? Math.max(0, to - defaultMs);
  if (from >= to) throw new RefusalError('bad-parameter', 'from must be before to (or before now).');
  return { from, to };
}
