import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Capture } from '../../src/core/capture.ts';
import { captureAt, configOf, evidenceOf, judgeWhole, START, termsOf } from '../support/judging.ts';

/** A fault of `length` slots, followed by `calm` good ones. */
interface Fault {
  kind: 'skipped' | 'claimed' | 'untold' | 'deleted' | 'forged' | 'doubled';
  length: number;
  calm: number;
}

const CAUSE = {
  skipped: 'not_captured',
  claimed: 'never_stored',
  untold: 'delivery_lost',
  deleted: 'object_deleted',
  forged: 'unconfirmed',
  doubled: 'beyond_beat',
} as const;

const faults: fc.Arbitrary<Fault[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(...(Object.keys(CAUSE) as Fault['kind'][])),
    length: fc.integer({ min: 1, max: 10 }),
    calm: fc.integer({ min: 10, max: 20 }),
  }),
  { maxLength: 12 },
);

/** Captures on a timer, off it by less than 0.4 of the interval, and what a perfect judge would count. */
function play(list: readonly Fault[], intervalMs: number, jitters: readonly number[], wholeSeconds: boolean) {
  const captures: Capture[] = [];
  const expected: Record<string, number> = {};
  let slot = 0;
  const visible = (at: number) => (wholeSeconds ? Math.floor(at / 1_000) * 1_000 : Math.floor(at));
  const at = () => visible(START + 137 + slot * intervalMs + jitters[slot % jitters.length]! * intervalMs);
  const calm = (slots: number) => {
    for (let index = 0; index < slots; index++, slot++) captures.push(captureAt(at()));
  };
  calm(12);
  for (const { kind, length, calm: after } of list) {
    // Three captures too many in a row are on the way to a faster beat.
    const slots = kind === 'doubled' ? Math.min(length, 2) : length;
    expected[CAUSE[kind]] = (expected[CAUSE[kind]] ?? 0) + slots;
    for (let index = 0; index < slots; index++, slot++) {
      const halfway = START + 137 + (slot + 0.6) * intervalMs;
      if (kind === 'claimed') captures.push(captureAt(at(), 'claim'));
      else if (kind === 'untold' || kind === 'deleted') captures.push(captureAt(at(), kind));
      else if (kind === 'forged') captures.push(captureAt(at()), captureAt(visible(halfway) + 1, 'unsigned-claim'));
      else if (kind === 'doubled') captures.push(captureAt(at()), captureAt(visible(halfway)));
    }
    calm(after);
  }
  captures.sort((a, b) => a.at - b.at);
  return { captures, expected, endedAt: START + slot * intervalMs + 5_000 };
}

describe('a broadcast with known faults', () => {
  it('is judged exactly, whatever the jitter, the interval and the form of the names', () => {
    fc.assert(
      fc.property(
        faults,
        fc.constantFrom(5, 10, 15, 30, 60),
        fc.array(fc.double({ min: 0, max: 0.39, noNaN: true }), { minLength: 7, maxLength: 31 }),
        fc.boolean(),
        (list, intervalSeconds, jitters, wholeSeconds) => {
          const { captures, expected, endedAt } = play(list, intervalSeconds * 1_000, jitters, wholeSeconds);
          const { all } = judgeWhole(
            termsOf({ config: configOf({ intervalSeconds }), endedAt }),
            evidenceOf({ captures }),
          );
          const found: Record<string, number> = {};
          for (const { cause, count } of all) found[cause!] = (found[cause!] ?? 0) + count;
          expect(found).toEqual(expected);
        },
      ),
      { numRuns: 400 },
    );
  });
});
