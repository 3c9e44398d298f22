import { SLOT_VERDICTS_THAT_COUNT, type SlotCounts } from './verdict.ts';

/**
 * Good slots / slots that count, 0 to 1; null where nothing counts. `excused`, `unknown` and `pending` slots and
 * `unexpected` captures do not count and are to be shown beside it.
 */
export function coverage(slots: SlotCounts): number | null {
  let counting = 0;
  for (const verdict of SLOT_VERDICTS_THAT_COUNT) counting += slots[verdict];
  return counting === 0 ? null : slots.ok / counting;
}
