import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { openSpool } from '../../src/adapters/spool/sqlite-spool.ts';
import type { Heartbeat } from '../../src/ports.ts';
import { createHeartbeatKeeper, type HeartbeatKeeper } from '../../src/usecases/keep-heartbeat.ts';

let now: number;
let canCommit: boolean;
let committed: Map<number, Heartbeat>;
let keeper: HeartbeatKeeper;
beforeEach(() => {
  now = 100_000;
  canCommit = true;
  committed = new Map();
  keeper = createHeartbeatKeeper(parts);
});

const parts: Parameters<typeof createHeartbeatKeeper>[0] = {
  receiverId: 'r',
  host: 'h',
  now: () => now,
  commit: async (beats) => {
    if (!canCommit) throw new Error('away');
    for (const beat of beats) committed.set(beat.fromAt, beat);
  },
  spool: null,
  commitTimeoutMs: 1_000,
  onFailure: () => {},
};

async function beatAt(at: number): Promise<void> {
  now = at;
  await keeper.beat();
}
const spans = () => [...committed.values()].map(({ fromAt, toAt }) => [fromAt, toAt]);

describe('the heartbeat of a receiver', () => {
  it('extends one row', async () => {
    for (const at of [100_000, 101_000, 102_000]) await beatAt(at);
    expect(spans()).toEqual([[100_000, 102_000]]);
    expect(keeper.aliveUntil()).toBe(102_000);
  });

  it('leaves out the time in which nothing could be committed though the process was up', async () => {
    await beatAt(100_000);
    canCommit = false;
    await beatAt(101_000);
    expect(keeper.aliveUntil()).toBeNull();
    await beatAt(102_000);
    canCommit = true;
    await beatAt(103_000);
    await beatAt(104_000);
    expect(spans()).toEqual([
      [100_000, 100_000],
      [103_000, 104_000],
    ]);
  });

  it('leaves out the time around a callback that was turned away', async () => {
    await beatAt(100_000);
    await beatAt(101_000);
    keeper.noteTurnedAway();
    await beatAt(102_000);
    await beatAt(103_000);
    await beatAt(104_000);
    expect(spans()).toEqual([
      [100_000, 101_000],
      [103_000, 104_000],
    ]);
  });

  it('counts a stall of the process as blind when it was longer than the vendor waits', async () => {
    await beatAt(100_000);
    await beatAt(105_000);
    expect(spans()).toEqual([[100_000, 105_000]]);
    await beatAt(110_001);
    await beatAt(111_000);
    expect(spans()).toEqual([
      [100_000, 105_000],
      [110_001, 111_000],
    ]);
  });

  it('counts where the database takes it, though the notes in the spool cannot be read', async () => {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'snapaudit-spool-'));
    try {
      const spool = openSpool({ directory, maxBytes: 1024 ** 2, now: () => now });
      // From here on every look into it fails.
      spool.close();
      const failures: unknown[] = [];
      keeper = createHeartbeatKeeper({ ...parts, spool, onFailure: (error) => failures.push(error) });
      await beatAt(100_000);
      expect(spans()).toEqual([[100_000, 100_000]]);
      expect(keeper.aliveUntil()).toBe(100_000);
      expect(failures).toHaveLength(1);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('does not turn a row around when the clock is set back', async () => {
    await beatAt(100_000);
    await beatAt(90_000);
    expect(spans()).toEqual([[100_000, 100_000]]);
  });
});
