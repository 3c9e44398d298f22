import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { GroundTruth } from '../../../src/sandbox/broadcast/ground-truth.ts';
import { playOutage } from '../../../src/sandbox/broadcast/play-outage.ts';
import type { OutageOrder } from '../../../src/sandbox/broadcast/scheduled-fault.ts';
import { OssFaults } from '../../../src/sandbox/oss/faults.ts';

function play(order: Omit<OutageOrder, 'fault' | 'atMs'>, stopped = new AbortController().signal) {
  const ossFaults = new OssFaults();
  const studio = { startedAtMs: Date.now(), stopped, truth: new GroundTruth() };
  const ended = playOutage(studio, { ossFaults }, { fault: 'oss_unavailable', atMs: 0, ...order });
  return { ossFaults, ended, span: () => studio.truth.rows()[0]! };
}

describe('an outage of an endpoint', () => {
  it('lasts as long as was ordered', async () => {
    const { ossFaults, ended, span } = play({ forMs: 1_000 });
    await vi.waitFor(() => expect(ossFaults.take('list', null)).toBe('500-xml'), { interval: 1 });
    await ended;
    expect(span().to - span().from).toBeGreaterThanOrEqual(999);
    expect(ossFaults.take('list', null)).toBeNull();
  });

  it('waits for whoever is slow to call, and lasts for a while from there', async () => {
    const { ossFaults, ended, span } = play({ forMs: 20, met: { forMs: 200, patienceMs: 60_000 } });
    await sleep(300);
    const calledAt = Date.now();
    expect(ossFaults.take('list', null)).toBe('500-xml');
    await ended;
    expect(span().to).toBeGreaterThanOrEqual(calledAt + 199);
    expect(ossFaults.take('list', null)).toBeNull();
  });

  it('ends where nobody calls', async () => {
    const { ossFaults, ended } = play({ forMs: 20, met: { forMs: 60_000, patienceMs: 100 } });
    await ended;
    expect(ossFaults.take('list', null)).toBeNull();
  });

  it('ends at once when the studio is stopped', async () => {
    const stopping = new AbortController();
    const { ossFaults, ended } = play({ forMs: 20, met: { forMs: 0, patienceMs: 60_000 } }, stopping.signal);
    const outcome = expect(ended).rejects.toThrow('aborted');
    await sleep(100);
    stopping.abort();
    await outcome;
    expect(ossFaults.take('list', null)).toBeNull();
  });
});
