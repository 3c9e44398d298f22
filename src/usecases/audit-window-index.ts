import { HOUR_MS } from '../core/slot-writer.ts';
import type { Span } from '../core/span.ts';
import type { IndexWitness } from '../core/witness.ts';
import type { StreamRow } from '../ports.ts';
import type { StreamTerms } from './audit-window-terms.ts';

/** A row of the vendor's index is written a moment after the instant in the name. */
const INDEX_LAG_MS = 15_000;
/** The vendor's index can be asked for one year. */
const INDEX_REACH_MS = 364 * 24 * HOUR_MS;

/** A page of the index holds 100 rows, so questions that lie near each other are one. */
export async function askIndex(
  stream: StreamRow,
  questions: readonly Span[],
  intervalSeconds: number,
  { looks, now }: Pick<StreamTerms, 'looks' | 'now'>,
): Promise<{ spans: Span[]; rows: IndexWitness[] }> {
  const near = 20 * intervalSeconds * 1_000;
  const earliest = now - INDEX_REACH_MS;
  const spans: Span[] = [];
  for (const { from, to } of questions) {
    const last = spans.at(-1);
    if (last && from - last.to < near) last.to = to;
    else if (to > earliest) spans.push({ from: Math.max(from, earliest), to });
  }
  const rows: IndexWitness[] = [];
  for (const { from, to } of spans) {
    rows.push(...(await looks.index(stream, from, Math.min(to + INDEX_LAG_MS, now))));
  }
  return { spans, rows };
}
