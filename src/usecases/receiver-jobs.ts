import { setTimeout as delay } from 'node:timers/promises';
import type { Clock, HttpProbe, QuarantineLimits } from '../ports.ts';
import { type CaptureDayKeeper, keepCaptureDays } from './keep-capture-days.ts';
import { type BlindSpanKeeper, type Reachability, watchReachability } from './watch-reachability.ts';

/** As src/worker/job.ts has it. */
interface ReceiverJob {
  name: string;
  everySeconds: number;
  run(signal: AbortSignal): Promise<void>;
}

const DAY_MS = 86_400_000;
const CANARY_JITTER_MS = 10_000;
const CANARY_RETRY_MS = 5_000;
const DEFAULT_QUARANTINE_DAYS = 30;
const QUARANTINE_ROWS = 2_000_000;
const QUARANTINE_BYTES = 4 * 1024 ** 3;

/** What has to be done now and then so that the receiver can go on: partitions, sealing, retention, the canary. */
export function createReceiverJobs(parts: {
  clock: Clock;
  days: CaptureDayKeeper;
  quarantine: { prune(limits: QuarantineLimits, signal?: AbortSignal): Promise<number> };
  heartbeats: BlindSpanKeeper & { prune(before: number): Promise<void> };
  /** null: captures are kept for ever. Heartbeats are kept as long as captures. */
  captureRetentionDays: number | null;
  quarantineRetentionDays?: number;
  /** null where no public URL is set: no canary then. `key` null: not signed. */
  canary: { callbackUrl: string; key: string | null; probe: Pick<HttpProbe, 'post'> } | null;
  onReachability?: (reachability: Reachability) => void;
}): ReceiverJob[] {
  const { clock, captureRetentionDays } = parts;
  const jobs: ReceiverJob[] = [
    {
      name: 'keep-capture-days',
      everySeconds: 900,
      run: async (signal) => {
        await keepCaptureDays({ keeper: parts.days, now: clock.now(), retentionDays: captureRetentionDays, signal });
      },
    },
    {
      name: 'prune-quarantine',
      everySeconds: 600,
      run: async (signal) => {
        const before = clock.now() - (parts.quarantineRetentionDays ?? DEFAULT_QUARANTINE_DAYS) * DAY_MS;
        await parts.quarantine.prune({ before, maxRows: QUARANTINE_ROWS, maxBytes: QUARANTINE_BYTES }, signal);
        if (captureRetentionDays !== null && !signal.aborted) {
          await parts.heartbeats.prune(clock.now() - (captureRetentionDays + 1) * DAY_MS);
        }
      },
    },
  ];
  const { canary } = parts;
  if (canary !== null) {
    jobs.push({
      name: 'watch-reachability',
      everySeconds: 55,
      run: async (signal) => {
        const pause = (milliseconds: number) => delay(milliseconds, undefined, { signal }).catch(() => {});
        await pause(Math.random() * CANARY_JITTER_MS);
        if (signal.aborted) return;
        const reachability = await watchReachability({
          ...canary,
          spans: parts.heartbeats,
          clock,
          pause: () => pause(CANARY_RETRY_MS),
        });
        if (!signal.aborted) parts.onReachability?.(reachability);
      },
    });
  }
  return jobs;
}
