import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { authenticate } from './authenticate.ts';
import { OSS_REQUEST_KINDS, type OssFaultMode, OssFaults, type OssRequestKind } from './faults.ts';
import { listObjects, pageStart, readListQuery, renderListPage, tokenAfter } from './list-objects.ts';
import { locate, type RequestTarget } from './locate.ts';
import { deleteObject, getObject, headObject, putObject, requireValidKey } from './object-operations.ts';
import { MemoryObjectStore, type ObjectStore } from './object-store.ts';
import { type FailureContext, failureAnswer, faultAnswer, type OssAnswer, send, xmlAnswer } from './oss-answer.ts';
import { OssFailure } from './oss-failure.ts';
import type { Credential } from './signed-request.ts';
import { renderXml } from './xml.ts';

const MAX_BODY_BYTES = 64 * 1024 * 1024;

export interface SandboxLifecycleRule {
  id: string;
  prefix: string;
  enabled: boolean;
  days: number;
}

export interface SandboxBucket {
  name: string;
  /** The only region whose V4 signatures it takes, e.g. `cn-shanghai`. */
  region: string;
  store: ObjectStore;
  lifecycle: SandboxLifecycleRule[];
}

export interface OssServerOptions {
  /** 0 or absent: any free port. */
  port?: number;
  credentials: Credential[];
  /** A name alone means region `cn-shanghai`, an empty store in memory and no lifecycle rules. */
  buckets: Array<string | (Partial<SandboxBucket> & { name: string })>;
  /** What the stand-in holds for the time; signatures and LastModified go by it. */
  clock?: () => number;
  faults?: OssFaults;
  /** Keys a second that one bucket serves before it answers 503 PartitionQpsLimitted; no limit when absent. */
  keysPerSecond?: number | undefined;
  /** Sees every request before it is answered; `url` is path and query. */
  onRequest?: (request: { method: string; url: string; headers: IncomingMessage['headers'] }) => void;
}

export type OssServerStats = Record<OssRequestKind, number> & {
  requests: number;
  keysListed: number;
  throttled: number;
};

export interface OssServer {
  /** For `ali-oss` with `sldEnable: true`; e.g. `http://localhost:39123`. */
  url: string;
  port: number;
  faults: OssFaults;
  /** Throws where there is no such bucket. */
  bucket(name: string): SandboxBucket;
  store(name: string): ObjectStore;
  addBucket(bucket: string | (Partial<SandboxBucket> & { name: string })): SandboxBucket;
  /** As if its owner had deleted it. */
  removeBucket(name: string): void;
  setCredentials(credentials: Credential[]): void;
  stats(): OssServerStats;
  close(): Promise<void>;
}

/** An OSS endpoint on loopback that checks signatures, keeps objects and fails on demand. */
export async function startOssServer(options: OssServerOptions): Promise<OssServer> {
  const clock = options.clock ?? Date.now;
  const faults = options.faults ?? new OssFaults();
  const buckets = new Map<string, SandboxBucket>();
  const stats = emptyStats();
  const spent = new Map<string, { second: number; keys: number }>();
  let credentials = options.credentials;

  const addBucket: OssServer['addBucket'] = (given) => {
    const bucket = { ...DEFAULT_BUCKET, ...(typeof given === 'string' ? { name: given } : given) };
    const complete = { ...bucket, store: bucket.store ?? new MemoryObjectStore(), lifecycle: bucket.lifecycle ?? [] };
    buckets.set(complete.name, complete);
    return complete;
  };
  for (const bucket of options.buckets) addBucket(bucket);

  /** Counts keys against the limit of the current second of real time, whatever the stand-in's clock says. */
  function spendKeys(bucket: string, keys: number): void {
    if (options.keysPerSecond === undefined) return;
    const second = Math.floor(performance.now() / 1000);
    const before = spent.get(bucket);
    const used = before?.second === second ? before.keys : 0;
    if (used > 0 && used + keys > options.keysPerSecond) {
      stats.throttled += 1;
      throw new OssFailure('PartitionQpsLimitted', 'Please reduce your request rate on this partition.');
    }
    spent.set(bucket, { second, keys: used + keys });
  }

  function answerList(bucket: SandboxBucket, target: RequestTarget, fault: OssFaultMode | null): OssAnswer {
    const query = readListQuery(new Map(target.query));
    const page = listObjects(bucket.store, query);
    const keys = page.contents.length + page.commonPrefixes.length;
    spendKeys(bucket.name, page.contents.length);
    stats.keysListed += page.contents.length;
    const answer = {
      isTruncated: page.nextToken !== null || fault === 'truncated-without-token' || fault === 'repeated-token',
      nextToken: page.nextToken,
      keyCount: fault === 'no-key-count' ? undefined : keys,
    };
    if (fault === 'truncated-without-token') answer.nextToken = null;
    if (fault === 'repeated-token') answer.nextToken = query.continuationToken ?? tokenAfter(pageStart(query));
    return xmlAnswer(renderListPage(bucket.name, query, page, answer));
  }

  async function answer(
    request: IncomingMessage,
    target: RequestTarget,
    fault: OssFaultMode | null,
  ): Promise<OssAnswer> {
    const headers = flatten(request);
    const bucket = target.bucket === null ? undefined : buckets.get(target.bucket);
    const signed = { ...target, method: request.method ?? '', headers };
    authenticate(signed, { credentials, region: bucket?.region ?? null, now: clock() });
    if (target.bucket === null) throw new OssFailure('NotImplemented', 'The stand-in has no service requests.');
    if (!bucket) {
      throw new OssFailure('NoSuchBucket', 'The specified bucket does not exist.', { BucketName: target.bucket });
    }
    if (target.key !== '') requireValidKey(target.key);
    switch (target.kind) {
      case 'list':
        return answerList(bucket, target, fault);
      case 'lifecycle':
        return answerLifecycle(bucket);
      case 'head':
        spendKeys(bucket.name, 1);
        return headObject(bucket.store, target.key);
      case 'get':
        spendKeys(bucket.name, 1);
        return getObject(bucket.store, target.key, headers.range);
      case 'put': {
        const body = await readBody(request);
        spendKeys(bucket.name, 1);
        return putObject(bucket.store, target.key, headers, body, clock());
      }
      case 'delete':
        return deleteObject(bucket.store, target.key);
      case 'other':
        throw new OssFailure('NotImplemented', 'The stand-in does not implement this request.');
      default: {
        const never: never = target.kind;
        throw new Error(`unknown kind ${never}`);
      }
    }
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = randomBytes(12).toString('hex').toUpperCase();
    const host = request.headers.host ?? '';
    const context: FailureContext = { requestId, host, isHead: request.method === 'HEAD' };
    let fault: OssFaultMode | null = null;
    let reply: OssAnswer;
    options.onRequest?.({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
    try {
      const target = locate(request.method ?? '', request.url ?? '/', host, (name) => buckets.has(name));
      stats.requests += 1;
      stats[target.kind] += 1;
      fault = faults.take(target.kind, target.bucket);
      if (fault === 'timeout') return;
      if (fault === 'reset') {
        request.socket.resetAndDestroy();
        return;
      }
      reply = (fault && faultAnswer(fault, context)) || (await answer(request, target, fault));
    } catch (error) {
      const failure =
        error instanceof OssFailure ? error : new OssFailure('InternalError', 'We encountered an internal error.');
      reply = failureAnswer(failure, context);
    }
    request.resume();
    send(response, reply, { requestId, now: clock(), fault });
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;

  const bucket = (name: string): SandboxBucket => {
    const found = buckets.get(name);
    if (!found) throw new Error(`the OSS sandbox has no bucket ${name}`);
    return found;
  };

  return {
    url: `http://localhost:${port}`,
    port,
    faults,
    bucket,
    store: (name) => bucket(name).store,
    addBucket,
    removeBucket: (name) => void buckets.delete(name),
    setCredentials: (next) => {
      credentials = next;
    },
    stats: () => ({ ...stats }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const DEFAULT_BUCKET: { region: string; store?: ObjectStore; lifecycle?: SandboxLifecycleRule[] } = {
  region: 'cn-shanghai',
};

function emptyStats(): OssServerStats {
  const byKind = Object.fromEntries(OSS_REQUEST_KINDS.map((kind) => [kind, 0])) as Record<OssRequestKind, number>;
  return { ...byKind, requests: 0, keysListed: 0, throttled: 0 };
}

function answerLifecycle(bucket: SandboxBucket): OssAnswer {
  if (bucket.lifecycle.length === 0) {
    throw new OssFailure('NoSuchLifecycle', 'No Row found in Lifecycle Table.', { BucketName: bucket.name });
  }
  return xmlAnswer(
    renderXml('LifecycleConfiguration', {
      Rule: bucket.lifecycle.map((rule) => ({
        ID: rule.id,
        Prefix: rule.prefix,
        Status: rule.enabled ? 'Enabled' : 'Disabled',
        Expiration: { Days: rule.days },
      })),
    }),
  );
}

/** Lower-case names, one text each; a repeated header is joined as HTTP has it. */
function flatten(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_BODY_BYTES) throw new OssFailure('EntityTooLarge', 'Your proposed upload is too large.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
