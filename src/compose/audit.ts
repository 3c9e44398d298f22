import { pino } from 'pino';
import { createConfigStore } from '../adapters/postgres/config-store.ts';
import type { AuditHandle, AuditHandleOptions } from '../cli/audit-handle.ts';
import { type Environment, openStorage, systemClock } from '../compose.ts';
import { loadSettings } from '../config/load-settings.ts';
import { composeAuditing } from './jobs.ts';
import { createVendor } from './vendor.ts';

/** Auditing for the command: straight on the database and the vendor, beside a running service or without one. */
export async function openAudit(
  { config }: Pick<Environment, 'config'>,
  options: AuditHandleOptions,
): Promise<AuditHandle> {
  const settings = await loadSettings(config.settingsFile);
  const storage = await openStorage({ config });
  // Data goes to stdout; what there is to say goes to stderr.
  const logger = pino({ level: config.logLevel, base: null }, pino.destination(2));
  const { database } = storage;
  const vendor = createVendor(config, { database, logger });
  const auditing = composeAuditing({
    database,
    vendor,
    clock: systemClock,
    settings,
    publicUrl: config.publicUrl ?? '',
    configStore: createConfigStore(database, { sealingKeys: [] }),
    onAuditProgress: options.onProgress,
  });
  return {
    ...auditing,
    clock: systemClock,
    domains: settings.domains.map(({ domain }) => domain),
    settleSeconds: settings.audit.settleSeconds,
    async streamIds({ domain, app, stream }) {
      const streams = await auditing.sessions.streams(domain);
      return streams
        .filter((row) => (app === null || row.app === app) && (stream === null || row.stream === stream))
        .map(({ id }) => id);
    },
    async close() {
      await vendor.close();
      await storage.close();
    },
  };
}
