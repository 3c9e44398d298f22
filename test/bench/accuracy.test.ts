import { describe, expect, it } from 'vitest';
import { planBroadcast } from '../../src/sandbox/broadcast/broadcast-plan.ts';
import type { BroadcastPlan } from '../../src/sandbox/broadcast/plan.ts';
import { compare, type Judged, type ReportedGap } from './accuracy/compare.ts';
import { judgeLines } from './accuracy/judge-lines.ts';
import { renderEvidence } from './accuracy/render-evidence.ts';
import { runScenarios } from './accuracy/run-scenarios.ts';

const MIX = { faultFreeEvery: 10, windowedEvery: 4 };
/** Has a drift, callbacks that were lost, and no slot in doubt. */
const SEED_WITH_A_DRIFT = 1;
const SEEDS = Array.from({ length: 20 }, (_, index) => index + 1);

describe('the accuracy benchmark', () => {
  it('finds every verdict right in its first scenarios', async () => {
    const { scenarios, misses, cells } = await runScenarios(SEEDS, MIX);
    expect(misses).toEqual([]);
    expect(scenarios).toBe(SEEDS.length);
    expect(cells.filter(({ expected, reported }) => expected !== reported)).toEqual([]);
    expect(new Set(cells.map(({ expected }) => expected)).size).toBeGreaterThan(10);
  }, 120_000);

  describe('holds against the truth', () => {
    /** A scenario with a fault inside a session, a drift, and what the judge makes of it. */
    async function judged(): Promise<{ plan: BroadcastPlan; right: Judged; windows: { from: number; to: number }[] }> {
      const plan = planBroadcast({ seed: SEED_WITH_A_DRIFT, hours: 1 });
      const windows = [{ from: plan.from, to: plan.to }];
      return { plan, windows, right: await judgeLines(renderEvidence(plan, windows[0]!)) };
    }
    const isDrift = (gap: ReportedGap) => gap.cause === 'interval_drift';
    const isFault = (gap: ReportedGap) => !isDrift(gap) && gap.verdict !== 'unexpected' && gap.verdict !== 'excused';
    const change = (
      gaps: ReportedGap[],
      which: (gap: ReportedGap) => boolean,
      to: (gap: ReportedGap) => ReportedGap[],
    ) => {
      const index = gaps.findIndex(which);
      expect(index).toBeGreaterThanOrEqual(0);
      return gaps.flatMap((gap, each) => (each === index ? to(gap) : [gap]));
    };

    it('a right judgement, and finds nothing', async () => {
      const { plan, windows, right } = await judged();
      expect(compare(plan, windows, [right]).misses).toEqual([]);
    });

    it.each<[string, (right: Judged) => Judged]>([
      ['a gap that was not found', (right) => ({ ...right, gaps: change(right.gaps, isFault, () => []) })],
      [
        'a gap with another cause',
        (right) => ({
          ...right,
          gaps: change(right.gaps, isFault, (gap) => [{ ...gap, verdict: 'misnamed', cause: 'wrong_name' }]),
        }),
      ],
      [
        'a gap of a slot too many',
        (right) => ({ ...right, gaps: change(right.gaps, isFault, (gap) => [{ ...gap, count: gap.count + 1 }]) }),
      ],
      [
        'a gap of nothing',
        (right) => ({
          ...right,
          gaps: change(right.gaps, isFault, (gap) => [gap, { ...gap, verdict: 'unknown', cause: 'index_failed' }]),
        }),
      ],
      ['a drift that was not found', (right) => ({ ...right, gaps: right.gaps.filter((gap) => !isDrift(gap)) })],
      [
        'a drift of ten slots too many',
        (right) => ({ ...right, gaps: change(right.gaps, isDrift, (gap) => [{ ...gap, count: gap.count + 10 }]) }),
      ],
      [
        'a drift in two pieces',
        (right) => ({
          ...right,
          gaps: change(right.gaps, isDrift, (gap) => [
            { ...gap, count: 1 },
            { ...gap, count: gap.count - 1 },
          ]),
        }),
      ],
      ['a good slot too few', (right) => ({ ...right, slots: { ...right.slots, ok: right.slots.ok! - 1 } })],
      [
        'a foreign object',
        (right) => ({ ...right, foreign: [...right.foreign, { bucket: 'b', prefix: '', count: 1 }] }),
      ],
    ])('%s', async (_name, wrong) => {
      const { plan, windows, right } = await judged();
      expect(compare(plan, windows, [wrong(right)]).misses.length).toBeGreaterThan(0);
    });
  });
});
