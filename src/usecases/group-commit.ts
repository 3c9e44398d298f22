import type { StorageRefusal } from '../core/quarantine-reason.ts';
import type { RefusedItem } from '../ports.ts';

/** The request cannot be kept now: the queue is full, or neither database nor spool takes anything. Answer 503, never 200. */
export class OverloadedError extends Error {
  override readonly name = 'OverloadedError';
  readonly retryAfterSeconds = 1;
}

/** The store will never take this item; the reason is kebab-case. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly reason: StorageRefusal;
  constructor(reason: StorageRefusal) {
    super(`refused: ${reason}`);
    this.reason = reason;
  }
}

export interface GroupCommit<T> {
  /** Resolves when the item is durable; rejects with `OverloadedError` or `RefusedError`. */
  accept(item: T): Promise<void>;
  /** Items waiting or being written. */
  pending(): number;
  /** Resolves when everything accepted so far is settled. */
  idle(): Promise<void>;
}

interface Waiting<T> {
  item: T;
  resolve: () => void;
  reject: (error: Error) => void;
}

/**
 * Concurrent items share one write: while a batch is being committed the next one gathers. One that takes its time, as on a slow disk,
 * is not waited for: the next one is put together and run meanwhile. `write` makes a batch durable, by whatever means; when it throws,
 * all its items fail with `OverloadedError`.
 */
export function createGroupCommit<T>(options: {
  write: (items: T[]) => Promise<RefusedItem<T>[]>;
  maxBatch: number;
  /** Items waiting beyond this are turned away. */
  maxPending: number;
  /** Batches being written at once. */
  maxWriters: number;
  /** Another write begins beside those under way when all of them have taken longer. */
  patienceMs: number;
  onBatch?: (items: number) => void;
}): GroupCommit<T> {
  let waiting: Waiting<T>[] = [];
  let writing = 0;
  let writers = 0;
  let slowWriters = 0;
  let scheduled = false;
  let idlers: (() => void)[] = [];

  const mayStart = () => waiting.length > 0 && writers === slowWriters && writers < options.maxWriters;

  function schedule(): void {
    if (scheduled || !mayStart()) return;
    scheduled = true;
    // After the sockets that are readable now have been read: they go into the same batch.
    setImmediate(() => {
      scheduled = false;
      startNext();
    });
  }

  function startNext(): void {
    if (!mayStart()) return;
    const batch = waiting.length <= options.maxBatch ? waiting : waiting.slice(0, options.maxBatch);
    waiting = batch === waiting ? [] : waiting.slice(options.maxBatch);
    void writeBatch(batch);
  }

  async function writeBatch(batch: Waiting<T>[]): Promise<void> {
    writers++;
    writing += batch.length;
    options.onBatch?.(batch.length);
    let isSlow = false;
    const patience = setTimeout(() => {
      isSlow = true;
      slowWriters++;
      startNext();
    }, options.patienceMs);
    let settle: (each: Waiting<T>) => void;
    try {
      const refused = await options.write(batch.map((each) => each.item));
      const reasons = new Map(refused.map(({ item, reason }) => [item, reason]));
      settle = ({ item, resolve, reject }) => {
        const reason = reasons.get(item);
        if (reason === undefined) resolve();
        else reject(new RefusedError(reason));
      };
    } catch (cause) {
      const error = new OverloadedError('Nothing can be committed now.', { cause });
      settle = ({ reject }) => reject(error);
    }
    clearTimeout(patience);
    if (isSlow) slowWriters--;
    writers--;
    writing -= batch.length;
    for (const each of batch) settle(each);
    // When this batch is answered: who sent it prepares its next one while the store has the processor.
    process.nextTick(startNext);
    if (waiting.length === 0 && writing === 0) {
      for (const resolve of idlers) resolve();
      idlers = [];
    }
  }

  return {
    accept(item) {
      if (waiting.length + writing >= options.maxPending) {
        return Promise.reject(new OverloadedError('Too many callbacks wait for their commit.'));
      }
      return new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        schedule();
      });
    },
    pending: () => waiting.length + writing,
    idle: () =>
      waiting.length === 0 && writing === 0 ? Promise.resolve() : new Promise((resolve) => idlers.push(resolve)),
  };
}
