import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { openDatabase } from '../../../src/adapters/postgres/database.ts';
import type { AuditorOrder } from '../audit/auditor-process.ts';
import type { Generated } from '../audit/generated-store.ts';
import { seedAudit } from '../audit/seed-audit.ts';

export interface AuditBeside {
  /** Ends it; throws where it had ended already, for then nothing was measured beside it. */
  stop(): Promise<void>;
}

const DOMAIN = 'audited.example.com';
const CREDENTIAL = { accessKeyId: 'LTAI-bench', accessKeySecret: 'secret-of-the-benchmark' };
const INTERVAL_SECONDS = 10;
const SETTLE_SECONDS = 60;
const STREAMS = 100;
const HOUR_MS = 3_600_000;
/** More than any machine audits in a second; what is over is not audited. */
const KEYS_PER_SECOND = 30_000;

/** An audit that lasts for `seconds`, on the same database: the auditor and OSS each in a process of its own, as in `bench:audit`. */
export async function startAuditBeside(databaseUrl: string, seconds: number): Promise<AuditBeside> {
  const perStream = Math.ceil((seconds * KEYS_PER_SECOND) / STREAMS);
  const firstAt = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - (perStream * INTERVAL_SECONDS + 3_600) * 1_000;
  const generated: Generated = { streams: STREAMS, perStream, firstAt, intervalSeconds: INTERVAL_SECONDS };
  const database = openDatabase({ url: databaseUrl, maxConnections: 2 });
  const version = await seedAudit(database, DOMAIN, generated);
  await database.close();
  const oss = fork(new URL('../audit/oss-process.ts', import.meta.url), [
    JSON.stringify({ ...generated, ...CREDENTIAL }),
  ]);
  const [{ url: ossUrl }] = (await once(oss, 'message')) as [{ url: string }];
  const order: AuditorOrder = {
    databaseUrl,
    ossUrl,
    ...CREDENTIAL,
    domain: DOMAIN,
    version,
    settleSeconds: SETTLE_SECONDS,
    nows: [firstAt + (perStream * INTERVAL_SECONDS + SETTLE_SECONDS) * 1_000],
  };
  const auditor = fork(new URL('../audit/auditor-process.ts', import.meta.url), [JSON.stringify(order)]);
  return {
    async stop() {
      const wasRunning = await end(auditor);
      await end(oss);
      if (!wasRunning) throw new Error('the audit ended before the load did: the figures beside it mean nothing');
    },
  };
}

async function end(child: ChildProcess): Promise<boolean> {
  if (child.exitCode !== null || child.signalCode !== null) return false;
  child.kill('SIGKILL');
  await once(child, 'exit');
  return true;
}
