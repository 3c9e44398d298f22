import { describe, expect, it } from 'vitest';
import { listeningUntil, missedSlots, missesTooMany, silenceOf } from '../../src/core/watch-silence.ts';
import { T0 } from '../support/incidents.ts';

const rules = { misses: 1, graceSeconds: 15, missRatio: null };
const none = { blindUntil: null, excusedUntil: null };

describe('silence', () => {
  it('is suspected one interval and the grace after the last callback', () => {
    const silence = silenceOf({ startedAt: T0 - 60_000, intervalSeconds: 10, lastHeardAt: T0 }, none, rules);
    expect(silence).toEqual({ since: T0, overdueAt: T0 + 17_500, suspectedAt: T0 + 25_000 });
  });
  it('counts from the start of the session where nothing has come yet', () => {
    const silence = silenceOf({ startedAt: T0, intervalSeconds: 10, lastHeardAt: null }, none, rules);
    expect(silence.suspectedAt).toBe(T0 + 25_000);
  });
  it('does not count callbacks of an earlier session', () => {
    const silence = silenceOf({ startedAt: T0, intervalSeconds: 10, lastHeardAt: T0 - 5_000 }, none, rules);
    expect(silence.since).toBe(T0);
  });
  it('waits for more misses in a row where the settings say so', () => {
    const silence = silenceOf({ startedAt: T0, intervalSeconds: 10, lastHeardAt: T0 }, none, { ...rules, misses: 3 });
    expect(silence.suspectedAt).toBe(T0 + 45_000);
  });
  it('starts its clock again after we were blind, yet keeps the true beginning', () => {
    const silence = silenceOf(
      { startedAt: T0 - 60_000, intervalSeconds: 10, lastHeardAt: T0 },
      { blindUntil: T0 + 100_000, excusedUntil: null },
      rules,
    );
    expect(silence).toMatchObject({ since: T0, suspectedAt: T0 + 125_000 });
  });
  it('does not run during maintenance', () => {
    const silence = silenceOf(
      { startedAt: T0 - 60_000, intervalSeconds: 10, lastHeardAt: T0 },
      { blindUntil: null, excusedUntil: T0 + 3_600_000 },
      rules,
    );
    expect(silence.suspectedAt).toBe(T0 + 3_625_000);
  });
});

describe('listening', () => {
  it('is vouched for up to now while the heartbeat is fresh, else up to the heartbeat', () => {
    expect(listeningUntil(T0 - 5_000, T0, 5)).toBe(T0);
    expect(listeningUntil(T0 - 5_001, T0, 5)).toBe(T0 - 5_001);
    expect(listeningUntil(null, T0, 5)).toBeNull();
  });
});

describe('a miss ratio', () => {
  it('is exceeded when more than the given share did not come', () => {
    expect(missesTooMany({ heard: 21, overSeconds: 300, intervalSeconds: 10 }, 0.3)).toBe(false);
    expect(missesTooMany({ heard: 20, overSeconds: 300, intervalSeconds: 10 }, 0.3)).toBe(true);
  });
});

it('counts the slots that should have come', () => {
  expect([9_999, 10_000, 25_000].map((ms) => missedSlots(T0, T0 + ms, 10))).toEqual([0, 1, 2]);
});
