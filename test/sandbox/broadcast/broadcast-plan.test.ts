import { describe, expect, it } from 'vitest';
import { planBroadcast } from '../../../src/sandbox/broadcast/broadcast-plan.ts';
import { CAPTURE_FAULTS } from '../../../src/sandbox/broadcast/fault-kinds.ts';
import type { PlannedSession } from '../../../src/sandbox/broadcast/plan.ts';

const PLANS = Array.from({ length: 150 }, (_, seed) => planBroadcast({ seed: seed + 1 }));
const SESSIONS = PLANS.flatMap(({ sessions }) => sessions);
const steady = ({ beatSeconds, config }: PlannedSession) => beatSeconds === config.intervalSeconds;

describe('a planned broadcast', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(planBroadcast({ seed: 42 })).toEqual(planBroadcast({ seed: 42 }));
    expect(planBroadcast({ seed: 42 })).not.toEqual(planBroadcast({ seed: 43 }));
  });

  it('shows every capture at its beat or at most 0.4 of the interval later', () => {
    const off = SESSIONS.flatMap(({ config, slots }) =>
      slots.filter(({ visibleAt, gridAt }) => {
        const late = visibleAt - gridAt;
        return late < 0 || late > 0.4 * config.intervalSeconds * 1_000;
      }),
    );
    expect(off).toEqual([]);
  });

  it('shows a capture whose name tells no time within that too, whichever witness tells it', () => {
    const off = SESSIONS.filter(({ stream }) => stream.nameStyle === 'sequence').flatMap(({ config, slots }) =>
      slots.filter(({ gridAt, stored, indexedAt }) => {
        const told = [stored?.lastModified, indexedAt].filter((at) => at !== undefined && at !== null);
        return told.some((at) => at < gridAt || at - gridAt > 0.4 * config.intervalSeconds * 1_000);
      }),
    );
    expect(off).toEqual([]);
  });

  it('captures only while the session is on air', () => {
    for (const { startedAt, endedAt, slots } of SESSIONS) {
      const outside = slots.filter(
        ({ visibleAt }) => visibleAt < startedAt || (endedAt !== null && visibleAt >= endedAt),
      );
      expect(outside).toEqual([]);
    }
  });

  it('gives no two captures of a bucket the same name in sequence mode', () => {
    for (const { sessions, strays } of PLANS) {
      const names = [
        ...sessions
          .filter(({ mode }) => mode === 'sequence')
          .flatMap(({ stream, slots }) => slots.map(({ object }) => `${stream.bucket} ${object}`)),
        ...strays.map(({ stream, object }) => `${stream.bucket} ${object}`),
      ];
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it('has every fault among its scenarios, and every name style', () => {
    const kinds = new Set(PLANS.flatMap(({ faults }) => faults.map(({ kind }) => kind)));
    const wanted = [
      ...CAPTURE_FAULTS,
      'beat_slower',
      'beat_faster',
      'callback_url_changed',
      'receiver_down',
      'listing_failed',
      'index_failed',
      'object_expired',
      'capture_outside_session',
    ];
    expect(wanted.filter((kind) => !kinds.has(kind as never))).toEqual([]);
    expect(new Set(SESSIONS.map(({ stream }) => stream.nameStyle))).toEqual(
      new Set(['seconds', 'milliseconds', 'sequence', 'overwrite']),
    );
    expect(PLANS.some(({ spans }) => spans.excused.length > 0)).toBe(true);
  });

  it('expects nothing bad where it is free of faults', () => {
    const verdicts = Array.from({ length: 60 }, (_, seed) =>
      planBroadcast({ seed: seed + 1, faultFree: true }),
    ).flatMap(({ sessions, faults }) => {
      expect(faults).toEqual([]);
      return sessions.flatMap(({ slots }) => slots.map(({ expected }) => expected.verdict));
    });
    expect(new Set(verdicts)).toEqual(new Set(['ok', 'pending']));
  });

  it('keeps skipped runs so far apart that none passes for a slower beat', () => {
    for (const { slots } of SESSIONS.filter(steady)) {
      let captured = Number.POSITIVE_INFINITY;
      let skipping = false;
      for (const { faults, edge } of slots) {
        const skipped = faults.includes('capture_skipped');
        if (skipped && !skipping && edge === null) expect(captured).toBeGreaterThanOrEqual(5);
        captured = skipped ? 0 : captured + 1;
        skipping = skipped;
      }
    }
  });

  it('puts a second fault on a slot only where the table decides between them', () => {
    const pairs = new Set(SESSIONS.flatMap(({ slots }) => slots.map(({ faults }) => faults.join('+'))));
    expect([...pairs].filter((pair) => pair.includes('+'))).toEqual(['callback_dropped+object_deleted']);
  });
});
