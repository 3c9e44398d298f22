import { fork } from 'node:child_process';
import { once } from 'node:events';
import { openDatabase } from '../../../src/adapters/postgres/database.ts';
import type { AuditorOrder } from '../audit/bench-auditor.ts';
import type { Generated } from '../audit/generated-store.ts';
import { seedAudit } from '../audit/seed-audit.ts';

export interface AuditBeside {
  order: AuditorOrder;
  stop(): Promise<void>;
}

const DOMAIN = 'audited.example.com';
const CREDENTIAL = { accessKeyId: 'LTAI-bench', accessKeySecret: 'secret-of-the-benchmark' };
const INTERVAL_SECONDS = 10;
const SETTLE_SECONDS = 60;
const STREAMS = 100;
const HOUR_MS = 3_600_000;
/** What OSS serves where names are sequential, and what the service keeps to. */
const KEYS_PER_SECOND = 2_000;

/**
 * Prepares an audit that lasts for at least `seconds` at the vendor's pace, on the same database, and OSS in a process of its own. The
 * receiver's process runs it, as `serve` does.
 */
export async function prepareAuditBeside(databaseUrl: string, seconds: number): Promise<AuditBeside> {
  // Several times over: the load takes a while to be put together.
  const perStream = Math.ceil((seconds * KEYS_PER_SECOND * 4) / STREAMS);
  const firstAt = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - (perStream * INTERVAL_SECONDS + 3_600) * 1_000;
  const generated: Generated = { streams: STREAMS, perStream, firstAt, intervalSeconds: INTERVAL_SECONDS };
  const database = openDatabase({ url: databaseUrl, maxConnections: 2 });
  const version = await seedAudit(database, DOMAIN, generated);
  await database.close();
  const oss = fork(new URL('../audit/oss-process.ts', import.meta.url), [
    JSON.stringify({ ...generated, ...CREDENTIAL }),
  ]);
  const [{ url: ossUrl }] = (await once(oss, 'message')) as [{ url: string }];
  return {
    order: {
      databaseUrl,
      ossUrl,
      ...CREDENTIAL,
      domain: DOMAIN,
      version,
      settleSeconds: SETTLE_SECONDS,
      nows: [firstAt + (perStream * INTERVAL_SECONDS + SETTLE_SECONDS) * 1_000],
      keysPerSecond: KEYS_PER_SECOND,
    },
    async stop() {
      oss.disconnect();
      await once(oss, 'exit');
    },
  };
}
