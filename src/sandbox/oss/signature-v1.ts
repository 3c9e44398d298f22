/** OSS signature version 1, as reference/oss.md section 3 gives it (checked there against ali-oss and the Go SDK). */
import { createHmac } from 'node:crypto';
import type { SignedRequest } from './signed-request.ts';

/** Query parameters that are part of the signed resource. List parameters are not, but for the continuation token. */
const SUB_RESOURCES = new Set([
  'acl',
  'append',
  'asyncFetch',
  'bucketInfo',
  'callback',
  'callback-var',
  'cname',
  'continuation-token',
  'cors',
  'delete',
  'encryption',
  'inventory',
  'inventoryId',
  'lifecycle',
  'location',
  'logging',
  'objectMeta',
  'partNumber',
  'policy',
  'position',
  'referer',
  'replication',
  'requestPayment',
  'restore',
  'security-token',
  'sequential',
  'stat',
  'symlink',
  'tagging',
  'uploadId',
  'uploads',
  'versionId',
  'versioning',
  'versions',
  'website',
  'worm',
  'wormExtend',
  'wormId',
]);

const URL_SIGNATURE_PARAMETERS = new Set(['OSSAccessKeyId', 'Expires', 'Signature']);

function isSigned(name: string): boolean {
  if (URL_SIGNATURE_PARAMETERS.has(name)) return false;
  return SUB_RESOURCES.has(name) || name.startsWith('response-') || name.startsWith('x-oss-');
}

function canonicalResource(request: SignedRequest): string {
  const path = request.bucket === null ? '/' : `/${request.bucket}/${request.key ?? ''}`;
  const parameters = request.query
    .filter(([name]) => isSigned(name))
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
    .sort();
  return parameters.length === 0 ? path : `${path}?${parameters.join('&')}`;
}

/** `dateOrExpires` is `x-oss-date` or `Date` for a header signature, `Expires` for a URL. */
export function stringToSignV1(request: SignedRequest, dateOrExpires: string): string {
  const ossHeaders = Object.keys(request.headers)
    .filter((name) => name.startsWith('x-oss-'))
    .sort()
    .map((name) => `${name}:${request.headers[name]?.trim()}`);
  return [
    request.method,
    request.headers['content-md5'] ?? '',
    request.headers['content-type'] ?? '',
    dateOrExpires,
    ...ossHeaders,
    canonicalResource(request),
  ].join('\n');
}

/** base64 HMAC-SHA1. */
export function signV1(accessKeySecret: string, stringToSign: string): string {
  return createHmac('sha1', accessKeySecret).update(stringToSign, 'utf8').digest('base64');
}
