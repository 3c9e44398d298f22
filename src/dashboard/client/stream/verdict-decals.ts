import type { Verdict } from '../../../core/verdict.ts';

/**
 * Every kind of trouble has a pattern of its own, so that it can be told apart without colour; the same as the fills of
 * styles/tones.css: late lies, object_missing stands, not_captured leans, callback_missing is a chequer, misnamed is dots.
 */
export const VERDICT_DECALS: Partial<Record<Verdict, object>> = {
  late: { symbol: 'rect', dashArrayX: [1, 0], dashArrayY: [2, 3] },
  misnamed: {
    symbol: 'circle',
    dashArrayX: [
      [4, 4],
      [0, 4, 4, 0],
    ],
    dashArrayY: [4, 0],
    symbolSize: 0.9,
  },
  callback_missing: {
    symbol: 'rect',
    dashArrayX: [
      [3, 3],
      [0, 3, 3, 0],
    ],
    dashArrayY: [3, 0],
  },
  object_missing: { symbol: 'rect', dashArrayX: [1, 0], dashArrayY: [2, 3], rotation: Math.PI / 2 },
  not_captured: { symbol: 'rect', dashArrayX: [1, 0], dashArrayY: [3, 3], rotation: -Math.PI / 4 },
  unknown: { symbol: 'rect', dashArrayX: [1, 0], dashArrayY: [1, 4], rotation: Math.PI / 4 },
};
