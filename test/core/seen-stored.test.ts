import { describe, expect, it } from 'vitest';
import { type StoredJudgement, seenStored } from '../../src/core/seen-stored.ts';
import { emptySlotCounts, type SlotCounts } from '../../src/core/verdict.ts';

const HOUR = 3_600_000;

const hour = (number: number, slots: Partial<SlotCounts>): StoredJudgement['hours'][number] => ({
  hour: number * HOUR,
  mode: 'sequence',
  slots: { ...emptySlotCounts(), ...slots },
});
const gap = (
  from: number,
  to: number,
  verdict: StoredJudgement['gaps'][number]['verdict'],
  cause: StoredJudgement['gaps'][number]['cause'] = null,
): StoredJudgement['gaps'][number] => ({ from, to, verdict, cause, mode: 'sequence' });

describe('where captures were seen stored', () => {
  it('is every hour that has one, within what is asked for', () => {
    const judged = { gaps: [], hours: [hour(0, { ok: 1 }), hour(1, { callback_missing: 1 }), hour(3, { late: 1 })] };
    expect(seenStored(judged, { from: 5, to: 4 * HOUR - 5 })).toEqual({
      sequence: [
        { from: 5, to: 2 * HOUR },
        { from: 3 * HOUR, to: 4 * HOUR - 5 },
      ],
      overwrite: [],
    });
  });

  it('is no hour that has none', () => {
    const hours = [hour(0, { excused: 5, unknown: 1 }), hour(1, { object_missing: 2, not_captured: 1, pending: 1 })];
    expect(seenStored({ gaps: [], hours }, { from: 0, to: 9 * HOUR }).sequence).toEqual([]);
  });

  it.each(['object_missing', 'unknown', 'excused', 'not_captured'] as const)(
    'is not in a gap that is %s',
    (verdict) => {
      const judged = { gaps: [gap(100, 200, verdict, 'not_captured')], hours: [hour(0, { ok: 1 })] };
      expect(seenStored(judged, { from: 0, to: 300 }).sequence).toEqual([
        { from: 0, to: 100 },
        { from: 200, to: 300 },
      ]);
    },
  );

  it('is in gaps of captures that were there', () => {
    const gaps = [
      gap(100, 200, 'callback_missing', 'delivery_lost'),
      gap(200, 250, 'late', 'late_delivery'),
      gap(0, 300, 'not_captured', 'interval_drift'),
      { ...gap(0, 300, 'object_missing'), mode: 'overwrite' as const },
    ];
    expect(seenStored({ gaps, hours: [hour(0, { ok: 1 })] }, { from: 0, to: 300 }).sequence).toEqual([
      { from: 0, to: 300 },
    ]);
  });
});
