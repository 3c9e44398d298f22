import { createBuckets } from '../../src/adapters/oss/create-buckets.ts';
import { createOperatorLog } from '../../src/adapters/postgres/operator-log.ts';
import { createTokenStore } from '../../src/adapters/postgres/token-store.ts';
import type { QueryHandle } from '../../src/cli/query-handle.ts';
import { composeQuarantine } from '../../src/compose/quarantine.ts';
import { composeHistory } from '../../src/compose/queries.ts';
import { settingsSchema } from '../../src/config/settings.ts';
import type { Instant } from '../../src/core/instant.ts';
import type { QuarantineControl } from '../../src/usecases/control-quarantine.ts';
import { manageTokens } from '../../src/usecases/manage-tokens.ts';
import type { TestDatabase } from './database.ts';

const SETTINGS = settingsSchema.parse({
  domains: [
    {
      domain: 'play.example.com',
      apps: [
        {
          app: 'live',
          interval: '10s',
          bucket: 'bucket-a',
          endpoint: 'oss-cn-shanghai.aliyuncs.com',
          sequenceObject: 'snapshot/{AppName}/{StreamName}/{UnixTimestamp}.jpg',
        },
      ],
    },
  ],
});

/** What the query commands work with, over a test database at a time that stands still; `close` leaves the database open. */
export function createTestQueryHandle(database: TestDatabase, now: Instant): () => Promise<QueryHandle> {
  const clock = { now: () => now };
  // Signing a URL calls nobody.
  const buckets = createBuckets({ credentials: async () => ({ accessKeyId: 'id', accessKeySecret: 'secret' }) });
  const history = composeHistory({ database, asking: database, clock, buckets });
  return async () => ({
    ...history,
    tokens: manageTokens({ store: createTokenStore(database), clock }),
    operatorLog: createOperatorLog(database),
    openQuarantine: async () => createTestQuarantine(database),
    close: async () => {},
  });
}

/** Without keys, so that every kept request counts as unsigned. */
export function createTestQuarantine(database: TestDatabase): QuarantineControl {
  return composeQuarantine({
    database,
    settings: SETTINGS,
    secrets: { callbackKey: null, callbackKeyPrevious: null },
    publicUrl: 'https://audit.example.com',
  });
}
