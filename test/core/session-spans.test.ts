import { describe, expect, it } from 'vitest';
import { blindSpans } from '../../src/core/blind-spans.ts';
import { configInForce } from '../../src/core/config-in-force.ts';
import { coverage } from '../../src/core/coverage.ts';
import { foreignPrefix } from '../../src/core/foreign-prefix.ts';
import { divideBySession } from '../../src/core/session-spans.ts';
import { complementSpans, mergeSpans, spansContain, spansOverlap } from '../../src/core/span.ts';
import { emptySlotCounts } from '../../src/core/verdict.ts';
import { configOf } from '../support/judging.ts';

const session = (startedAt: number, endedAt: number | null) => ({
  domain: 'd',
  app: 'a',
  stream: 's',
  startedAt,
  endedAt,
});
const divide = (...sessions: ReturnType<typeof session>[]) =>
  divideBySession(sessions).map((each) => [
    each.capturesFrom,
    each.session.startedAt,
    each.session.endedAt,
    each.capturesTo,
  ]);

describe('which captures are a session’s own', () => {
  it('are those from its start up to its end, and none at its end', () => {
    expect(divide(session(10_000, 20_000))).toEqual([[10_000, 10_000, 20_000, 20_000]]);
    expect(divide(session(10_000, null))).toEqual([[10_000, 10_000, null, Number.POSITIVE_INFINITY]]);
  });

  it('are those of the second in which it started too, for names give whole seconds', () => {
    expect(divide(session(10_999, 20_000))).toEqual([[10_000, 10_999, 20_000, 20_000]]);
  });

  it('are never those of the session before, at a restart within the second', () => {
    expect(divide(session(30_901, 40_000), session(10_000, 30_300))).toEqual([
      [10_000, 10_000, 30_300, 30_300],
      [30_300, 30_901, 40_000, 40_000],
    ]);
    expect(divide(session(10_000, 30_000), session(33_000, null)).map(([from, , , to]) => [from, to])).toEqual([
      [10_000, 30_000],
      [33_000, Number.POSITIVE_INFINITY],
    ]);
  });

  it('end where the next session starts, whatever was said', () => {
    expect(divide(session(10_000, null), session(50_000, 60_000))[0]).toEqual([10_000, 10_000, 50_000, 50_000]);
    expect(divide(session(10_000, 20_000), session(10_000, 30_000), session(10_000, 30_000))).toEqual([
      [10_000, 10_000, 30_000, 30_000],
    ]);
  });
});

describe('spans', () => {
  it('merge where they overlap or touch', () => {
    expect(
      mergeSpans([
        { from: 5, to: 7 },
        { from: 0, to: 2 },
        { from: 2, to: 3 },
        { from: 6, to: 9 },
        { from: 4, to: 4 },
      ]),
    ).toEqual([
      { from: 0, to: 3 },
      { from: 5, to: 9 },
    ]);
  });

  it('are half-open', () => {
    const spans = [{ from: 10, to: 20 }];
    expect([9, 10, 19, 20].map((at) => spansContain(spans, at))).toEqual([false, true, true, false]);
    expect(spansOverlap(spans, 0, 10)).toBe(false);
    expect(spansOverlap(spans, 0, 11)).toBe(true);
    expect(spansOverlap(spans, 19, 30)).toBe(true);
    expect(spansOverlap(spans, 20, 30)).toBe(false);
    expect(complementSpans(spans, 0, 30)).toEqual([
      { from: 0, to: 10 },
      { from: 20, to: 30 },
    ]);
  });

  it('are blind where no receiver was alive', () => {
    const alive = [
      { from: 0, to: 10 },
      { from: 5, to: 20 },
      { from: 30, to: 40 },
    ];
    expect(blindSpans(alive, 2, 50)).toEqual([
      { from: 20, to: 30 },
      { from: 40, to: 50 },
    ]);
    expect(blindSpans([], 0, 10)).toEqual([{ from: 0, to: 10 }]);
    expect(blindSpans(alive, 0, 20)).toEqual([]);
  });
});

describe('the config in force', () => {
  const versions = [
    configOf({ app: '*', validFrom: 0, intervalSeconds: 60 }),
    configOf({ validFrom: 100, intervalSeconds: 10 }),
    configOf({ validFrom: 200, intervalSeconds: 20 }),
    configOf({ validFrom: 300, absent: true }),
    configOf({ app: '*', validFrom: 400, absent: true }),
    configOf({ domain: 'else', validFrom: 0, intervalSeconds: 5 }),
  ];
  const at = (startedAt: number) =>
    configInForce(versions, 'play.example.com', 'live', startedAt)?.intervalSeconds ?? null;

  it('is the app’s own before *, as it stood when the session started', () => {
    expect(at(99)).toBe(60);
    expect(at(100)).toBe(10);
    expect(at(199)).toBe(10);
    expect(at(200)).toBe(20);
  });

  it('is that of * again once the app’s own is gone, and none once both are', () => {
    expect(at(300)).toBe(60);
    expect(at(400)).toBeNull();
    expect(at(-1)).toBeNull();
    expect(configInForce(versions, 'play.example.com', 'other', 150)?.intervalSeconds).toBe(60);
  });
});

describe('coverage', () => {
  it('is the share of good slots among those that count', () => {
    const slots = { ...emptySlotCounts(), ok: 96, late: 1, callback_missing: 1, misnamed: 1, not_captured: 1 };
    expect(coverage(slots)).toBe(0.96);
    expect(coverage({ ...slots, excused: 50, unknown: 50, pending: 50, unexpected: 50 })).toBe(0.96);
  });

  it('is nothing where nothing counts', () => {
    expect(coverage({ ...emptySlotCounts(), excused: 3, unknown: 2 })).toBeNull();
  });
});

describe('the prefix of a foreign key', () => {
  it.each([
    ['readme.txt', ''],
    ['backup/1.sql', 'backup/'],
    ['a/b/1.sql', 'a/b/'],
    ['a/b/c/1.sql', 'a/b/'],
  ])('of %s is %j', (key, prefix) => {
    expect(foreignPrefix(key)).toBe(prefix);
  });
});
