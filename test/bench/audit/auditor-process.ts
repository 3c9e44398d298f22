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
}

export interface AuditorReport {
  outcomes: AuditOutcome[];
  /** Largest resident size of this process after the first audit, as the operating system has it. */
  peakMb: number;
}

/** Audits in a process of its own: its memory is the auditor's and nobody else's. */
const order = JSON.parse(process.argv[2] ?? '') as AuditorOrder;
const database = openDatabase({ url: order.databaseUrl });
const clock = { at: 0, now: () => clock.at };
const { accessKeyId, accessKeySecret } = order;
const buckets = createBuckets({
  credentials: async () => ({ accessKeyId, accessKeySecret }),
  endpoint: order.ossUrl,
  // The vendor's limit of 2,000 keys a second would only make the benchmark wait.
  keysPerSecond: null,
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
const report: AuditorReport = { outcomes: [], peakMb: 0 };
for (const now of order.nows) {
  clock.at = now;
  report.outcomes.push(await audit({ domain: order.domain }));
  report.peakMb ||= process.resourceUsage().maxRSS / 1_024;
}
await buckets.close();
await database.close();
process.send?.(report, () => process.disconnect());
