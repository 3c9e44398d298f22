import { describe, expect, it } from 'vitest';
import { CAPTURE_FAULTS, ENDPOINT_FAULTS } from '../../src/sandbox/broadcast/fault-kinds.ts';
import type { CaptureFaultOrder } from '../../src/sandbox/broadcast/scheduled-fault.ts';
import { onceScenario } from '../../src/sandbox/scenario.ts';

const { streams, faults, apps, playsForMs } = onceScenario('play.example.com');
const INTERVAL_MS = apps[0]!.intervalSeconds * 1_000;
const ordered = faults.filter((fault): fault is CaptureFaultOrder => 'first' in fault);

describe('the scenario of the demo', () => {
  it('has every fault that can be injected', () => {
    const kinds = new Set(faults.map(({ fault }) => fault));
    const wanted = [
      ...CAPTURE_FAULTS,
      ...ENDPOINT_FAULTS,
      'beat_slower',
      'beat_faster',
      'callback_url_changed',
      'interval_changed',
      'receiver_down',
      'capture_outside_session',
    ] as const;
    expect(wanted.filter((kind) => !kinds.has(kind))).toEqual([]);
  });

  it('harms no capture whose delivery our own outage could explain', () => {
    const outage = faults.find((fault) => fault.fault === 'receiver_down')!;
    const over = 'forMs' in outage ? outage.atMs + outage.forMs : Number.POSITIVE_INFINITY;
    for (const { stream, first } of ordered) {
      const startMs = [...streams.find((each) => each.stream === stream)!.publishes][0]!.startMs;
      expect(startMs + (first - 1) * INTERVAL_MS).toBeGreaterThan(over);
    }
  });

  it('keeps the harmed captures away from the ends of their sessions and from one another', () => {
    for (const { stream, last } of ordered) {
      const { lengthMs } = [...streams.find((each) => each.stream === stream)!.publishes][0]!;
      expect((last + 2) * INTERVAL_MS).toBeLessThan(lengthMs);
      const others = ordered.filter((other) => other.stream === stream && other.first > last);
      for (const { first } of others) expect(first - last).toBeGreaterThan(1);
    }
  });

  it('is over well before three minutes are', () => {
    expect(playsForMs).toBeLessThanOrEqual(105_000);
    const ends = streams.flatMap(({ publishes }) => [...publishes].map(({ startMs, lengthMs }) => startMs + lengthMs));
    expect(Math.max(...ends)).toBeLessThanOrEqual(playsForMs);
  });
});
