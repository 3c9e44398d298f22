import { createCaptureStore } from '../adapters/postgres/capture-store.ts';
import { createConfigStore } from '../adapters/postgres/config-store.ts';
import type { Database } from '../adapters/postgres/database.ts';
import { createCaptureExports } from '../adapters/postgres/export-captures.ts';
import { createForwardQueue } from '../adapters/postgres/forward-queue.ts';
import { createOperatorLog } from '../adapters/postgres/operator-log.ts';
import { createQuarantineStore } from '../adapters/postgres/quarantine-store.ts';
import { createHistoryReads } from '../adapters/postgres/query-history.ts';
import { createTokenStore } from '../adapters/postgres/token-store.ts';
import type { QueryHandle } from '../cli/query-handle.ts';
import { type Environment, openStorage, systemClock } from '../compose.ts';
import { ConfigurationError, type Secrets } from '../config/env.ts';
import { loadSettings } from '../config/load-settings.ts';
import type { Settings } from '../config/settings.ts';
import { extendAliases } from '../core/callback-aliases.ts';
import { createBodyReader } from '../core/callback-body.ts';
import { signedHostsOf } from '../core/callback-signature.ts';
import type { Buckets, Clock } from '../ports.ts';
import { controlQuarantine, type QuarantineControl } from '../usecases/control-quarantine.ts';
import { deliveryReports } from '../usecases/delivery-report.ts';
import { SNAPSHOT_CALLBACK_PATH } from '../usecases/desired-domains.ts';
import { exportHistory } from '../usecases/export-history.ts';
import { FORWARD_TASK, forwardTargets } from '../usecases/forward-callback.ts';
import { createKnownTemplates } from '../usecases/known-templates.ts';
import { manageTokens } from '../usecases/manage-tokens.ts';
import { createQueries } from '../usecases/query-history.ts';
import { prepareWorker } from '../worker/start-worker.ts';
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

const WRITE_TIMEOUT_MS = 30_000;

/** Retrying and dropping what lies in quarantine, with the keys, aliases and templates as they are now. */
export function composeQuarantine(parts: {
  database: Database;
  settings: Pick<Settings, 'domains' | 'callbacks' | 'audit'>;
  secrets: Pick<Secrets, 'callbackKey' | 'callbackKeyPrevious'>;
  publicUrl: string;
}): QuarantineControl {
  const { database, settings, secrets, publicUrl } = parts;
  const templates = createKnownTemplates(settings, createConfigStore(database, { sealingKeys: [] }));
  const captures = createCaptureStore({
    database,
    now: () => systemClock.now(),
    // Whatever is stored now comes after its slots were judged.
    lateEvidenceAfterMs: 0,
  });
  const forwards = createForwardQueue({ database, task: FORWARD_TASK });
  const keys = [
    { name: 'current' as const, secret: secrets.callbackKey },
    { name: 'previous' as const, secret: secrets.callbackKeyPrevious },
  ].flatMap(({ name, secret }) => (secret ? [{ name, secret }] : []));
  return controlQuarantine({
    reads: createQuarantineStore({ database }),
    history: createHistoryReads(database),
    clock: systemClock,
    refreshTemplates: () => templates.refresh(),
    receive: {
      hosts: signedHostsOf(publicUrl + SNAPSHOT_CALLBACK_PATH),
      keys,
      clockWindowSeconds: settings.callbacks.clockWindowSeconds,
      reader: createBodyReader(extendAliases(settings.callbacks.aliases)),
      templatesOf: templates.templatesOf,
      captures: {
        accept: async (row) => {
          await captures.write([row], { again: false, timeoutMs: WRITE_TIMEOUT_MS });
        },
      },
      forward: {
        targetsOf: forwardTargets(settings),
        sink: {
          accept: async (callback) => {
            // Where no service has run yet there is no queue.
            await prepareWorker(database.url);
            await forwards.write([callback], { again: false, timeoutMs: WRITE_TIMEOUT_MS });
          },
        },
      },
    },
  });
}
