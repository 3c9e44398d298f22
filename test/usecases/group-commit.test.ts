import { describe, expect, it, vi } from 'vitest';
import type { RefusedItem } from '../../src/ports.ts';
import { createGroupCommit, OverloadedError, RefusedError } from '../../src/usecases/group-commit.ts';

/** A writer that the test lets finish, batch by batch. */
function createWriter() {
  const batches: { items: number[]; finish: (refused?: RefusedItem<number>[]) => void; fail: () => void }[] = [];
  return {
    batches,
    write: (items: number[]) =>
      new Promise<RefusedItem<number>[]>((resolve, reject) => {
        batches.push({ items, finish: (refused = []) => resolve(refused), fail: () => reject(new Error('away')) });
      }),
  };
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
/** Longer than any test takes: no write counts as slow. */
const PATIENT = 60_000;
const LIMITS = { maxBatch: 3, maxPending: 5, maxWriters: 1, patienceMs: PATIENT };

describe('group commit', () => {
  it('gathers what comes while a batch is written, at most maxBatch, in order', async () => {
    const writer = createWriter();
    const commit = createGroupCommit({ write: writer.write, ...LIMITS });
    const first = commit.accept(1);
    await nextTurn();
    const rest = [2, 3, 4, 5].map((item) => commit.accept(item));
    await nextTurn();
    expect(writer.batches.map(({ items }) => items)).toEqual([[1]]);
    writer.batches[0]!.finish();
    await first;
    await nextTurn();
    expect(writer.batches[1]!.items).toEqual([2, 3, 4]);
    writer.batches[1]!.finish();
    await nextTurn();
    writer.batches[2]!.finish();
    await Promise.all(rest);
    await commit.idle();
    expect(commit.pending()).toBe(0);
  });

  it('begins a second write beside a slow one, at most maxWriters, and none beside one that is not slow', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const writer = createWriter();
      const commit = createGroupCommit({ write: writer.write, ...LIMITS, maxWriters: 2, patienceMs: 2 });
      const accepted = [commit.accept(1)];
      await nextTurn();
      vi.advanceTimersByTime(1);
      accepted.push(commit.accept(2));
      await nextTurn();
      expect(writer.batches).toHaveLength(1);
      vi.advanceTimersByTime(1);
      expect(writer.batches.map(({ items }) => items)).toEqual([[1], [2]]);
      // The second is not slow yet: a third item waits, also when the first has come to its end.
      writer.batches[0]!.finish();
      await accepted[0];
      accepted.push(commit.accept(3));
      await nextTurn();
      expect(writer.batches).toHaveLength(2);
      vi.advanceTimersByTime(2);
      expect(writer.batches.map(({ items }) => items)).toEqual([[1], [2], [3]]);
      for (const batch of writer.batches.slice(1)) batch.finish();
      await Promise.all(accepted);
      const last = commit.accept(4);
      await nextTurn();
      vi.advanceTimersByTime(2);
      const beside = commit.accept(5);
      await nextTurn();
      expect(writer.batches.slice(3).map(({ items }) => items)).toEqual([[4], [5]]);
      vi.advanceTimersByTime(2);
      const third = commit.accept(6);
      await nextTurn();
      vi.advanceTimersByTime(10);
      expect(writer.batches).toHaveLength(5);
      for (const batch of writer.batches.slice(3)) batch.finish();
      await Promise.all([last, beside]);
      await nextTurn();
      writer.batches[5]!.finish();
      await third;
      expect(commit.pending()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('answers a batch before it begins the next, which waits for nothing else', async () => {
    const writer = createWriter();
    const commit = createGroupCommit({ write: writer.write, ...LIMITS });
    const begunAtAnswer = commit.accept(1).then(() => writer.batches.length);
    await nextTurn();
    const second = commit.accept(2);
    await nextTurn();
    writer.batches[0]!.finish();
    expect(await begunAtAnswer).toBe(1);
    await nextTurn();
    expect(writer.batches).toHaveLength(2);
    writer.batches[1]!.finish();
    await second;
  });

  it('answers nobody before the write has ended', async () => {
    const writer = createWriter();
    const commit = createGroupCommit({ write: writer.write, ...LIMITS });
    let answered = false;
    const accepted = commit.accept(1).then(() => {
      answered = true;
    });
    await nextTurn();
    expect(answered).toBe(false);
    writer.batches[0]!.finish();
    await accepted;
    expect(answered).toBe(true);
  });

  it('turns away what is beyond the bound, and takes more when there is room again', async () => {
    const writer = createWriter();
    const commit = createGroupCommit({ write: writer.write, ...LIMITS });
    const accepted = [1, 2, 3, 4, 5].map((item) => commit.accept(item));
    await expect(commit.accept(6)).rejects.toBeInstanceOf(OverloadedError);
    await nextTurn();
    await expect(commit.accept(7)).rejects.toBeInstanceOf(OverloadedError);
    writer.batches[0]!.finish();
    await Promise.all(accepted.slice(0, 3));
    await nextTurn();
    const eighth = commit.accept(8);
    writer.batches[1]!.finish();
    await nextTurn();
    writer.batches[2]!.finish();
    await Promise.all([...accepted, eighth]);
    expect(writer.batches.map(({ items }) => items)).toEqual([[1, 2, 3], [4, 5], [8]]);
  });

  it('fails the whole batch when the write fails, and only the refused items when it refuses', async () => {
    const writer = createWriter();
    const commit = createGroupCommit({ write: writer.write, ...LIMITS });
    const failing = [1, 2].map((item) => commit.accept(item));
    await nextTurn();
    writer.batches[0]!.fail();
    for (const each of failing) await expect(each).rejects.toBeInstanceOf(OverloadedError);
    const refusing = [3, 4].map((item) => commit.accept(item));
    await nextTurn();
    writer.batches[1]!.finish([{ item: 4, reason: 'too-many-new-streams' }]);
    await refusing[0];
    await expect(refusing[1]).rejects.toThrow(new RefusedError('too-many-new-streams'));
  });
});
