import { createExcusedStore } from '../adapters/postgres/excused-store.ts';
import { createIncidentStore } from '../adapters/postgres/incident-store.ts';
import { createMaintenanceStore } from '../adapters/postgres/maintenance-store.ts';
import { createNotificationStore } from '../adapters/postgres/notification-store.ts';
import { createOperatorLog } from '../adapters/postgres/operator-log.ts';
import { createHistoryReads } from '../adapters/postgres/query-history.ts';
import { createSilenceStore } from '../adapters/postgres/silence-store.ts';
import type { AlertingCommandHandle } from '../cli/alerting-handle.ts';
import { type Environment, openStorage, systemClock } from '../compose.ts';
import { environmentSecrets } from '../config/env.ts';
import { loadSettings } from '../config/load-settings.ts';
import { createAlertingHandle } from '../usecases/manage-alerting.ts';
import { createAlerting } from './alerting.ts';

/**
 * Alerting for the commands: the database, without a running service. With `channels` the settings file is read and
 * every channel is made; throws one error that lists every mistake.
 */
export async function openAlerting(
  { config }: Pick<Environment, 'config'>,
  options: { channels: boolean },
): Promise<AlertingCommandHandle> {
  const settings = options.channels ? await loadSettings(config.settingsFile) : null;
  const storage = await openStorage({ config }, { maxConnections: 4 });
  const { database, close } = storage;
  try {
    const alerting = settings
      ? createAlerting({
          database,
          clock: systemClock,
          settings,
          secrets: environmentSecrets(),
          publicUrl: config.publicUrl,
          configVersions: async () => [],
          logger: { info() {}, warn() {}, error() {} },
        }).handle
      : createAlertingHandle({
          clock: systemClock,
          incidents: createIncidentStore(database),
          notifications: createNotificationStore(database),
          silences: createSilenceStore(database),
          maintenance: createMaintenanceStore(database),
          excused: createExcusedStore(database),
          channels: [],
          disabled: async () => null,
          testChannel: async () => {},
        });
    return { alerting, operatorLog: createOperatorLog(database), domains: createHistoryReads(database).domains, close };
  } catch (error) {
    await close();
    throw error;
  }
}
