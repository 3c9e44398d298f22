import { describe, expect, it } from 'vitest';
import { groupStorms, holdsForStorm } from '../../src/core/storm.ts';
import { incidentOf, silenceCondition, T0 } from '../support/incidents.ts';

const rules = { ratio: 0.5, minStreams: 3 };
const many = (count: number, app: string, domain = 'a.example.com') =>
  Array.from({ length: count }, (_, index) => silenceCondition(`s${index}`, { app, domain }));
const total = (app: string, onAir: number, domain = 'a.example.com') => ({ domain, app, onAir });

describe('the widest scope that explains a storm', () => {
  it('is the app when one app of two is affected', () => {
    const grouped = groupStorms({
      conditions: many(10, 'live'),
      live: [],
      totals: [total('live', 10), total('vod', 2)],
      rules,
    });
    expect(grouped).toMatchObject([{ scope: { app: 'live', stream: null }, affected: 10, total: 10 }]);
  });

  it('is the domain when two apps storm and so does the domain as a whole', () => {
    const conditions = [...many(10, 'live'), ...many(6, 'vod')];
    const totals = [total('live', 10), total('vod', 10), total('other', 5)];
    expect(groupStorms({ conditions, live: [], totals, rules })).toMatchObject([
      { scope: { domain: 'a.example.com', app: null, stream: null }, affected: 16, total: 25 },
    ]);
  });

  it('is everything when two domains storm', () => {
    const conditions = [...many(4, 'live'), ...many(4, 'live', 'b.example.com')];
    const totals = [total('live', 4), total('live', 4, 'b.example.com')];
    expect(groupStorms({ conditions, live: [], totals, rules })).toMatchObject([
      { scope: { domain: null, app: null, stream: null }, affected: 8, total: 8 },
    ]);
  });

  it('is not reached by two streams of an app', () => {
    expect(groupStorms({ conditions: many(2, 'live'), live: [], totals: [total('live', 2)], rules })).toHaveLength(2);
  });

  it('keeps different troubles apart', () => {
    const drifts = many(3, 'live').map((leaf) => ({ ...leaf, kind: 'interval_drift' as const }));
    const grouped = groupStorms({
      conditions: [...many(3, 'live'), ...drifts],
      live: [],
      totals: [total('live', 3)],
      rules,
    });
    expect(grouped.map((condition) => condition.kind).sort()).toEqual(['interval_drift', 'silence']);
  });

  it('stays on the app while an incident lives there', () => {
    const live = [
      incidentOf({ ...many(1, 'live')[0]!, scope: { domain: 'a.example.com', app: 'live', stream: null } }),
    ];
    expect(groupStorms({ conditions: many(1, 'live'), live, totals: [total('live', 50)], rules })).toMatchObject([
      { scope: { app: 'live', stream: null }, affected: 1, total: 50 },
    ]);
  });
});

describe('waiting for a storm to be whole', () => {
  const app = {
    now: T0,
    firstSuspectedAt: T0,
    intervalSeconds: 10,
    overdue: 40,
    suspected: 40,
    suspectedBefore: 40,
    onAir: 200,
  };
  it('never holds back a single silent stream', () => {
    expect(holdsForStorm({ ...app, overdue: 1, suspected: 1, suspectedBefore: 0 })).toBe(false);
  });
  it('holds while others are overdue, until an interval has passed', () => {
    expect(holdsForStorm(app)).toBe(true);
    expect(holdsForStorm({ ...app, now: T0 + 9_999 })).toBe(true);
    expect(holdsForStorm({ ...app, now: T0 + 10_000 })).toBe(false);
  });
  it('goes on while it grows between looks, for three intervals at most', () => {
    const growing = { ...app, suspectedBefore: 39 };
    expect(holdsForStorm({ ...growing, now: T0 + 10_000 })).toBe(true);
    expect(holdsForStorm({ ...growing, now: T0 + 29_999 })).toBe(true);
    expect(holdsForStorm({ ...growing, now: T0 + 30_000 })).toBe(false);
  });
  it('ends when nearly all are suspected', () => {
    expect(holdsForStorm({ ...app, suspected: 180 })).toBe(false);
  });
  it('lasts 15 seconds at most, however long the interval', () => {
    expect(holdsForStorm({ ...app, intervalSeconds: 3600, now: T0 + 15_000 })).toBe(false);
  });
});
