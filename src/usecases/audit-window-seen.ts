import type { Capture, Mode } from '../core/capture.ts';
import type { Instant } from '../core/instant.ts';
import { type HadExpired, hadExpired, type SeenStored, type StoredJudgement, seenStored } from '../core/seen-stored.ts';
import { mergeSpans, type Span, spansAfter, spansCover } from '../core/span.ts';

/** A state is of bounded size; captures after the last of them are judged as they are found. */
const MOST_SPANS = 500;

/** What is left to be judged again of what stood; absent for nothing. */
export interface JudgedBefore {
  seen?: SeenStored;
  expired?: HadExpired;
}

const NOTHING = { sequence: [], overwrite: [] };

/** Where a stream is judged again: which of its captures were seen stored when they were judged before, and which had expired by then. */
export class SeenBefore {
  #seen: SeenStored;
  #expired: HadExpired;
  #toRead: Span | null;

  /** `known`: what an audit left that did not come to the end. `toRead`: what is to be judged again, null for nothing. */
  constructor(known: JudgedBefore, toRead: Span | null) {
    this.#seen = known.seen ?? NOTHING;
    this.#expired = known.expired ?? NOTHING;
    this.#toRead = toRead;
  }

  /** Order matters: a commit replaces what stands, of later stretches too. */
  async read(judged: (from: Instant, to: Instant) => Promise<StoredJudgement>): Promise<void> {
    const span = this.#toRead;
    if (span === null) return;
    const stood = await judged(span.from, span.to);
    this.#seen = merged(seenStored(stood, span), this.#seen);
    this.#expired = merged(hadExpired(stood, span), this.#expired);
    this.#toRead = null;
  }

  /** What nobody but a callback of afterwards speaks for is a claim. `preciseMs`: so much earlier its instant may be told now. */
  has(capture: Capture, mode: Mode, preciseMs: number): boolean {
    const spans = this.#seen[mode];
    const until = spans.at(-1)?.to ?? Number.NEGATIVE_INFINITY;
    const known = capture.indexed || (capture.callback !== null && capture.callback.receivedAt < until);
    return known && spansCover(spans, { from: capture.at, to: capture.at + preciseMs });
  }

  /** The bucket's rules may have changed since, or nobody may read them any more. */
  hadExpired(capture: Capture, mode: Mode): boolean {
    return spansCover(this.#expired[mode], { from: capture.at, to: capture.at + 1 });
  }

  /** What is still to be judged again from `until` on. */
  after(until: Instant): JudgedBefore {
    const seen = left(this.#seen, until);
    const expired = left(this.#expired, until);
    return { ...(seen && { seen }), ...(expired && { expired }) };
  }
}

function merged(stood: SeenStored, known: SeenStored): SeenStored {
  return {
    sequence: mergeSpans([...stood.sequence, ...known.sequence]),
    overwrite: mergeSpans([...stood.overwrite, ...known.overwrite]),
  };
}

function left(spans: SeenStored, until: Instant): SeenStored | null {
  const sequence = spansAfter(spans.sequence, until).slice(0, MOST_SPANS);
  const overwrite = spansAfter(spans.overwrite, until).slice(0, MOST_SPANS);
  return sequence.length + overwrite.length > 0 ? { sequence, overwrite } : null;
}
