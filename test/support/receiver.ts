import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { type CaptureStore, createCaptureStore } from '../../src/adapters/postgres/capture-store.ts';
import type { Database } from '../../src/adapters/postgres/database.ts';
import { createHeartbeatStore } from '../../src/adapters/postgres/heartbeat-store.ts';
import { createQuarantineStore } from '../../src/adapters/postgres/quarantine-store.ts';
import { createSignalStore } from '../../src/adapters/postgres/signal-store.ts';
import { openSpool } from '../../src/adapters/spool/sqlite-spool.ts';
import { signCallback } from '../../src/core/callback-signature.ts';
import { callbackRoutes } from '../../src/http/callback-routes.ts';
import { healthRoutes } from '../../src/http/health.ts';
import { createHttpServer, type HttpServer } from '../../src/http/server.ts';
import type { BatchStore, ForwardedCallback } from '../../src/ports.ts';
import { createReceiver, type Receiver, type ReceiverParts } from '../../src/usecases/receiver.ts';

export const KEY = 'currentkey0123456789';
export const HOST = 'audit.example.com';

export interface TestReceiver {
  receiver: Receiver;
  captures: CaptureStore;
  server: HttpServer;
  url: string;
  spoolDirectory: string;
  close(): Promise<void>;
}

/** A receiver behind real HTTP on loopback, as compose.ts joins it. */
export async function startTestReceiver(
  database: Database,
  options: Partial<ReceiverParts> & {
    spoolDirectory?: string;
    spoolBytes?: number;
    forwards?: BatchStore<ForwardedCallback>;
  } = {},
): Promise<TestReceiver> {
  const { spoolDirectory: given, spoolBytes, forwards, ...parts } = options;
  const spoolDirectory = given ?? mkdtempSync(path.join(os.tmpdir(), 'snapaudit-spool-'));
  const clock = parts.clock ?? { now: Date.now };
  const now = () => clock.now();
  const captures = createCaptureStore({ database, now, lateEvidenceAfterMs: 48_000 });
  const receiver = createReceiver({
    stores: {
      captures,
      signals: createSignalStore({ database, now }),
      quarantine: createQuarantineStore({ database }),
      heartbeats: createHeartbeatStore({ database }),
      ...(forwards && { forwards }),
    },
    spool: openSpool({ directory: spoolDirectory, maxBytes: spoolBytes ?? 64 * 1024 ** 2, now }),
    clock,
    publicUrl: `https://${HOST}`,
    keys: [{ name: 'current', secret: KEY }],
    clockWindowSeconds: 300,
    aliases: {},
    templatesOf: () => ['snapshot/{AppName}/{StreamName}/{UnixTimestamp}.jpg'],
    streamingDomainOf: (pushDomain) => (pushDomain === 'push.example.com' ? 'play.example.com' : null),
    host: 'test',
    onProblem: () => {},
    ...parts,
  });
  const callbacks = callbackRoutes(receiver);
  const server = createHttpServer({
    direct: callbacks.direct,
    routers: [callbacks.router, healthRoutes(receiver, now)],
    logger: pino({ level: 'silent' }),
  });
  const url = await server.listen({ port: 0, host: '127.0.0.1' });
  await receiver.start();
  return {
    receiver,
    captures,
    server,
    url,
    spoolDirectory,
    async close() {
      await server.close();
      await receiver.close();
      if (given === undefined) rmSync(spoolDirectory, { recursive: true, force: true });
    },
  };
}

/** A request as the vendor would make it. */
export function signedCallback(body: unknown, options: { key?: string; host?: string; at?: number } = {}): RequestInit {
  const timestamp = String(Math.floor((options.at ?? Date.now()) / 1000));
  return {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'ali-live-timestamp': timestamp,
      'ali-live-signature': signCallback(options.host ?? HOST, timestamp, options.key ?? KEY),
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  };
}
