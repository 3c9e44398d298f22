import type { Capture } from '../core/capture.ts';
import type { Instant } from '../core/instant.ts';
import { mergeSpans, spansOverlap } from '../core/span.ts';
import type { StreamLooks } from './audit-window-terms.ts';

/** An untold capture is judged by the vendor's index, a told one by its writing: the former may be later by so much. */
const INSTANTS_APART_MS = 2_000;

/**
 * Finds callbacks that came after the slot of their capture was judged. Names that only count do not tell: such a callback is stored
 * under its receipt, and what it belongs to shows when it is joined with the object.
 */
export class ToldLate {
  /** Receipts of those that were found. */
  #found: Set<Instant>;

  constructor(found: readonly Instant[] = []) {
    this.#found = new Set(found);
  }

  /**
   * The earliest capture before `until` whose callback was not known to what is stored, or null. Each is found once, whatever the
   * judgement makes of it. `reachMs`: a stretch is judged by callbacks that came so long after it.
   */
  async find(
    captures: readonly Capture[],
    until: Instant,
    reachMs: number,
    judged: (from: Instant, to: Instant) => ReturnType<StreamLooks['judged']>,
  ): Promise<Instant | null> {
    const told = captures.filter(
      ({ at, callback }) =>
        callback?.capturedAt === null &&
        at < until &&
        at < callback.receivedAt &&
        callback.receivedAt - at < reachMs &&
        !this.#found.has(callback.receivedAt),
    );
    if (told.length === 0) return null;
    const { gaps } = await judged(told[0]!.at, until);
    const untold = mergeSpans(
      gaps.filter(({ mode, verdict }) => mode === 'sequence' && verdict === 'callback_missing'),
    );
    const late = told.filter(({ at }) => spansOverlap(untold, at, at + INSTANTS_APART_MS));
    for (const { callback } of late) this.#found.add(callback!.receivedAt);
    return late[0]?.at ?? null;
  }

  /** Receipts from `from` on: no earlier one is read again. Absent for none. */
  after(from: Instant): { toldLate?: Instant[] } {
    const toldLate = [...this.#found].filter((receivedAt) => receivedAt >= from);
    return toldLate.length > 0 ? { toldLate } : {};
  }
}
