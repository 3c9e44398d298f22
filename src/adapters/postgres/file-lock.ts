import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

/** Held until released, or until its process ends, however it ends. */
export interface FileLock {
  release(): void;
}

const SQLITE_BUSY = 5;
const LOOK_EVERY_MS = 50;

/**
 * Locks a file among processes; any number of shared holders, or one exclusive. Node has no file locks of its own; SQLite's are
 * released by the system when their process dies, so that there is no stale one to tell from a live one. Null where somebody
 * else holds it for longer than `waitMs`, which blocks this process.
 */
export function tryLock(file: string, mode: 'shared' | 'exclusive', waitMs = 0): FileLock | null {
  const db = new DatabaseSync(file, { timeout: waitMs });
  try {
    // A transaction that reads keeps the shared lock of the file until it ends.
    db.exec(mode === 'exclusive' ? 'begin exclusive' : 'begin; select 1 from sqlite_schema');
    return { release: () => db.close() };
  } catch (error) {
    db.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return null;
    throw error;
  }
}

/** The exclusive lock, without blocking: waits until it is free, at most `waitMs`. */
export async function waitForLock(file: string, waitMs: number): Promise<FileLock | null> {
  for (let left = waitMs; ; left -= LOOK_EVERY_MS) {
    const held = tryLock(file, 'exclusive');
    if (held !== null || left <= 0) return held;
    await sleep(LOOK_EVERY_MS);
  }
}
