import type { Agent as HttpAgent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import OSS from 'ali-oss';
import type { OssEndpoint } from './oss-endpoint.ts';

export interface OssCredentials {
  accessKeyId: string;
  accessKeySecret: string;
  /** Of temporary (STS) credentials. */
  securityToken?: string | undefined;
}

/**
 * What we call of `ali-oss`, as 6.23.0 behaves: @types/ali-oss has no `res.data`, types nullable fields as present, and
 * gives the lifecycle rules a shape of their own.
 */
export interface OssClient {
  /** Writes into both arguments: pass new objects on every call. No undefined, null or '' in the query under V4. */
  listV2(query: Record<string, string | number>, options: Record<string, never>): Promise<RawListResult>;
  head(key: string, options: Record<string, never>): Promise<{ status: number; res: { headers: RawHeaders } }>;
  getBucketLifecycle(
    bucket: string,
    options: Record<string, never>,
  ): Promise<{ rules: RawLifecycleRule[] | null; res: { data?: Buffer | string } }>;
  signatureUrlV4(method: 'GET', seconds: number, request: undefined, key: string): Promise<string>;
}

export type RawHeaders = Record<string, string | string[] | undefined>;

export interface RawListResult {
  objects: Array<{ name: unknown; lastModified: unknown; size: unknown }>;
  isTruncated: boolean;
  /** NaN where the server sent none. */
  keyCount: number;
  nextContinuationToken: string | null;
  res: { data?: Buffer | string };
}

export interface RawLifecycleRule {
  prefix?: unknown;
  status?: unknown;
  expiration?: { days?: unknown };
  tag?: unknown;
}

interface OssOptions extends OSS.Options {
  sldEnable: boolean;
  retryMax: number;
  agent: HttpAgent;
  httpsAgent: HttpsAgent;
}

/** Throws a plain `Error` for a bucket name that OSS does not allow. One client per bucket: never `useBucket`. */
export function createOssClient(
  bucket: string,
  endpoint: OssEndpoint,
  credentials: OssCredentials,
  transport: { timeoutMs: number; agent: HttpAgent; httpsAgent: HttpsAgent },
): OssClient {
  const options: OssOptions = {
    accessKeyId: credentials.accessKeyId,
    accessKeySecret: credentials.accessKeySecret,
    bucket,
    // Both are needed: `endpoint` is the address, `region` signs. Every default here is unsafe or outdated.
    endpoint: endpoint.url,
    region: `oss-${endpoint.region}`,
    secure: endpoint.url.startsWith('https:'),
    authorizationV4: true,
    sldEnable: endpoint.pathStyle,
    timeout: transport.timeoutMs,
    // Repeats neither 5xx nor throttling nor timeouts; we retry ourselves.
    retryMax: 0,
    agent: transport.agent,
    httpsAgent: transport.httpsAgent,
  };
  if (credentials.securityToken !== undefined) {
    options.stsToken = credentials.securityToken;
    // Its own refresh hands out old keys while it runs; we build a new client instead. The interval silences its warning.
    options.refreshSTSTokenInterval = Number.MAX_SAFE_INTEGER;
  }
  return new OSS(options) as unknown as OssClient;
}
