import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import express, { type Express } from 'express';
import { pino } from 'pino';
import { createCaptureStore } from '../../../src/adapters/postgres/capture-store.ts';
import { openDatabase } from '../../../src/adapters/postgres/database.ts';
import { createHeartbeatStore } from '../../../src/adapters/postgres/heartbeat-store.ts';
import { createMetricsSource } from '../../../src/adapters/postgres/metrics-source.ts';
import { createQuarantineStore } from '../../../src/adapters/postgres/quarantine-store.ts';
import { createSignalStore } from '../../../src/adapters/postgres/signal-store.ts';
import { timestamp } from '../../../src/adapters/postgres/timestamp.ts';
import { openSpool } from '../../../src/adapters/spool/sqlite-spool.ts';
import { checkSignature, signedHostsOf } from '../../../src/core/callback-signature.ts';
import { callbackRoutes } from '../../../src/http/callback-routes.ts';
import { healthRoutes } from '../../../src/http/health.ts';
import { createMetrics } from '../../../src/http/metrics.ts';
import { createHttpServer } from '../../../src/http/server.ts';
import { createReceiver } from '../../../src/usecases/receiver.ts';
import { type AuditorOrder, createBenchAuditor } from '../audit/bench-auditor.ts';
import { KEY, PUBLIC_URL, TEMPLATE } from './load-shape.ts';

/** The three servers that are compared; each runs in a process of its own and tells its URL to the parent. */
type Mode = 'bare-express' | 'plain-insert' | 'snapaudit';

const [mode, databaseUrl, auditOrder] = process.argv.slice(2) as [Mode, string, string?];
const keys = [{ name: 'current', secret: KEY }] as const;
const hosts = signedHostsOf(PUBLIC_URL);

const { url, close } = await start();
process.send?.({ url });
// A parent that is gone takes us with it.
process.once('disconnect', () => process.exit());
let auditRuns = auditOrder !== undefined;
if (auditOrder) {
  const order = JSON.parse(auditOrder) as AuditorOrder;
  // In the receiver's process, as jobs are in `serve`.
  createBenchAuditor(order)
    .audit(order.nows[0]!)
    .finally(() => {
      auditRuns = false;
    });
}
process.once('message', async () => {
  const auditRan = auditRuns;
  await close();
  // An audit that is under way ends with the process.
  process.send?.({ auditRan }, () => process.exit());
});

async function start(): Promise<{ url: string; close(): Promise<void> }> {
  switch (mode) {
    case 'bare-express':
      return listen(
        plainApp(async () => {}),
        async () => {},
      );
    case 'plain-insert': {
      const database = openDatabase({ url: databaseUrl });
      const db = database.db.withTables<{ plain_captures: PlainCapture }>();
      const app = plainApp(async (body) => {
        await db
          .insertInto('plain_captures')
          .values({
            domain: body.DomainName!,
            app: body.AppName!,
            stream: body.StreamName!,
            bucket: body.OssBucket!,
            endpoint: body.OssEndpoint!,
            object: body.OssObject!,
            received_at: timestamp(Date.now()),
          })
          .onConflict((conflict) => conflict.columns(['bucket', 'object']).doNothing())
          .execute();
      });
      return listen(app, () => database.close());
    }
    case 'snapaudit': {
      const database = openDatabase({ url: databaseUrl, maxConnections: 6 });
      const directory = mkdtempSync(path.join(os.tmpdir(), 'snapaudit-bench-spool-'));
      const now = Date.now;
      const receiver = createReceiver({
        stores: {
          captures: createCaptureStore({ database, now, lateEvidenceAfterMs: 48_000 }),
          signals: createSignalStore({ database, now }),
          quarantine: createQuarantineStore({ database }),
          heartbeats: createHeartbeatStore({ database }),
        },
        spool: openSpool({ directory, maxBytes: 64 * 1024 ** 2, now }),
        clock: { now },
        publicUrl: PUBLIC_URL,
        keys,
        clockWindowSeconds: 300,
        aliases: {},
        templatesOf: () => [TEMPLATE],
        streamingDomainOf: () => null,
        host: 'bench',
        onProblem: (message, error) => process.stderr.write(`${message}: ${String(error)}\n`),
      });
      // Counted and timed as in `serve`.
      const metrics = createMetrics({
        source: createMetricsSource(database, []),
        clock: { now },
        version: 'bench',
        channels: [],
      });
      const callbacks = callbackRoutes(receiver, { onAnswered: metrics.callbackAnswered });
      const server = createHttpServer({
        direct: callbacks.direct,
        routers: [callbacks.router, healthRoutes(receiver, now)],
        logger: pino({ level: 'warn' }, pino.destination(2)),
      });
      const url = await server.listen({ port: 0, host: '127.0.0.1' });
      await receiver.start();
      return {
        url,
        async close() {
          await server.close();
          const { batches, batchedItems } = receiver.state();
          if (process.env.BENCH_VERBOSE)
            process.stderr.write(`${(batchedItems / batches).toFixed(1)} callbacks a batch\n`);
          await receiver.close();
          await database.close();
          rmSync(directory, { recursive: true, force: true });
        },
      };
    }
    default:
      throw new Error(`no such server: ${mode satisfies never}`);
  }
}

interface PlainCapture {
  domain: string;
  app: string;
  stream: string;
  bucket: string;
  endpoint: string;
  object: string;
  received_at: number;
}

/** An Express 5 route as most people would write it: parse, check the signature, do one thing, answer. */
function plainApp(store: (body: Record<string, string>) => Promise<void>): Express {
  const app = express();
  app.post('/callbacks/snapshot', express.json(), async (request, response) => {
    const check = checkSignature({
      timestamp: request.header('ali-live-timestamp'),
      signature: request.header('ali-live-signature'),
      hosts,
      keys,
      now: Date.now(),
      clockWindowSeconds: 300,
    });
    if (check.outcome === 'rejected') {
      response.status(401).json({ error: check.problem });
      return;
    }
    await store(request.body as Record<string, string>);
    response.json({ status: 'stored' });
  });
  return app;
}

function listen(app: Express, closeStore: () => Promise<void>): Promise<{ url: string; close(): Promise<void> }> {
  return new Promise((resolve) => {
    const server = app.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      resolve({
        url: `http://127.0.0.1:${port}`,
        close: async () => {
          server.closeAllConnections();
          await new Promise((done) => server.close(done));
          await closeStore();
        },
      });
    });
  });
}
