import { createCaptureStore } from '../adapters/postgres/capture-store.ts';
import { createConfigStore } from '../adapters/postgres/config-store.ts';
import type { Database } from '../adapters/postgres/database.ts';
import { createForwardQueue } from '../adapters/postgres/forward-queue.ts';
import { createQuarantineStore } from '../adapters/postgres/quarantine-store.ts';
import { createHistoryReads } from '../adapters/postgres/query-history.ts';
import { createSignalStore } from '../adapters/postgres/signal-store.ts';
import { systemClock } from '../compose.ts';
import type { Secrets } from '../config/env.ts';
import type { Settings } from '../config/settings.ts';
import { extendAliases } from '../core/callback-aliases.ts';
import { createBodyReader } from '../core/callback-body.ts';
import { signedHostsOf } from '../core/callback-signature.ts';
import type { BatchStore } from '../ports.ts';
import { controlQuarantine, type QuarantineControl } from '../usecases/control-quarantine.ts';
import { SNAPSHOT_CALLBACK_PATH } from '../usecases/desired-domains.ts';
import { FORWARD_TASK, forwardTargets } from '../usecases/forward-callback.ts';
import { RefusedError } from '../usecases/group-commit.ts';
import { createKnownTemplates } from '../usecases/known-templates.ts';
import type { Sink } from '../usecases/receive-callback.ts';
import { prepareWorker } from '../worker/start-worker.ts';
import { callbackKeys, streamingDomainOf } from './callback-trust.ts';

const WRITE_TIMEOUT_MS = 30_000;

/** Retrying and dropping what lies in quarantine, with the keys, aliases, templates and domains as they are now. */
export function composeQuarantine(parts: {
  database: Database;
  settings: Pick<Settings, 'domains' | 'callbacks' | 'audit'>;
  secrets: Pick<Secrets, 'callbackKey' | 'callbackKeyPrevious'>;
  publicUrl: string;
}): QuarantineControl {
  const { database, settings, secrets, publicUrl } = parts;
  const now = () => systemClock.now();
  const templates = createKnownTemplates(settings, createConfigStore(database, { sealingKeys: [] }));
  const forwards = storing(createForwardQueue({ database, task: FORWARD_TASK }));
  /** Where no service has run yet there is none. */
  let queue: Promise<void> | null = null;
  const trust = { keys: callbackKeys(secrets), clockWindowSeconds: settings.callbacks.clockWindowSeconds };
  return controlQuarantine({
    reads: createQuarantineStore({ database }),
    history: createHistoryReads(database),
    clock: systemClock,
    refreshTemplates: () => templates.refresh(),
    receive: {
      ...trust,
      hosts: signedHostsOf(publicUrl + SNAPSHOT_CALLBACK_PATH),
      reader: createBodyReader(extendAliases(settings.callbacks.aliases)),
      templatesOf: templates.templatesOf,
      // Whatever is stored now comes after its slots were judged.
      captures: storing(createCaptureStore({ database, now, lateEvidenceAfterMs: 0 })),
      forward: {
        targetsOf: forwardTargets(settings),
        sink: {
          accept: async (callback) => {
            queue ??= prepareWorker(database.url).catch((error: unknown) => {
              queue = null;
              throw error;
            });
            await queue;
            await forwards.accept(callback);
          },
        },
      },
    },
    receiveStream: {
      ...trust,
      streamingDomainOf: streamingDomainOf(settings),
      signals: storing(createSignalStore({ database, now })),
    },
  });
}

function storing<T>(store: BatchStore<T>): Sink<T> {
  return {
    async accept(item) {
      const [refused] = await store.write([item], { again: false, timeoutMs: WRITE_TIMEOUT_MS });
      if (refused) throw new RefusedError(refused.reason);
    },
  };
}
