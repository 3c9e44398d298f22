import { setTimeout as delay } from 'node:timers/promises';
import pRetry, { AbortError } from 'p-retry';
import type pg from 'pg';
import { sqlStateOf } from './sql-error.ts';

const LOCK_NOT_AVAILABLE = '55P03';
const DEADLOCK = '40P01';

/**
 * Runs a transaction that needs a lock nobody should wait behind: whoever comes later queues up behind a lock request, so it is
 * given up after `lockTimeoutMs` and tried again. Rejects with the last error after `tries`.
 */
export async function withBriefLock<T>(
  client: pg.ClientBase,
  options: { lockTimeoutMs: number; tries: number; pauseMs: number },
  work: () => Promise<T>,
): Promise<T> {
  return pRetry(
    async () => {
      try {
        await client.query('begin');
        await client.query(`set local lock_timeout = ${options.lockTimeoutMs}`);
        const result = await work();
        await client.query('commit');
        return result;
      } catch (error) {
        await client.query('rollback').catch(() => {});
        const state = sqlStateOf(error);
        if (state !== LOCK_NOT_AVAILABLE && state !== DEADLOCK) throw new AbortError(error as Error);
        throw error;
      }
    },
    { retries: options.tries - 1, minTimeout: options.pauseMs, factor: 1, randomize: true },
  );
}

/** Polls until `isDone`; false after `timeoutMs`. */
export async function waitUntil(
  isDone: () => Promise<boolean>,
  { timeoutMs, everyMs }: { timeoutMs: number; everyMs: number },
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isDone())) {
    if (performance.now() > deadline) return false;
    await delay(everyMs);
  }
  return true;
}
