import { createBuckets } from '../../../src/adapters/oss/create-buckets.ts';
import { createAuditStore } from '../../../src/adapters/postgres/audit-store.ts';
import { createCaptureStore } from '../../../src/adapters/postgres/capture-store.ts';
import { openDatabase } from '../../../src/adapters/postgres/database.ts';
import { createExcusedStore } from '../../../src/adapters/postgres/excused-store.ts';
import { createSessionStore } from '../../../src/adapters/postgres/session-store.ts';
import type { ConfigVersion } from '../../../src/core/config-version.ts';
import type { LiveApi } from '../../../src/ports.ts';
import { type AuditOutcome, createAuditor } from '../../../src/usecases/audit-window.ts';

export interface AuditorOrder {
  databaseUrl: string;
  ossUrl: string;
  accessKeyId: string;
  accessKeySecret: string;
  domain: string;
  version: ConfigVersion;
  settleSeconds: number;
  /** The audits to run, one after the other: what the clock says at each. */
  nows: number[];
  /** Null: as fast as it goes, where waiting for the vendor's limit would be all that is measured. */
  keysPerSecond: number | null;
}

export interface BenchAuditor {
  audit(now: number): Promise<AuditOutcome>;
  close(): Promise<void>;
}

/** The auditor of the service, over a vendor who has no third witness to be asked. */
export function createBenchAuditor(order: AuditorOrder): BenchAuditor {
  const database = openDatabase({ url: order.databaseUrl });
  const clock = { at: 0, now: () => clock.at };
  const { accessKeyId, accessKeySecret } = order;
  const buckets = createBuckets({
    credentials: async () => ({ accessKeyId, accessKeySecret }),
    endpoint: order.ossUrl,
    keysPerSecond: order.keysPerSecond,
  });
  const audit = createAuditor({
    clock,
    buckets,
    // No two witnesses disagree here, so that the third one is never asked: any call would throw.
    live: {} as LiveApi,
    audits: createAuditStore(database),
    sessions: createSessionStore(database),
    captures: createCaptureStore({ database, now: clock.now, lateEvidenceAfterMs: 60_000 }),
    excused: createExcusedStore(database),
    configVersions: async () => [order.version],
    settleSeconds: order.settleSeconds,
    lateAfterSeconds: 30,
    callbackUrl: order.version.callback,
  });
  return {
    audit(now) {
      clock.at = now;
      return audit({ domain: order.domain });
    },
    async close() {
      await buckets.close();
      await database.close();
    },
  };
}
