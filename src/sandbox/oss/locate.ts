import { isIP } from 'node:net';
import type { OssRequestKind } from './faults.ts';
import { OssFailure } from './oss-failure.ts';

export interface RequestTarget {
  kind: OssRequestKind;
  bucket: string | null;
  /** Decoded; '' for the bucket itself. */
  key: string;
  query: Array<[name: string, value: string]>;
}

/**
 * Finds bucket and key: virtual-host style (`bucket.oss-cn-shanghai.aliyuncs.com/key`, or any host whose first label is a
 * bucket of ours), else path style (`localhost:9000/bucket/key`), which real OSS refuses but test clients need.
 */
export function locate(method: string, url: string, host: string, isBucket: (name: string) => boolean): RequestTarget {
  const mark = url.indexOf('?');
  const path = decodePath(mark < 0 ? url : url.slice(0, mark));
  const query = [...new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1))];
  const { bucket, key } = splitPath(path, virtualBucket(host, isBucket));
  return { kind: kindOf(method, bucket, key, query), bucket, key, query };
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new OssFailure('InvalidObjectName', 'The specified object is not valid.');
  }
}

function splitPath(path: string, virtual: string | null): { bucket: string | null; key: string } {
  if (virtual !== null) return { bucket: virtual, key: path.slice(1) };
  const slash = path.indexOf('/', 1);
  const bucket = slash < 0 ? path.slice(1) : path.slice(1, slash);
  return { bucket: bucket === '' ? null : bucket, key: slash < 0 ? '' : path.slice(slash + 1) };
}

function virtualBucket(host: string, isBucket: (name: string) => boolean): string | null {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  if (isIP(name) !== 0 || name.startsWith('[')) return null;
  const dot = name.indexOf('.');
  if (dot < 0) return null;
  const label = name.slice(0, dot);
  if (isBucket(label)) return label;
  return /\.oss-[a-z0-9-]+\.aliyuncs\.com$/.test(name) ? label : null;
}

function kindOf(
  method: string,
  bucket: string | null,
  key: string,
  query: ReadonlyArray<readonly [string, string]>,
): OssRequestKind {
  if (bucket === null) return 'other';
  if (key === '') {
    const has = (name: string, value?: string) =>
      query.some(([given, text]) => given === name && (value === undefined || text === value));
    if (method !== 'GET') return 'other';
    if (has('lifecycle')) return 'lifecycle';
    return has('list-type', '2') ? 'list' : 'other';
  }
  switch (method) {
    case 'GET':
      return 'get';
    case 'HEAD':
      return 'head';
    case 'PUT':
      return 'put';
    case 'DELETE':
      return 'delete';
    default:
      return 'other';
  }
}
