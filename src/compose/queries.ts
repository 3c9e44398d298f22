import type { Database } from '../adapters/postgres/database.ts';
import { createCaptureExports } from '../adapters/postgres/export-captures.ts';
import { createOperatorLog } from '../adapters/postgres/operator-log.ts';
import { createHistoryReads } from '../adapters/postgres/query-history.ts';
import { createTokenStore } from '../adapters/postgres/token-store.ts';
import type { QueryHandle } from '../cli/query-handle.ts';
import { type Environment, openStorage, systemClock } from '../compose.ts';
import { ConfigurationError } from '../config/env.ts';
import { loadSettings } from '../config/load-settings.ts';
import type { Buckets, Clock } from '../ports.ts';
import { deliveryReports } from '../usecases/delivery-report.ts';
import { exportHistory } from '../usecases/export-history.ts';
import { manageTokens } from '../usecases/manage-tokens.ts';
import { createQueries } from '../usecases/query-history.ts';
import { composeQuarantine } from './quarantine.ts';
import { createVendor } from './vendor.ts';

/** The history for the commands: straight from the database, without a running service. */
export async function openQueries({ config, secrets }: Environment): Promise<QueryHandle> {
  const storage = await openStorage({ config }, { maxConnections: 4 });
  const { database } = storage;
  const vendor = createVendor(config, { database });
  const history = composeHistory({ database, asking: database, clock: systemClock, buckets: vendor.buckets });
  return {
    ...history,
    tokens: manageTokens({
      store: createTokenStore(database),
      clock: systemClock,
      environmentToken: secrets.apiToken,
    }),
    operatorLog: createOperatorLog(database),
    async openQuarantine() {
      if (!config.publicUrl) {
        throw new ConfigurationError('The quarantine cannot be opened:', [
          'SNAPAUDIT_PUBLIC_URL is not set: a signature is over the host that the vendor calls, so a kept request cannot be checked without it.',
        ]);
      }
      const settings = await loadSettings(config.settingsFile);
      return composeQuarantine({ database, settings, secrets, publicUrl: config.publicUrl });
    },
    async close() {
      await vendor.close();
      await storage.close();
    },
  };
}

/** The history: questions are asked over `asking`, which may have a time limit; exports and reports take the time that they need. */
export function composeHistory(parts: { database: Database; asking: Database; clock: Clock; buckets: Buckets | null }) {
  const { database, asking, clock, buckets } = parts;
  const unhurried = { ...createHistoryReads(database), ...createCaptureExports(database) };
  return {
    queries: createQueries({ reads: createHistoryReads(asking), clock, buckets }),
    exports: exportHistory({ reads: unhurried, queries: createQueries({ reads: unhurried, clock }), clock }),
    reports: deliveryReports({ reads: unhurried, clock }),
  };
}
