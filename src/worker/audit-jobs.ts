import type { Auditor } from '../usecases/audit-window.ts';
import type { Job } from './job.ts';

export interface AuditJobsParts {
  /** Main streaming domains. */
  domains: readonly string[];
  poll(): Promise<void>;
  track(): Promise<void>;
  audit: Auditor;
  /** Restores what an outage of ours missed; absent where that is not wanted. */
  backfill?: (signal: AbortSignal) => Promise<void>;
  pollEverySeconds: number;
  auditEverySeconds: number;
  /** A domain whose audit could not look everywhere: the sentence for the person who must act. */
  onCouldNotLook?(domain: string, sentence: string): void;
}

const BACKFILL_EVERY_SECONDS = 60;

/** Sessions are tracked after each poll, and before each audit once more, for a publish_done may just have come. */
export function auditJobs(parts: AuditJobsParts): Job[] {
  const { backfill } = parts;
  const jobs: Job[] = [
    {
      name: 'poll-sessions',
      everySeconds: parts.pollEverySeconds,
      async run() {
        await parts.poll();
        await parts.track();
      },
    },
    {
      name: 'audit',
      everySeconds: parts.auditEverySeconds,
      async run(signal) {
        await parts.track();
        for (const domain of parts.domains) {
          if (signal.aborted) return;
          const { error } = await parts.audit({ domain, signal });
          if (error !== null) parts.onCouldNotLook?.(domain, error);
        }
      },
    },
  ];
  if (backfill) jobs.push({ name: 'backfill', everySeconds: BACKFILL_EVERY_SECONDS, run: backfill });
  return jobs;
}
