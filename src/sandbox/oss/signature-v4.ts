/** OSS signature version 4, as reference/oss.md section 3 gives it (checked there against ali-oss and the Go SDK). */
import { createHash, createHmac } from 'node:crypto';
import type { SignedRequest } from './signed-request.ts';

export const V4_ALGORITHM = 'OSS4-HMAC-SHA256';
export const V4_MAX_URL_SECONDS = 604_800;

export interface V4Scope {
  /** `yyyymmddThhmmssZ`. */
  timestamp: string;
  /** Without `oss-`, e.g. `cn-hangzhou`. */
  region: string;
  /** Lower-case, as the client listed them. */
  additionalHeaders: readonly string[];
}

/** Percent-encodes by UTF-8 byte all but `A-Za-z0-9-._~`. */
function encodeStrict(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function canonicalQuery(request: SignedRequest): string {
  return request.query
    .filter(([name]) => name !== 'x-oss-signature')
    .map(([name, value]) => [encodeStrict(name), encodeStrict(value)] as const)
    .sort(([nameOfA, valueOfA], [nameOfB, valueOfB]) => compare(nameOfA, nameOfB) || compare(valueOfA, valueOfB))
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
    .join('&');
}

// Both sides are percent-encoded ASCII, so the order of code units is the order of bytes.
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function canonicalHeaders(request: SignedRequest, additionalHeaders: readonly string[]): string {
  const extra = new Set(additionalHeaders);
  return Object.keys(request.headers)
    .filter((name) => name.startsWith('x-oss-') || name === 'content-type' || name === 'content-md5' || extra.has(name))
    .sort(compare)
    .map((name) => `${name}:${request.headers[name]?.trim()}\n`)
    .join('');
}

export function canonicalRequestV4(request: SignedRequest, additionalHeaders: readonly string[]): string {
  const path = request.bucket === null ? '/' : `/${request.bucket}/${request.key ?? ''}`;
  return [
    request.method,
    path.split('/').map(encodeStrict).join('/'),
    canonicalQuery(request),
    canonicalHeaders(request, additionalHeaders),
    additionalHeaders.toSorted(compare).join(';'),
    request.headers['x-oss-content-sha256'] ?? 'UNSIGNED-PAYLOAD',
  ].join('\n');
}

function scopeV4(scope: V4Scope): string {
  return `${scope.timestamp.slice(0, 8)}/${scope.region}/oss/aliyun_v4_request`;
}

export function stringToSignV4(request: SignedRequest, scope: V4Scope): string {
  const hash = createHash('sha256').update(canonicalRequestV4(request, scope.additionalHeaders), 'utf8').digest('hex');
  return [V4_ALGORITHM, scope.timestamp, scopeV4(scope), hash].join('\n');
}

/** Hex HMAC-SHA256 under the key derived from the scope. */
export function signV4(accessKeySecret: string, scope: V4Scope, stringToSign: string): string {
  const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data, 'utf8').digest();
  const dateKey = hmac(`aliyun_v4${accessKeySecret}`, scope.timestamp.slice(0, 8));
  const signingKey = hmac(hmac(hmac(dateKey, scope.region), 'oss'), 'aliyun_v4_request');
  return createHmac('sha256', signingKey).update(stringToSign, 'utf8').digest('hex');
}
