import { createHash } from 'node:crypto';
import type { BatchStore, ForwardedCallback } from '../../ports.ts';
import type { Database } from './database.ts';
import { withClient } from './with-client.ts';

/** graphile-worker waits e^attempt seconds between tries, at most e^10: sixteen tries span about a day. */
const MAX_ATTEMPTS = 16;
/** graphile-worker takes lower numbers first: a target that hangs must not keep polls and audits waiting. */
const AFTER_EVERYTHING_ELSE = 10;

/**
 * Callbacks to pass on, as jobs of graphile-worker (`prepareWorker` must have made its schema). The job key makes one pending job of a
 * batch that is written twice.
 */
export function createForwardQueue(options: { database: Database; task: string }): BatchStore<ForwardedCallback> {
  return {
    async write(callbacks, { timeoutMs }) {
      const specs = callbacks.map((callback) => ({ payload: callback, key: jobKey(callback) }));
      await withClient(options.database.pool, timeoutMs, (client) =>
        client.query({
          name: 'forward-callbacks',
          text: `select graphile_worker.add_job($1, payload := spec -> 'payload', max_attempts := $2, job_key := spec ->> 'key', priority := $4)
            from json_array_elements($3::json) as spec`,
          values: [options.task, MAX_ATTEMPTS, JSON.stringify(specs), AFTER_EVERYTHING_ELSE],
        }),
      );
      return [];
    },
  };
}

/**
 * Gives back what a process held that was killed: graphile-worker itself would do so after four hours. Whoever still works on a callback
 * after `heldSeconds` is taken for dead.
 */
export async function releaseForwards(options: {
  database: Database;
  task: string;
  heldSeconds: number;
}): Promise<void> {
  await options.database.pool.query(
    `update graphile_worker._private_jobs set locked_at = null, locked_by = null, run_at = greatest(run_at, now())
     where task_id = (select id from graphile_worker._private_tasks where identifier = $1)
     and locked_at < now() - make_interval(secs => $2)`,
    [options.task, options.heldSeconds],
  );
}

function jobKey({ target, bodyBase64, headers }: ForwardedCallback): string {
  const seen = JSON.stringify([target, bodyBase64, headers['ali-live-timestamp'] ?? '']);
  return `forward:${createHash('sha256').update(seen).digest('base64url')}`;
}
