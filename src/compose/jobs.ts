import type { Logger } from 'pino';
import { createAuditStore } from '../adapters/postgres/audit-store.ts';
import { createCaptureStore } from '../adapters/postgres/capture-store.ts';
import type { Database } from '../adapters/postgres/database.ts';
import { createExcusedStore } from '../adapters/postgres/excused-store.ts';
import { releaseForwards } from '../adapters/postgres/forward-queue.ts';
import { createSessionStore } from '../adapters/postgres/session-store.ts';
import type { Settings } from '../config/settings.ts';
import type { DesiredDomain } from '../core/config-plan.ts';
import type { AuditStore, Clock, ConfigStore, FindingSink, SessionStore } from '../ports.ts';
import { type Auditor, type AuditorParts, type AuditProgress, createAuditor } from '../usecases/audit-window.ts';
import { type Backfill, createBackfill } from '../usecases/backfill.ts';
import { SNAPSHOT_CALLBACK_PATH } from '../usecases/desired-domains.ts';
import { createEvidenceExport } from '../usecases/export-evidence.ts';
import { FORWARD_TASK } from '../usecases/forward-callback.ts';
import { createPollSessions, type PollFailure } from '../usecases/poll-sessions.ts';
import { createTrackSessions } from '../usecases/track-sessions.ts';
import { watchDrift } from '../usecases/watch-drift.ts';
import type { Job } from '../worker/job.ts';
import type { Vendor } from './vendor.ts';

/** Late evidence is judged from a kept state; older evidence from the start of its session. */
const KEPT_STATES_MS = 8 * 24 * 3_600_000;
const KEPT_AUDITS_MS = 90 * 24 * 3_600_000;
/** Passing a callback on takes ten seconds at most. */
const FORWARD_HELD_SECONDS = 300;

export interface JobParts {
  database: Database;
  vendor: Vendor;
  clock: Clock;
  settings: Settings;
  publicUrl: string;
  configStore: ConfigStore;
  desired: readonly DesiredDomain[];
  findings: FindingSink;
  logger: Logger;
}

export interface Auditing {
  audit: Auditor;
  backfill: Backfill;
  exportEvidence: ReturnType<typeof createEvidenceExport>;
  audits: AuditStore;
  sessions: SessionStore;
  poll: () => Promise<PollFailure[]>;
  track: (options?: { from?: number }) => Promise<void>;
}

/** Tracking and auditing on one database: what the jobs run, and what `snapaudit audit` runs once. */
export function composeAuditing(
  parts: Omit<JobParts, 'desired' | 'findings' | 'logger'> & { onAuditProgress?: (progress: AuditProgress) => void },
): Auditing {
  const { database, vendor, clock, settings, configStore } = parts;
  const domains = settings.domains.map(({ domain }) => domain);
  const sessions = createSessionStore(database);
  const audits = createAuditStore(database);
  const captures = createCaptureStore({
    database,
    now: () => clock.now(),
    lateEvidenceAfterMs: settings.audit.settleSeconds * 1000,
  });
  const configVersions = (domain: string) => configStore.versions(domain);
  const { settleSeconds } = settings.audit;
  const captureRetentionDays = settings.retention.captureDays;
  const track = createTrackSessions({ sessions, clock, domains, configVersions, captureRetentionDays });
  const auditor: AuditorParts = {
    clock,
    buckets: vendor.buckets,
    live: vendor.live,
    audits,
    sessions,
    captures,
    excused: createExcusedStore(database),
    configVersions,
    settleSeconds,
    lateAfterSeconds: settings.audit.lateAfterSeconds,
    captureRetentionDays,
    callbackUrl: `${parts.publicUrl}${SNAPSHOT_CALLBACK_PATH}`,
    ...(parts.onAuditProgress && { onProgress: parts.onAuditProgress }),
  };
  const audit = createAuditor(auditor);
  return {
    audits,
    sessions,
    track,
    audit,
    exportEvidence: createEvidenceExport(auditor),
    poll: createPollSessions({ live: vendor.live, sessions, clock, domains }),
    backfill: createBackfill({
      clock,
      live: vendor.live,
      buckets: vendor.buckets,
      audits,
      sessions,
      captures,
      configVersions,
      track,
      audit,
      domains,
      settleSeconds,
      captureRetentionDays,
    }),
  };
}

/** Every job of the service. Any replica may run any of them, and running one twice is harmless. */
export function composeJobs(parts: JobParts): Job[] {
  const { settings, desired, logger } = parts;
  const { poll, track, audit, audits, backfill } = composeAuditing(parts);
  return [
    {
      name: 'watch-drift',
      everySeconds: settings.audit.pollEverySeconds,
      async run() {
        const report = await watchDrift(
          { live: parts.vendor.live, store: parts.configStore, clock: parts.clock, findings: parts.findings },
          desired,
        );
        for (const { domain, message } of [...report.failures, ...report.refused, ...report.outdated])
          logger.warn({ domain }, message);
      },
    },
    {
      name: 'poll-sessions',
      everySeconds: settings.audit.pollEverySeconds,
      async run() {
        for (const { domain, error } of await poll()) {
          logger.warn({ err: error, domain }, 'the vendor could not be asked who is on air');
        }
        await track();
      },
    },
    {
      name: 'audit',
      everySeconds: settings.audit.everySeconds,
      async run(signal) {
        await track();
        const faults: unknown[] = [];
        for (const { domain } of settings.domains) {
          try {
            const outcome = await audit({ domain, signal });
            if (outcome.error) logger.warn({ domain, auditId: outcome.auditId }, outcome.error);
          } catch (error) {
            // A fault in one domain keeps no other from being judged.
            faults.push(error);
          }
        }
        if (faults.length > 0) throw faults[0];
      },
    },
    {
      name: 'backfill',
      everySeconds: settings.audit.everySeconds,
      async run(signal) {
        const now = parts.clock.now();
        await audits.prune({
          statesBefore: now - KEPT_STATES_MS,
          auditsBefore: now - KEPT_AUDITS_MS,
          domains: settings.domains.map(({ domain }) => domain),
        });
        await backfill.ownOutages(signal);
      },
    },
    {
      name: 'release-forwards',
      everySeconds: 60,
      run: () => releaseForwards({ database: parts.database, task: FORWARD_TASK, heldSeconds: FORWARD_HELD_SECONDS }),
    },
  ];
}
