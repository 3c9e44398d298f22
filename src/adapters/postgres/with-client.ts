import type pg from 'pg';

/** Nothing was committed in time, as far as we know; the transaction may still commit. */
export class CommitTimeoutError extends Error {
  override readonly name = 'CommitTimeoutError';
}

/**
 * Lends one connection. After `timeoutMs`, waiting for the connection included, it rejects with `CommitTimeoutError` and destroys the
 * connection, so that a stuck server cannot eat up the pool.
 */
export function withClient<T>(
  pool: pg.Pool,
  timeoutMs: number,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let client: pg.PoolClient | null = null;
    let expired = false;
    const timer = setTimeout(() => {
      expired = true;
      client?.release(true);
      reject(new CommitTimeoutError(`PostgreSQL did not answer within ${timeoutMs} ms.`));
    }, timeoutMs);

    pool.connect().then(
      (lent) => {
        if (expired) return lent.release();
        client = lent;
        work(lent).then(
          (value) => {
            if (expired) return;
            clearTimeout(timer);
            lent.release();
            resolve(value);
          },
          (error: Error) => {
            if (expired) return;
            clearTimeout(timer);
            // An open transaction or a broken socket must not go back to the pool; an SQL error outside one may.
            lent.release(error);
            reject(error);
          },
        );
      },
      (error: Error) => {
        clearTimeout(timer);
        if (!expired) reject(error);
      },
    );
  });
}
