import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { type Bucket, type Buckets, CouldNotLookError } from '../../ports.ts';
import { KeyLimiter } from './key-limiter.ts';
import { OssBucket, type OssCall } from './oss-bucket.ts';
import { createOssClient, type OssClient, type OssCredentials } from './oss-client.ts';
import { type OssEndpoint, readOssEndpoint } from './oss-endpoint.ts';

export interface BucketsOptions {
  /** Asked before every call: temporary credentials are refreshed by their source, and a new client is built for them. */
  credentials: () => Promise<OssCredentials>;
  /** SNAPAUDIT_OSS_ENDPOINT: another address for every bucket, e.g. `http://localhost:9000`, in path style. */
  endpoint?: string | null;
  /** For a whole answer (default 10,000). */
  timeoutMs?: number;
  /** How often a failure that may pass is tried again (default 4). */
  retries?: number;
  /** First pause before trying again; it doubles, with jitter (default 300). */
  retryPauseMs?: number;
  /** Per bucket (default 2,000, the vendor's limit for sequential names); null for no limit. */
  keysPerSecond?: number | null;
  logger?: { warn(fields: Record<string, unknown>, message: string): void };
  /** After every request to OSS, for metrics. */
  onCall?: (call: OssCall) => void;
}

const DEFAULTS = { timeoutMs: 10_000, retries: 4, retryPauseMs: 300, keysPerSecond: 2000 };
const MAX_SOCKETS = 32;
const UNLIMITED: Pick<KeyLimiter, 'run'> = { run: async (_atMost, work) => (await work()).value };

/** OSS behind the `Buckets` port. Nothing is asked of OSS before the first call on a bucket. */
export function createBuckets(options: BucketsOptions): Buckets {
  const settings = { ...DEFAULTS, ...options };
  // Own agents: the ones that ali-oss shares cannot be closed, and its maxSockets leaks to every other client.
  const agent = new HttpAgent({ keepAlive: true, maxSockets: MAX_SOCKETS });
  const httpsAgent = new HttpsAgent({ keepAlive: true, maxSockets: MAX_SOCKETS });
  const transport = { timeoutMs: settings.timeoutMs, agent, httpsAgent };
  const opened = new Map<string, Bucket>();
  const limiters = new Map<string, KeyLimiter>();
  const counters = { list: 0, head: 0, keys: 0 };
  let closed = false;

  async function pace<T>(bucket: string, atMost: number, work: () => Promise<{ value: T; keys: number }>): Promise<T> {
    try {
      return await limiterOf(bucket).run(atMost, work);
    } catch (error) {
      // Whatever it says, a call that we cut off ourselves tells nothing about OSS.
      if (closed) throw closedError(bucket);
      throw error;
    }
  }

  function limiterOf(bucket: string): Pick<KeyLimiter, 'run'> {
    if (settings.keysPerSecond === null) return UNLIMITED;
    if (closed) throw closedError(bucket);
    const limiter = limiters.get(bucket) ?? new KeyLimiter(settings.keysPerSecond);
    limiters.set(bucket, limiter);
    return limiter;
  }

  function onCall(call: OssCall): void {
    if (call.kind !== 'lifecycle') counters[call.kind] += 1;
    if (call.kind === 'list') counters.keys += call.keys;
    settings.onCall?.(call);
  }

  function open(name: string, endpointText: string): Bucket {
    const endpoint = readOssEndpoint(endpointText, settings.endpoint);
    let current: { credentials: OssCredentials; client: OssClient } | null = null;

    async function client(): Promise<OssClient> {
      if (closed) throw closedError(name);
      if (!endpoint) throw badEndpointError(name, endpointText);
      const credentials = await readCredentials(settings.credentials, name);
      if (current === null || !sameCredentials(current.credentials, credentials)) {
        current = { credentials, client: buildClient(name, endpoint, credentials, transport) };
      }
      return current.client;
    }

    return new OssBucket(name, {
      where: endpoint?.url ?? endpointText,
      timeoutMs: settings.timeoutMs,
      retries: settings.retries,
      retryPauseMs: settings.retryPauseMs,
      client,
      pace: (atMost, work) => pace(name, atMost, work),
      onCall,
      onRetry: (failure, attemptNumber) =>
        settings.logger?.warn({ bucket: name, reason: failure.reason, attemptNumber }, failure.message),
    });
  }

  return {
    open(name, endpoint) {
      const id = JSON.stringify([name, endpoint]);
      const known = opened.get(id) ?? open(name, endpoint);
      opened.set(id, known);
      return known;
    },
    calls: () => ({ ...counters }),
    async close() {
      closed = true;
      agent.destroy();
      httpsAgent.destroy();
      const open = [...limiters.values()];
      limiters.clear();
      await Promise.all(open.map((limiter) => limiter.close()));
    },
  };
}

function buildClient(
  bucket: string,
  endpoint: OssEndpoint,
  credentials: OssCredentials,
  transport: Parameters<typeof createOssClient>[3],
): OssClient {
  try {
    return createOssClient(bucket, endpoint, credentials, transport);
  } catch {
    throw new CouldNotLookError(
      `Bucket "${bucket}" cannot be asked for: its name or the credentials are not valid; a name has 3 to 63 lower-case letters, digits and dashes.`,
      { reason: 'bad-bucket-name', transient: false },
    );
  }
}

/** What the source threw is dropped: some sources quote the answer that they could not use, and with it the secret. */
async function readCredentials(source: () => Promise<OssCredentials>, bucket: string): Promise<OssCredentials> {
  try {
    return await source();
  } catch (error) {
    if (error instanceof CouldNotLookError) throw error;
    throw new CouldNotLookError(
      `Bucket "${bucket}" cannot be asked: no credentials could be had; set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or check the role of this machine.`,
      { reason: 'no-credentials', transient: true },
    );
  }
}

function badEndpointError(bucket: string, endpoint: string): CouldNotLookError {
  return new CouldNotLookError(
    `Bucket "${bucket}" cannot be asked: its endpoint "${endpoint}" names no region; give the regional one, such as oss-cn-shanghai.aliyuncs.com.`,
    { reason: 'bad-endpoint', transient: false },
  );
}

function closedError(bucket: string): CouldNotLookError {
  return new CouldNotLookError(`Bucket "${bucket}" was not asked: the service is shutting down.`, {
    reason: 'closed',
    transient: false,
  });
}

function sameCredentials(a: OssCredentials, b: OssCredentials): boolean {
  return (
    a.accessKeyId === b.accessKeyId && a.accessKeySecret === b.accessKeySecret && a.securityToken === b.securityToken
  );
}
