import { type Task as GraphileTask, Logger, makeWorkerUtils, parseCronItems, run } from 'graphile-worker';
import pRetry from 'p-retry';
import type { Job, Task } from './job.ts';

export interface WorkerOptions {
  connectionString: string;
  jobs: Job[];
  /** Work that comes in pieces, each retried by graphile-worker with growing pauses. */
  tasks?: Task[];
  onError(jobName: string, error: unknown): void;
  /** What graphile-worker itself has to say (warnings and errors only). */
  log?(level: 'warning' | 'error', message: string): void;
}

export interface RunningWorker {
  /** Runs the job as soon as a worker is free, instead of at its next time. */
  runSoon(jobName: string): Promise<void>;
  /** Stops taking jobs, lets the running ones end, frees every connection. */
  close(): Promise<void>;
}

const POLL_MILLISECONDS = 500;
const ONCE_IT_IS_BACK = { retries: Number.POSITIVE_INFINITY, minTimeout: 500, factor: 1, shouldRetry: () => true };
/** Pieces of one task that run at once; they mostly wait for others, and hold no connection meanwhile. */
const TASKS_AT_ONCE = 24;

/**
 * graphile-worker notes the end of a job without waiting for the note. Where the database is away just then, the rejection is nobody's, and
 * Node would end the process with it: the receiver would be gone exactly when the spool is needed. A job whose end was not noted is
 * taken up again by its chain.
 */
const LOST_NOTE = /graphile-worker\/dist\/sql\/(completeJobs|failJobs)\./;
function outliveLostNote(reason: unknown): void {
  // Whatever else it is ends the process, as it would without this listener.
  if (!(reason instanceof Error && LOST_NOTE.test(reason.stack ?? ''))) throw reason;
}

/**
 * Makes the queue's own tables, so that work can be put into it before a worker runs. Throws away what will never run again: the job that
 * a killed process was at stays in the queue for ever, once graphile-worker has taken its lock away.
 */
export async function prepareWorker(connectionString: string): Promise<void> {
  const queue = await makeWorkerUtils({ connectionString });
  try {
    await queue.migrate();
    await queue.cleanup({ tasks: ['DELETE_PERMAFAILED_JOBS'] });
  } finally {
    await queue.release();
  }
}

/**
 * Runs the job table on graphile-worker. Each job schedules its own successor under its name as job key, so that there
 * is one pending run a job however many replicas there are; a crontab line a minute puts a lost chain together again.
 *
 * No named queues: a replica that dies holding one would block it for the four hours after which graphile-worker frees
 * its locks. An advisory lock on a connection of the run's own keeps a second replica from doing the same work at the
 * same time, and ends with the connection. It saves work only: the jobs themselves are safe to run at once.
 */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  // For good: a note may be lost after the worker has stopped.
  if (!process.listeners('unhandledRejection').includes(outliveLostNote))
    process.on('unhandledRejection', outliveLostNote);
  const { jobs, onError } = options;
  const tasks = options.tasks ?? [];
  // graphile-worker aborts its own signal only five seconds after it was asked to stop.
  const stopping = new AbortController();
  const runner = await run(
    {
      connectionString: options.connectionString,
      // Every run holds a connection for its lock; two more fetch and finish jobs.
      maxPoolSize: jobs.length + tasks.length + 2,
      concurrency: jobs.length + tasks.length * TASKS_AT_ONCE,
      pollInterval: POLL_MILLISECONDS,
      noHandleSignals: true,
      logger: new Logger((scope) => (level, message) => {
        if (level === 'warning' || level === 'error') options.log?.(level, `${scope.label ?? 'worker'}: ${message}`);
      }),
    },
    Object.fromEntries([
      ...tasks.map((task): [string, GraphileTask] => [
        task.name,
        async (payload) => {
          await task.run(payload, stopping.signal);
        },
      ]),
      ...jobs.map((job): [string, GraphileTask] => [
        job.name,
        async (_payload, helpers) => {
          try {
            await helpers.withPgClient(async (client) => {
              const lock = [`snapaudit:${job.name}`];
              const { rows } = await client.query('select pg_try_advisory_lock(hashtextextended($1, 0)) as mine', lock);
              if (!rows[0]?.mine) return;
              try {
                await job.run(stopping.signal);
              } finally {
                await client.query('select pg_advisory_unlock(hashtextextended($1, 0))', lock);
              }
            });
          } catch (error) {
            // What was told to stop has not failed.
            if (!stopping.signal.aborted) onError(job.name, error);
          }
          // Not a retry of graphile-worker's: those back off by hours, and the chain would run beside them.
          const next = () => {
            const runAt = new Date(Date.now() + job.everySeconds * 1000);
            return helpers.addJob(job.name, {}, { jobKey: job.name, jobKeyMode: 'replace', runAt, maxAttempts: 1 });
          };
          // While the database is away too: the crontab would find the chain lost up to a minute after it is back. Not waited for.
          await next().catch(() => {
            pRetry(next, { ...ONCE_IT_IS_BACK, signal: stopping.signal }).catch(() => {});
          });
        },
      ]),
    ]),
    parseCronItems(
      jobs.map((job) => ({
        task: job.name,
        match: '* * * * *',
        identifier: job.name,
        options: { jobKey: job.name, jobKeyMode: 'preserve_run_at', maxAttempts: 1 },
      })),
    ),
  );
  const runSoon = async (jobName: string) => {
    await runner.addJob(jobName, {}, { jobKey: jobName, jobKeyMode: 'replace', maxAttempts: 1 });
  };
  try {
    for (const job of jobs) {
      await runner.addJob(job.name, {}, { jobKey: job.name, jobKeyMode: 'preserve_run_at', maxAttempts: 1 });
    }
  } catch (error) {
    // Whoever tries again starts another one. Not waited for: while the database is away it may not come to its end.
    stopping.abort();
    runner.promise.catch(() => {});
    runner.stop().catch(() => {});
    throw error;
  }
  return {
    runSoon,
    close: () => {
      stopping.abort();
      return runner.stop();
    },
  };
}
