import { describe, expect, it } from 'vitest';
import { changedBlindness, mayBeOurOutage } from '../../src/core/blind-spans.ts';
import { T0 } from '../support/incidents.ts';

const SECOND = 1_000;
const span = (from: number, to: number) => ({ from: T0 + from * SECOND, to: T0 + to * SECOND });
/** Of slots 10 s apart. */
const gap = (from: number, slots: number, verdict = 'callback_missing', rejudging = false) => ({
  ...span(from, from + slots * 10),
  slots,
  verdict,
  rejudging,
});

it('blindness changes where only one of the two says that we were blind', () => {
  expect(changedBlindness([span(0, 10)], [span(5, 20)])).toEqual([span(0, 5), span(10, 20)]);
  expect(changedBlindness([], [span(5, 20)])).toEqual([span(5, 20)]);
  expect(changedBlindness([span(5, 20)], [])).toEqual([span(5, 20)]);
  expect(changedBlindness([span(5, 20)], [span(5, 20)])).toEqual([]);
});

describe('a gap that the audit does not lay to our own outage', () => {
  const blind = [span(100, 120)];

  it('may be ours where a callback of it was due in blindness that the audit did not know', () => {
    // Delivery of a capture takes up to 35 s.
    expect(mayBeOurOutage(gap(56, 1), blind, [])).toBe(false);
    expect(mayBeOurOutage(gap(65, 1), blind, [])).toBe(false);
    expect(mayBeOurOutage(gap(66, 1), blind, [])).toBe(true);
    expect(mayBeOurOutage(gap(119, 1), blind, [])).toBe(true);
    expect(mayBeOurOutage(gap(120, 1), blind, [])).toBe(false);
    expect(mayBeOurOutage(gap(46, 3), blind, [])).toBe(true);
  });

  it('is what the audit says where it knew all of the blindness', () => {
    expect(mayBeOurOutage(gap(46, 3), blind, blind)).toBe(false);
    expect(mayBeOurOutage(gap(110, 1), blind, [span(100, 110)])).toBe(true);
  });

  it('may be ours while it is about to be judged again for changed blindness', () => {
    expect(mayBeOurOutage(gap(0, 1, 'callback_missing', true), blind, blind)).toBe(true);
  });

  it('may be ours where callbacks came late that were all due while we were blind', () => {
    expect(mayBeOurOutage(gap(65, 6, 'late'), blind, blind)).toBe(true);
    expect(mayBeOurOutage(gap(64, 6, 'late'), blind, blind)).toBe(false);
    expect(mayBeOurOutage(gap(65, 7, 'late'), blind, blind)).toBe(false);
  });

  it('is never ours where OSS and the vendor say that nothing was captured', () => {
    expect(mayBeOurOutage(gap(100, 2, 'not_captured', true), blind, [])).toBe(false);
    expect(mayBeOurOutage(gap(100, 2, 'object_missing', true), blind, [])).toBe(false);
  });
});
