import { defaultCredential, type LiveCredential, staticCredential } from '../adapters/live/credential.ts';
import { createLiveApi } from '../adapters/live/live-api.ts';
import { localCallBudget } from '../adapters/live/local-call-budget.ts';
import { createBuckets } from '../adapters/oss/create-buckets.ts';
import { createCallSlots } from '../adapters/postgres/call-slots.ts';
import type { Database } from '../adapters/postgres/database.ts';
import type { Config } from '../config/env.ts';
import type { Buckets, LiveApi } from '../ports.ts';

export interface AccessKey {
  accessKeyId: string;
  accessKeySecret: string;
}

export interface Vendor {
  live: LiveApi;
  buckets: Buckets;
  credential: LiveCredential;
  close(): Promise<void>;
}

interface WarningLog {
  warn(details: object, message: string): void;
}

/** The vendor's two clients, on one credential: the default chain's, or the given key's (the sandbox). */
export function createVendor(
  config: Pick<Config, 'liveEndpoint' | 'ossEndpoint'>,
  parts: {
    /** Shares the vendor's rate limits between replicas; null: this process alone. */
    database: Database | null;
    accessKey?: AccessKey | undefined;
    patience?: { timeoutMs: number; retries: number } | undefined;
    logger?: WarningLog;
    onLiveCall?: (call: { action: string; outcome: string; durationMs: number }) => void;
  },
): Vendor {
  const credential = parts.accessKey ? staticCredential(parts.accessKey) : defaultCredential();
  const local = localCallBudget();
  const live = createLiveApi({
    credential,
    budget: parts.database ? createCallSlots(parts.database.db, local) : local,
    ...parts.patience,
    ...(config.liveEndpoint && { endpoint: config.liveEndpoint }),
    ...(parts.logger && { logger: parts.logger }),
    ...(parts.onLiveCall && { onCall: parts.onLiveCall }),
  });
  const buckets = createBuckets({
    credentials: async () => {
      const { accessKeyId, accessKeySecret, securityToken } = await credential.getCredential();
      return {
        accessKeyId: accessKeyId ?? '',
        accessKeySecret: accessKeySecret ?? '',
        ...(securityToken && { securityToken }),
      };
    },
    ...parts.patience,
    endpoint: config.ossEndpoint,
    ...(parts.logger && { logger: parts.logger }),
  });
  return {
    live,
    buckets,
    credential,
    async close() {
      await live.close();
      await buckets.close();
    },
  };
}
