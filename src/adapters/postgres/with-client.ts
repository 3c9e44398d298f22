import type pg from 'pg';

/** Nothing was committed in time, as far as we know; the transaction may still commit. */
class CommitTimeoutError extends Error {
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

/**
 * Lends one connection for work that may take minutes. `signal` ends it in the middle of a statement: the server is told to end the
 * connection, so that neither the statement nor a lock of it outlives us, and the work rejects.
 */
export async function withAbortableClient<T>(
  pool: pg.Pool,
  signal: AbortSignal | undefined,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const client = await pool.connect();
  let broken: Error | undefined;
  let end = () => {};
  try {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    end = () => void pool.query('select pg_terminate_backend($1)', [rows[0]!.pid]).catch(() => {});
    signal?.throwIfAborted();
    signal?.addEventListener('abort', end, { once: true });
    return await work(client);
  } catch (error) {
    broken = error as Error;
    throw error;
  } finally {
    signal?.removeEventListener('abort', end);
    client.release(broken);
  }
}
