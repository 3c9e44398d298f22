import { expect, it } from 'vitest';
import { conditionsOfGaps, type GapFact } from '../../src/core/incident-conditions.ts';
import { T0 } from '../support/incidents.ts';

const SECOND = 1_000;
const INTERVAL_SECONDS = 10;

function gap(change: Partial<GapFact> = {}): GapFact {
  return {
    streamId: 1,
    domain: 'play.example.com',
    app: 'live',
    stream: 'cam1',
    from: T0,
    to: T0 + 60 * SECOND,
    verdict: 'callback_missing',
    cause: 'delivery_lost',
    mode: 'sequence',
    slots: 6,
    open: true,
    judgedUntil: T0 + 60 * SECOND,
    untold: false,
    auditRunning: false,
    ...change,
  };
}
const conditions = (gaps: GapFact[], intervals = new Map([[1, INTERVAL_SECONDS]])) =>
  conditionsOfGaps(gaps, { now: T0 + 120 * SECOND, totals: [], intervals, tellLate: false });

it('a gap lasts while it reaches up to where the audit has looked', () => {
  const judgedUntil = (seconds: number) => [gap({ judgedUntil: T0 + (60 + seconds) * SECOND })];
  expect(conditions(judgedUntil(0))).toMatchObject([{ until: null }]);
  expect(conditions(judgedUntil(14.999))).toMatchObject([{ until: null }]);
  // From here on a good slot must have followed it: the incident may be resolved, though the audit may still change the gap.
  expect(conditions(judgedUntil(15))).toEqual([]);
});

it('a gap that is over is told all the same where nobody has told of it', () => {
  const over = gap({ judgedUntil: T0 + 90 * SECOND, untold: true });
  expect(conditions([over])).toMatchObject([{ until: T0 + 60 * SECOND, facts: { until: T0 + 60 * SECOND } }]);
});

it('a gap of which nothing more is known lasts until the audit closes it', () => {
  expect(conditions([gap({ judgedUntil: null })])).toMatchObject([{ until: null }]);
  expect(conditions([gap({ judgedUntil: T0 + 900 * SECOND })], new Map())).toMatchObject([{ until: null }]);
  expect(conditions([gap({ open: false })])).toEqual([]);
});
