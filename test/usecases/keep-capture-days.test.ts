import { describe, expect, it } from 'vitest';
import { planCaptureDays } from '../../src/usecases/keep-capture-days.ts';

const DAY_MS = 86_400_000;
const TODAY = 20_000;
const at = (day: number, hours: number) => day * DAY_MS + hours * 3_600_000;
const fresh = (day: number) => ({ day, sealedRows: null, lateRows: 0 });

describe('planCaptureDays', () => {
  it('makes today and two days ahead', () => {
    expect(planCaptureDays([], at(TODAY, 12), null).ensure).toEqual([TODAY, TODAY + 1, TODAY + 2]);
  });

  it('seals a day two hours after its end, not a moment before', () => {
    const days = [fresh(TODAY - 1), fresh(TODAY)];
    expect(planCaptureDays(days, at(TODAY, 2) - 1, null).seal).toEqual([]);
    expect(planCaptureDays(days, at(TODAY, 2), null).seal).toEqual([TODAY - 1]);
  });

  it('seals again only when much came late', () => {
    const sealed = (lateRows: number) => [{ day: TODAY - 5, sealedRows: 1_000_000, lateRows }];
    expect(planCaptureDays(sealed(20_000), at(TODAY, 12), null).seal).toEqual([]);
    expect(planCaptureDays(sealed(20_001), at(TODAY, 12), null).seal).toEqual([TODAY - 5]);
  });

  it('drops a day when all of it is older than the retention, and does not seal what it drops', () => {
    const days = [fresh(TODAY - 31), fresh(TODAY - 30), fresh(TODAY - 29)];
    const plan = planCaptureDays(days, at(TODAY, 0), 30);
    expect(plan.drop).toEqual([TODAY - 31]);
    expect(plan.seal).toEqual([TODAY - 30, TODAY - 29]);
    expect(planCaptureDays(days, at(TODAY, 0), null).drop).toEqual([]);
  });
});
