import { describe, expect, it } from 'vitest';
import { type DriftSituation, decideHeal } from '../../src/core/drift-decision.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function decide(changes: Partial<DriftSituation> = {}) {
  const usual = {
    mode: 'enforce',
    state: 'drifted',
    takenOver: true,
    stoppedAt: null,
    outdated: false,
    attempts: [],
    now: NOW,
  } as const;
  return decideHeal({ ...usual, ...changes });
}
const healedAt = (...ages: number[]) => ages.map((age) => ({ at: NOW - age, outcome: 'healed' as const }));

describe('what to do about drift', () => {
  it.each(['in_sync', 'pending_reingest', 'unmanaged', 'unknown'] as const)(
    'is nothing while the state is %s',
    (state) => {
      expect(decide({ state })).toBe('nothing');
    },
  );

  it('is a report, never a heal, in observe mode', () => {
    expect(decide({ mode: 'observe' })).toBe('report');
    expect(decide({ mode: 'observe', state: 'missing' })).toBe('report');
  });

  it('is a report in enforce mode where nobody ever took the config over', () => {
    expect(decide({ takenOver: false })).toBe('report');
  });

  it('is to heal at once the first time, be it changed or missing', () => {
    expect(decide()).toBe('heal');
    expect(decide({ state: 'missing' })).toBe('heal');
  });

  it('is to wait a minute after the first heal and two after the second', () => {
    expect(decide({ attempts: healedAt(MINUTE - 1) })).toBe('wait');
    expect(decide({ attempts: healedAt(MINUTE) })).toBe('heal');
    expect(decide({ attempts: healedAt(10 * MINUTE, 2 * MINUTE - 1) })).toBe('wait');
    expect(decide({ attempts: healedAt(10 * MINUTE, 2 * MINUTE) })).toBe('heal');
  });

  it('is to stop when the third heal within an hour did not last', () => {
    expect(decide({ attempts: healedAt(HOUR - 1, 20 * MINUTE, 10 * MINUTE) })).toBe('stop');
    expect(decide({ attempts: healedAt(HOUR, 20 * MINUTE, 10 * MINUTE) })).toBe('heal');
  });

  it('is a report once healing has stopped, until a person applies', () => {
    expect(decide({ stoppedAt: NOW - 5 * HOUR })).toBe('report');
  });

  it('is a report, neither a heal nor a stop, while other settings than ours are in force', () => {
    expect(decide({ outdated: true })).toBe('report');
    expect(decide({ outdated: true, state: 'missing' })).toBe('report');
    expect(decide({ outdated: true, attempts: healedAt(HOUR - 1, 20 * MINUTE, 10 * MINUTE) })).toBe('report');
    expect(decide({ outdated: true, attempts: healedAt(MINUTE - 1) })).toBe('report');
    expect(decide({ outdated: true, state: 'in_sync' })).toBe('nothing');
  });

  it('backs off after failed heals, but failing is no fight', () => {
    const attempts = healedAt(50 * MINUTE, 40 * MINUTE, 30 * MINUTE, 20 * MINUTE).map((attempt) => ({
      ...attempt,
      outcome: 'failed' as const,
    }));
    expect(decide({ attempts })).toBe('heal');
    expect(decide({ attempts: [...attempts, { at: NOW - 15 * MINUTE, outcome: 'failed' }] })).toBe('wait');
  });
});
