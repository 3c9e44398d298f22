import type { Capture, Mode } from '../core/capture.ts';
import type { Instant } from '../core/instant.ts';
import { type SeenStored, type StoredJudgement, seenStored } from '../core/seen-stored.ts';
import { mergeSpans, type Span, spansAfter } from '../core/span.ts';
import { covers } from './audit-window-stretch.ts';

/** A state is of bounded size; captures after the last of them are judged as they are found. */
const MOST_SPANS = 500;

/** Where a stream is judged again: which of its captures were seen stored when they were judged before. */
export class SeenBefore {
  #seen: SeenStored;
  #toRead: Span | null;

  /** `known`: what an audit left that did not come to the end. `toRead`: what is to be judged again, null for nothing. */
  constructor(known: SeenStored | undefined, toRead: Span | null) {
    this.#seen = known ?? { sequence: [], overwrite: [] };
    this.#toRead = toRead;
  }

  /** Order matters: a commit replaces what stands, of later stretches too. */
  async read(judged: (from: Instant, to: Instant) => Promise<StoredJudgement>): Promise<void> {
    const span = this.#toRead;
    if (span === null) return;
    const stood = seenStored(await judged(span.from, span.to), span);
    this.#seen = {
      sequence: mergeSpans([...stood.sequence, ...this.#seen.sequence]),
      overwrite: mergeSpans([...stood.overwrite, ...this.#seen.overwrite]),
    };
    this.#toRead = null;
  }

  /** What nobody but a callback of afterwards speaks for is a claim. `preciseMs`: so much earlier its instant may be told now. */
  has(capture: Capture, mode: Mode, preciseMs: number): boolean {
    const spans = this.#seen[mode];
    const until = spans.at(-1)?.to ?? Number.NEGATIVE_INFINITY;
    const known = capture.indexed || (capture.callback !== null && capture.callback.receivedAt < until);
    return known && covers(spans, { from: capture.at, to: capture.at + preciseMs });
  }

  /** What is still to be judged again from `until` on; absent for nothing. */
  after(until: Instant): { seen?: SeenStored } {
    const sequence = spansAfter(this.#seen.sequence, until).slice(0, MOST_SPANS);
    const overwrite = spansAfter(this.#seen.overwrite, until).slice(0, MOST_SPANS);
    return sequence.length + overwrite.length > 0 ? { seen: { sequence, overwrite } } : {};
  }
}
