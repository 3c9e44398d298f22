import { describe, expect, it } from 'vitest';
import { type StreamStanding, streamStatus } from '../../src/core/stream-status.ts';
import { worstFirst } from '../../src/core/wall-order.ts';

const NOW = Date.UTC(2026, 10, 24);
const ON_AIR: StreamStanding = {
  session: { startedAt: NOW - 3_600_000, endedAt: null },
  intervalSeconds: 10,
  lastCaptureAt: NOW - 5_000,
  openGap: null,
  excused: null,
  aliveUntil: NOW,
};
const statusOf = (standing: Partial<StreamStanding>) =>
  streamStatus({ ...ON_AIR, ...standing }, { now: NOW, graceSeconds: 35 });

describe('the status of a stream on air', () => {
  it('is on time only where something is due', () => {
    expect(statusOf({})).toBe('on_time');
    expect(statusOf({ intervalSeconds: null })).toBe('unknown');
    expect(statusOf({ intervalSeconds: null, lastCaptureAt: null })).toBe('unknown');
  });
});

describe('the order of the wall', () => {
  it('puts streams of which nothing is due behind those that are on time, and those that could not be looked at before', () => {
    const place = (stream: string, status: 'on_time' | 'late' | 'unknown', intervalSeconds: number | null) => ({
      ...{ domain: 'd', app: 'a', stream, status, intervalSeconds },
      coverage: intervalSeconds === null ? null : 1,
    });
    const [group] = worstFirst([
      place('none', 'unknown', null),
      place('good', 'on_time', 10),
      place('late', 'late', 10),
      place('blind', 'unknown', 10),
    ]);
    expect(group?.streams.map(({ stream }) => stream)).toEqual(['blind', 'late', 'good', 'none']);
  });
});
