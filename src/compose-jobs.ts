import type { Logger } from 'pino';
import { createAuditStore } from './adapters/postgres/audit-store.ts';
import { createCaptureStore } from './adapters/postgres/capture-store.ts';
import type { Database } from './adapters/postgres/database.ts';
import { createExcusedStore } from './adapters/postgres/excused-store.ts';
import { createSessionStore } from './adapters/postgres/session-store.ts';
import type { Vendor } from './compose-vendor.ts';
import type { Settings } from './config/settings.ts';
import type { DesiredDomain } from './core/config-plan.ts';
import type { Clock, ConfigStore, FindingSink } from './ports.ts';
import { type Auditor, createAuditor } from './usecases/audit-window.ts';
import { SNAPSHOT_CALLBACK_PATH } from './usecases/desired-domains.ts';
import { createPollSessions } from './usecases/poll-sessions.ts';
import { createTrackSessions } from './usecases/track-sessions.ts';
import { watchDrift } from './usecases/watch-drift.ts';
import type { Job } from './worker/job.ts';

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
  poll: () => Promise<void>;
  track: (options?: { from?: number }) => Promise<void>;
}

/** Tracking and auditing on one database: what the jobs run, and what `snapaudit audit` runs once. */
export function composeAuditing(parts: Omit<JobParts, 'desired' | 'findings'>): Auditing {
  const { database, vendor, clock, settings, configStore, logger } = parts;
  const domains = settings.domains.map(({ domain }) => domain);
  const sessions = createSessionStore(database);
  const configVersions = (domain: string) => configStore.versions(domain);
  return {
    poll: createPollSessions({
      live: vendor.live,
      sessions,
      clock,
      domains,
      onFailure: (domain, error) => logger.warn({ err: error, domain }, 'the vendor could not be asked who is on air'),
    }),
    track: createTrackSessions({ sessions, clock, domains, configVersions }),
    audit: createAuditor({
      clock,
      buckets: vendor.buckets,
      live: vendor.live,
      audits: createAuditStore(database),
      sessions,
      captures: createCaptureStore({
        database,
        now: () => clock.now(),
        lateEvidenceAfterMs: settings.audit.settleSeconds * 1000,
      }),
      excused: createExcusedStore(database),
      configVersions,
      settleSeconds: settings.audit.settleSeconds,
      lateAfterSeconds: settings.audit.lateAfterSeconds,
      callbackUrl: `${parts.publicUrl}${SNAPSHOT_CALLBACK_PATH}`,
    }),
  };
}

/** Every job of the service. Any replica may run any of them, and running one twice is harmless. */
export function composeJobs(parts: JobParts): Job[] {
  const { settings, desired, logger } = parts;
  const { poll, track, audit } = composeAuditing(parts);
  return [
    {
      name: 'watch-drift',
      everySeconds: settings.audit.pollEverySeconds,
      async run() {
        const report = await watchDrift(
          { live: parts.vendor.live, store: parts.configStore, clock: parts.clock, findings: parts.findings },
          desired,
        );
        for (const { domain, message } of report.failures) logger.warn({ domain }, message);
      },
    },
    {
      name: 'poll-sessions',
      everySeconds: settings.audit.pollEverySeconds,
      async run() {
        await poll();
        await track();
      },
    },
    {
      name: 'audit',
      everySeconds: settings.audit.everySeconds,
      async run(signal) {
        await track();
        for (const { domain } of settings.domains) {
          const outcome = await audit({ domain, signal });
          if (outcome.error) logger.warn({ domain, auditId: outcome.auditId }, outcome.error);
        }
      },
    },
  ];
}
