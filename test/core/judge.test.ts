import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indexQuestions } from '../../src/core/index-questions.ts';
import { beginJudging, judgeSpan } from '../../src/core/judge.ts';
import { captureAt, capturesAt, configOf, evidenceOf, judgeWhole, START, termsOf } from '../support/judging.ts';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

/** Offsets in seconds: `from`, then every `step`, `count` of them. */
const beat = (from: number, step: number, count: number) =>
  Array.from({ length: count }, (_, index) => from + index * step);

function judgeOffsets(offsets: readonly number[], endsAt: number) {
  return judgeWhole(termsOf({ endedAt: START + endsAt * SECOND }), evidenceOf({ captures: capturesAt(offsets) }));
}

describe('how many slots are missing', () => {
  it.each([
    [14, 0],
    [14.999, 0],
    [15, 1],
    [24, 1],
    [25, 2],
    [100, 9],
  ])('takes neighbours %d s apart on a beat of 10 s for %d missing', (apart, missing) => {
    const { slots } = judgeOffsets([0, apart], apart + 10);
    expect(slots.not_captured ?? 0).toBe(missing);
  });

  it('goes by the spacing alone where stamps are exact, whatever the captures before looked like', () => {
    const swaying = [...beat(0, 20, 15), ...beat(12, 20, 15)].sort((a, b) => a - b);
    const judge = (apart: number) => {
      const next = swaying.at(-1)! + apart;
      return judgeOffsets([...swaying, ...beat(next, 10, 5)], next + 60).slots.not_captured ?? 0;
    };
    expect([14.9, 14.999, 15.001, 24.9, 25.001].map(judge)).toEqual([0, 0, 1, 1, 2]);
    // In whole seconds 14 may be anything from 13 to 15, and still holds no second slot.
    expect([13, 14, 16, 24, 26].map(judge)).toEqual([0, 0, 1, 1, 2]);
  });

  it('gives a gap from its first slot to the next slot after it', () => {
    expect(judgeOffsets([0, 10, 40, 50], 60).gaps).toEqual(['20..40 2 not_captured']);
  });

  it('finds the first image at the start or one interval later alike', () => {
    expect(judgeOffsets([0, 10, 20], 30).gaps).toEqual([]);
    expect(judgeOffsets([10, 20, 30], 40).gaps).toEqual([]);
    expect(judgeOffsets([14, 24], 34).gaps).toEqual([]);
    expect(judgeOffsets([15, 25], 35).gaps).toEqual(['10..15 1 not_captured']);
  });

  it('takes 10 s off the end, for a dead push is noticed that late', () => {
    expect(judgeOffsets(beat(0, 10, 4), 30 + 10 + 14.9).gaps).toEqual([]);
    expect(judgeOffsets(beat(0, 10, 4), 30 + 10 + 15).gaps).toEqual(['40..55 1 not_captured']);
  });

  it('expects nothing of a session too short for a capture, and everything of one without any', () => {
    expect(judgeOffsets([], 5).slots).toEqual({});
    expect(judgeOffsets([], 70).gaps).toEqual(['10..70 5 not_captured']);
  });

  it('judges a running session up to now - settle', () => {
    const running = (nowAt: number) =>
      judgeWhole(termsOf(), evidenceOf({ captures: capturesAt([0, 10]) }), {
        until: START + 1e6,
        now: START + nowAt * SECOND,
      }).gaps;
    expect(running(60 + 24.9)).toEqual([]);
    expect(running(60 + 25)).toEqual(['20..30 1 not_captured']);
  });

  it('says pending until settle has passed, to the millisecond', () => {
    const at = (now: number) =>
      judgeWhole(termsOf({ endedAt: START + 12 * SECOND }), evidenceOf({ captures: capturesAt([0], 'untold') }), {
        now,
      }).slots;
    expect(at(START + 59_999)).toEqual({ pending: 1 });
    expect(at(START + 60_000)).toEqual({ callback_missing: 1 });
  });

  it('keeps captures apart that came before settle has passed: they are given again', () => {
    const captures = capturesAt(beat(0, 10, 20));
    const first = judgeSpan(beginJudging(), termsOf(), evidenceOf({ captures }), {
      until: START + 200_000,
      now: START + 160_000,
    });
    expect(first.state.until).toBe(START + 100_001);
    expect(first.hours[0]!.slots).toMatchObject({ ok: 11, pending: 9 });
    const rest = captures.filter(({ at }) => at >= first.state.until!);
    const second = judgeSpan(first.state, termsOf(), evidenceOf({ captures: rest }), {
      until: START + 200_000,
      now: START + 300_000,
    });
    expect(second.hours[0]!.slots).toMatchObject({ ok: 20, pending: 0 });
  });

  it('follows captures that fall up to 0.4 of the interval late, on a timer or not', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(5, 6, 8, 10, 30),
        fc.array(fc.double({ min: 0, max: 0.4, noNaN: true }), { minLength: 20, maxLength: 200 }),
        fc.boolean(),
        (intervalSeconds, jitters, wholeSeconds) => {
          const intervalMs = intervalSeconds * SECOND;
          const captures = jitters.map((jitter, index) => {
            const at = START + 313 + index * intervalMs + jitter * intervalMs;
            return captureAt(wholeSeconds ? Math.floor(at / SECOND) * SECOND : Math.floor(at));
          });
          const endedAt = START + jitters.length * intervalMs + 5 * SECOND;
          const { all } = judgeWhole(
            termsOf({ config: configOf({ intervalSeconds }), endedAt }),
            evidenceOf({ captures }),
          );
          // Of 6 and 8 s whole-second names make 1.5 of an interval now and then; the arc of the timer settles it, once it is known.
          const known = wholeSeconds && intervalSeconds % 5 !== 0 ? START + 30 * intervalMs : START;
          expect(all.filter((gap) => gap.from > known)).toEqual([]);
        },
      ),
    );
  });
});

describe('claims, which nothing but a callback supports', () => {
  it('reports a run of pictures that were never stored, and nothing else', () => {
    const captures = [
      ...capturesAt(beat(0, 10, 5)),
      ...capturesAt(beat(51, 10, 40), 'claim'),
      ...capturesAt(beat(450, 10, 5)),
    ];
    const { gaps, slots } = judgeWhole(termsOf({ endedAt: START + 500 * SECOND }), evidenceOf({ captures }));
    expect(gaps).toEqual(['51..450 40 never_stored']);
    expect(slots).toEqual({ ok: 10, object_missing: 40 });
  });

  it('lets a forged claim amid real captures neither move the beat nor end a run', () => {
    const forged = captureAt(START + 34 * SECOND, 'unsigned-claim');
    const captures = [...capturesAt(beat(0, 10, 4), 'untold'), forged, ...capturesAt(beat(40, 10, 4), 'untold')];
    const { gaps } = judgeWhole(termsOf({ endedAt: START + 80 * SECOND }), evidenceOf({ captures }));
    expect(gaps).toEqual(['0..80 8 delivery_lost', '34..40 1 unconfirmed']);
  });

  it('leaves no slot of an ended session pending where a claim follows it in the last seconds', () => {
    const captures = [...capturesAt([0, 10]), captureAt(START + 30 * SECOND, 'claim')];
    const { slots } = judgeWhole(termsOf({ endedAt: START + 32 * SECOND }), evidenceOf({ captures }));
    expect(slots).toEqual({ ok: 2, not_captured: 1, object_missing: 1 });
  });

  it('lets a claim fill one missing slot, and no more than one', () => {
    const captures = [...capturesAt([0, 10]), captureAt(START + 31 * SECOND, 'claim'), ...capturesAt([50, 60])];
    const { gaps } = judgeWhole(termsOf({ endedAt: START + 70 * SECOND }), evidenceOf({ captures }));
    expect(gaps).toEqual(['20..31 1 not_captured', '31..41 1 never_stored', '41..50 1 not_captured']);
  });
});

describe('captures beyond the beat', () => {
  it('calls a capture between two neighbours one interval apart unexpected', () => {
    const captures = capturesAt([0, 10, 20, 24, 30, 40]);
    const { gaps, slots } = judgeWhole(termsOf({ endedAt: START + 50 * SECOND }), evidenceOf({ captures }));
    expect(gaps).toEqual(['24..30 1 beyond_beat']);
    expect(slots).toEqual({ ok: 5, unexpected: 1 });
  });

  it.each([
    ['6, 6 and 14', [66, 72]],
    ['7, 7 and 14', [67, 74]],
    ['7, 7, 13 and 13', [67, 74, 87]],
  ])('finds nothing in spacings that make up for each other: %s', (_name, wobble) => {
    const after = wobble.at(-1)! + 14 - (wobble.length === 3 ? 1 : 0);
    expect(judgeOffsets([...beat(0, 10, 7), ...wobble, ...beat(after, 10, 12)], after + 130).gaps).toEqual([]);
  });

  it('finds both a capture in excess and the slot that is lost right after it', () => {
    expect(judgeOffsets([...beat(0, 10, 7), 64, 70, ...beat(90, 10, 8)], 180).gaps).toEqual([
      '64..70 1 beyond_beat',
      '80..90 1 not_captured',
    ]);
  });

  it('prefers the capture with fewer witnesses, then the later one', () => {
    const doubled = (first: 'ok' | 'untold', second: 'ok' | 'untold') =>
      judgeWhole(
        termsOf({ endedAt: START + 50 * SECOND }),
        evidenceOf({
          captures: [
            ...capturesAt([0, 10]),
            captureAt(START + 20 * SECOND, first),
            captureAt(START + 21 * SECOND, second),
            ...capturesAt([30, 40]),
          ],
        }),
      ).gaps;
    expect(doubled('untold', 'ok')).toEqual(['20..21 1 beyond_beat']);
    expect(doubled('ok', 'untold')).toEqual(['21..30 1 beyond_beat']);
    expect(doubled('ok', 'ok')).toEqual(['21..30 1 beyond_beat']);
  });
});

describe('a beat other than the configured one', () => {
  it.each([
    ['half as fast', 20, 30],
    ['a third as fast', 30, 40],
    ['a little slower', 13, 40],
    ['one and a half', 15, 30],
  ])('is one finding, however long it lasts: %s', (_name, step, count) => {
    const lasts = step * count;
    const { all, slots } = judgeOffsets(beat(3, step, count), lasts + 10);
    expect(all.map(({ verdict, cause }) => `${verdict}/${cause}`)).toEqual(['not_captured/interval_drift']);
    expect(Math.abs(all[0]!.count - (lasts / 10 - count))).toBeLessThanOrEqual(2);
    expect(slots.ok).toBe(count);
  });

  it('is one finding where it is too fast: what is in excess is unexpected', () => {
    const { all, slots } = judgeOffsets(beat(3, 5, 60), 310);
    expect(all.map(({ verdict, cause, count }) => `${verdict}/${cause} ${count}`)).toEqual([
      'unexpected/interval_drift 30',
    ]);
    expect(slots).toEqual({ ok: 30, unexpected: 30 });
  });

  it('counts exactly between two stretches of the configured beat', () => {
    const { gaps } = judgeOffsets([...beat(0, 10, 20), ...beat(210, 20, 10), ...beat(400, 10, 20)], 600);
    expect(gaps).toEqual(['200..400 10 interval_drift']);
  });

  it('is not seen in slots lost now and then', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.double({ min: 0, max: 0.4, noNaN: true })), {
          minLength: 20,
          maxLength: 100,
        }),
        (steps) => {
          // Not the same number lost six times over, which is a beat.
          const irregular = steps.map(([step], index) => (index % 4 === 0 ? 1 : step));
          let grid = 0;
          const offsets = steps.map(([, jitter], index) => {
            grid += irregular[index]!;
            return Math.floor((grid + jitter) * 10_000) / 1_000;
          });
          const { all } = judgeOffsets(offsets, grid * 10 + 14);
          expect(all.filter(({ cause }) => cause === 'interval_drift')).toEqual([]);
        },
      ),
    );
  });

  it('does not hide what its captures lack', () => {
    const captures = beat(3, 20, 20).map((offset, index) =>
      captureAt(START + offset * SECOND, index >= 8 && index < 12 ? 'untold' : 'ok'),
    );
    const { all } = judgeWhole(termsOf({ endedAt: START + 410 * SECOND }), evidenceOf({ captures }));
    expect(all.map(({ cause, count }) => `${cause} ${count}`)).toEqual(['interval_drift 20', 'delivery_lost 4']);
  });

  it('is not seen where a timer that starts anew at each capture makes every spacing a little longer', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 0.4, noNaN: true }), { minLength: 30, maxLength: 60 }),
        (delays) => {
          let at = 0;
          const offsets = delays.map((delay) => {
            at += 10 + Math.round(delay * 100) / 10;
            return at;
          });
          expect(judgeOffsets(offsets, at + 20).slots.not_captured ?? 0).toBeLessThanOrEqual(6);
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('gaps', () => {
  it('are runs of one verdict and one cause, ended by a good slot', () => {
    const kinds = ['ok', 'untold', 'untold', 'deleted', 'late', 'ok', 'late', 'ok'] as const;
    const captures = kinds.map((kind, index) => captureAt(START + index * 10 * SECOND, kind));
    const { gaps } = judgeWhole(termsOf({ endedAt: START + 80 * SECOND }), evidenceOf({ captures }));
    expect(gaps).toEqual([
      '10..30 2 delivery_lost',
      '30..40 1 object_deleted',
      '40..50 1 late_delivery',
      '60..70 1 late_delivery',
    ]);
  });

  it('are reported inside the window only, whose edges stand in for neighbours that nobody knows', () => {
    const window = { from: START + 100 * SECOND, to: START + 200 * SECOND };
    const judge = (offsets: number[], listed = [window]) =>
      judgeWhole(termsOf({ window, endedAt: START + 1e6 }), evidenceOf({ captures: capturesAt(offsets), listed }), {
        until: window.to,
      });
    expect(judge(beat(104, 10, 10)).gaps).toEqual([]);
    expect(judge(beat(104, 10, 10)).slots).toEqual({ ok: 10 });
    expect(judge(beat(124, 10, 8)).gaps).toEqual(['110..124 1 not_captured']);
    expect(judge(beat(108, 10, 8)).gaps).toEqual(['188..200 1 not_captured']);
    // Where somebody looked, what lies beyond is known: nothing.
    const everywhere = [{ from: START - HOUR, to: START + HOUR }];
    expect(judge(beat(124, 10, 8), everywhere).gaps).toEqual(['100..124 2 not_captured']);
    expect(judge(beat(97, 10, 9), everywhere).gaps).toEqual(['187..200 2 not_captured']);
    // Captures on both sides of the edge are better neighbours.
    expect(judge([94, ...beat(124, 10, 7), 224]).gaps).toEqual(['104..124 2 not_captured', '194..200 1 not_captured']);
  });

  it('are not called not captured where the capture may lie in a span that nobody looked at', () => {
    const lost = (spans: { listed?: [number, number][]; indexed?: [number, number][] }) => {
      const evidence: Record<string, { from: number; to: number }[]> = {};
      for (const [name, each] of Object.entries(spans)) {
        evidence[name] = each.map(([from, to]) => ({ from: START + from * SECOND, to: START + to * SECOND }));
      }
      const captures = capturesAt([0, 10, 20, 40, 50]);
      return judgeWhole(termsOf({ endedAt: START + 60 * SECOND }), evidenceOf({ captures, ...evidence })).gaps;
    };
    const hole = (from: number, to: number): [number, number][] => [
      [-100, from],
      [to, 100],
    ];
    expect(lost({ listed: hole(32, 34) })).toEqual(['30..40 1 listing_failed']);
    expect(lost({ listed: hole(26, 28) })).toEqual(['30..40 1 listing_failed']);
    expect(lost({ indexed: hole(32, 34) })).toEqual(['30..40 1 index_failed']);
    expect(lost({ listed: hole(34, 40), indexed: hole(20, 26) })).toEqual(['30..40 1 not_captured']);
  });

  it('name the reason of what is excused', () => {
    const excused = [{ from: START + 10 * SECOND, to: START + 30 * SECOND, reason: 'maintenance' }];
    const { all, slots } = judgeWhole(
      termsOf({ endedAt: START + 50 * SECOND }),
      evidenceOf({ captures: capturesAt(beat(0, 10, 4), 'untold'), excused }),
    );
    expect(all.map(({ verdict, reason, count }) => `${verdict} ${reason ?? ''} ${count}`)).toEqual([
      'callback_missing  1',
      'excused maintenance 2',
      'callback_missing  1',
    ]);
    expect(slots).toEqual({ callback_missing: 2, excused: 2 });
  });
});

describe('the questions to the vendor’s index', () => {
  const at = { until: START + 200 * SECOND, now: START + 900 * SECOND };

  it('are asked where callback and object disagree and where both are absent, and nowhere else', () => {
    const captures = [
      ...capturesAt([0, 10, 20]),
      captureAt(START + 30 * SECOND, 'claim'),
      ...capturesAt([40, 50], 'untold'),
      ...capturesAt([90, 100, 110]),
    ];
    const spans = indexQuestions(
      beginJudging(),
      termsOf({ endedAt: START + 120 * SECOND }),
      evidenceOf({ captures, indexed: [] }),
      at,
    );
    expect(spans.map(({ from, to }) => [(from - START) / SECOND, (to - START) / SECOND])).toEqual([
      [20, 40],
      [50, 90],
    ]);
  });

  it('are not asked for a stream in order, nor where OSS could not be looked at', () => {
    const terms = termsOf({ endedAt: START + 60 * SECOND });
    const good = evidenceOf({ captures: capturesAt(beat(0, 10, 6)), indexed: [] });
    expect(indexQuestions(beginJudging(), terms, good, at)).toEqual([]);
    const unlisted = evidenceOf({ captures: capturesAt([0, 50]), indexed: [], listed: [] });
    expect(indexQuestions(beginJudging(), terms, unlisted, at)).toEqual([]);
    const unkept = [{ from: START, to: START + 60 * SECOND }];
    const untold = evidenceOf({ captures: capturesAt(beat(0, 10, 6), 'untold'), indexed: [], unkept });
    expect(indexQuestions(beginJudging(), terms, untold, at)).toEqual([]);
  });
});
