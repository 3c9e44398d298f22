import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type VendorCredential, verifyAcs3 } from './acs3-signature.ts';
import { createCallBuckets } from './call-buckets.ts';
import type { ActionContext, Answer, CallbackRemoval } from './live-action.ts';
import { LIVE_ACTIONS } from './live-actions.ts';
import { createLiveFaults, type LiveFault, type LiveFaults } from './live-faults.ts';
import { VendorRefusal } from './vendor-refusal.ts';
import type { VendorState } from './vendor-state.ts';

const VERSION = '2016-11-01';

export interface LiveServerOptions {
  /** 0 or absent: a free port. */
  port?: number;
  host?: string;
  credentials: VendorCredential[];
  state: VendorState;
  /** Time of the stand-in's wall clock, for signatures and rate limits; the state has its own. */
  clock?: { now(): number };
  faults?: LiveFaults;
  /** Default: every bucket exists. */
  bucketExists?: (bucket: string) => boolean;
  callbackRemoval?: CallbackRemoval;
  /** Off where a benchmark wants no throttling. Default true. */
  rateLimited?: boolean;
}

export interface LiveStats {
  /** Calls that arrived, by action, faults and refusals included. */
  calls: Record<string, number>;
  /** Refused calls by code. */
  refused: Record<string, number>;
}

export interface LiveServer {
  /** `http://127.0.0.1:PORT`. */
  url: string;
  port: number;
  faults: LiveFaults;
  stats(): LiveStats;
  close(): Promise<void>;
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function singleHeaders(request: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(',') : (value ?? ''),
    ]),
  );
}

const THROTTLED = () => new VendorRefusal(400, 'Throttling.User', 'Request was denied due to user flow control.');

/** The vendor's Live OpenAPI on loopback: signatures, parameter rules, paging, error codes and limits of reference/live-api.md. */
export async function startLiveServer(options: LiveServerOptions): Promise<LiveServer> {
  const now = () => options.clock?.now() ?? Date.now();
  const faults = options.faults ?? createLiveFaults();
  const buckets = createCallBuckets(now);
  const stats: LiveStats = { calls: {}, refused: {} };
  const nonces = new Set<string>();
  const context: ActionContext = {
    state: options.state,
    bucketExists: options.bucketExists ?? (() => true),
    callbackRemoval: options.callbackRemoval ?? 'removed',
  };

  function answer(actionName: string, request: IncomingMessage, body: Buffer): Answer {
    const url = new URL(request.url ?? '/', 'http://vendor');
    const headers = singleHeaders(request);
    verifyAcs3(
      { method: request.method ?? '', pathname: url.pathname, query: url.searchParams, headers, body },
      options.credentials,
      now(),
    );
    const nonce = headers['x-acs-signature-nonce'] ?? '';
    if (nonces.has(nonce)) {
      throw new VendorRefusal(400, 'SignatureNonceUsed', 'Specified signature nonce was used already.');
    }
    nonces.add(nonce);
    if (nonces.size > 100_000) nonces.clear();
    const action = LIVE_ACTIONS.get(actionName);
    if (!action || headers['x-acs-version'] !== VERSION) {
      throw new VendorRefusal(404, 'InvalidAction.NotFound', 'Specified api is not found.');
    }
    if (options.rateLimited !== false && action.callsPerSecond !== null) {
      if (!buckets.take(actionName, action.callsPerSecond)) throw THROTTLED();
    }
    return action.run(Object.fromEntries(url.searchParams), context);
  }

  /** True when the fault has settled what goes back to the caller. */
  function showFault(fault: LiveFault, run: () => Answer, response: ServerResponse): boolean {
    switch (fault.mode) {
      case '500-json':
        throw new VendorRefusal(500, 'InternalError', 'The request processing has failed due to some unknown error.');
      case 'throttle':
        throw THROTTLED();
      case 'code':
        throw new VendorRefusal(fault.status ?? 400, fault.code ?? 'MalformedParam', 'Refused on purpose.');
      case '503-html':
        response
          .writeHead(503, { 'content-type': 'text/html' })
          .end('<html><body>503 Service Unavailable</body></html>');
        return true;
      case 'non-json-200':
        response.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>Welcome</body></html>');
        return true;
      case 'timeout':
        return true;
      case 'timeout-after-effect':
        run();
        return true;
      case 'reset':
        response.socket?.resetAndDestroy();
        return true;
      default:
        throw new Error(`unknown fault ${String(fault.mode satisfies never)}`);
    }
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    const actionName = String(request.headers['x-acs-action'] ?? '');
    stats.calls[actionName] = (stats.calls[actionName] ?? 0) + 1;
    const RequestId = randomUUID().toUpperCase();
    const send = (status: number, content: Answer) =>
      response
        .writeHead(status, { 'content-type': 'application/json;charset=utf-8', date: new Date(now()).toUTCString() })
        .end(JSON.stringify(content));
    try {
      const run = () => answer(actionName, request, body);
      const fault = faults.strike(actionName);
      if (fault && showFault(fault, run, response)) return;
      send(200, { RequestId, ...run() });
    } catch (error) {
      if (!(error instanceof VendorRefusal)) throw error;
      stats.refused[error.code] = (stats.refused[error.code] ?? 0) + 1;
      send(error.status, { RequestId, HostId: 'live.aliyuncs.com', Code: error.code, Message: error.message });
    }
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, options.host ?? '127.0.0.1', () => resolve());
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${options.host ?? '127.0.0.1'}:${port}`,
    port,
    faults,
    stats: () => structuredClone(stats),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
