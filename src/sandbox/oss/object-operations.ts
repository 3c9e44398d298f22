import { createHash } from 'node:crypto';
import { wholeSeconds } from './list-objects.ts';
import type { ObjectStore, ObjectSummary, StoredObject } from './object-store.ts';
import type { OssAnswer } from './oss-answer.ts';
import { OssFailure } from './oss-failure.ts';

const MAX_KEY_BYTES = 1023;

export function requireValidKey(key: string): void {
  if (Buffer.byteLength(key) <= MAX_KEY_BYTES && !key.startsWith('/') && !key.startsWith('\\')) return;
  throw new OssFailure('InvalidObjectName', `The specified object is not valid.`, { ObjectName: key });
}

export function putObject(
  store: ObjectStore,
  key: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
  now: number,
): OssAnswer {
  const md5 = createHash('md5').update(body).digest();
  const claimed = headers['content-md5'];
  if (claimed !== undefined && claimed !== md5.toString('base64')) {
    throw new OssFailure('InvalidDigest', 'The Content-MD5 you specified was invalid.', { 'Content-MD5': claimed });
  }
  const meta = Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-oss-meta-')));
  const stored = store.put({ key, body, lastModified: now, contentType: headers['content-type'] ?? null, meta });
  return { status: 200, headers: { etag: `"${stored.etag}"`, 'content-md5': md5.toString('base64') }, body: '' };
}

export function headObject(store: ObjectStore, key: string): OssAnswer {
  const object = store.head(key) ?? throwNoSuchKey(key);
  return {
    status: 200,
    headers: { ...describe(object), 'content-length': String(object.sizeBytes) },
    body: '',
  };
}

export function getObject(store: ObjectStore, key: string, range: string | undefined): OssAnswer {
  const object = store.get(key) ?? throwNoSuchKey(key);
  const headers = describe(object);
  const span = readRange(range, object.body.length);
  if (!span) return { status: 200, headers, body: object.body };
  headers['content-range'] = `bytes ${span.first}-${span.last}/${object.body.length}`;
  return { status: 206, headers, body: object.body.subarray(span.first, span.last + 1) };
}

/** Deleting what is not there is a success, as in OSS. */
export function deleteObject(store: ObjectStore, key: string): OssAnswer {
  store.delete(key);
  return { status: 204, headers: {}, body: '' };
}

function throwNoSuchKey(key: string): never {
  throw new OssFailure('NoSuchKey', 'The specified key does not exist.', { Key: key });
}

function describe(object: ObjectSummary | StoredObject): Record<string, string> {
  const headers: Record<string, string> = {
    etag: `"${object.etag}"`,
    'last-modified': wholeSeconds(object.lastModified).toUTCString(),
    'accept-ranges': 'bytes',
    'content-type': ('contentType' in object ? object.contentType : null) ?? 'application/octet-stream',
    'x-oss-object-type': 'Normal',
    'x-oss-storage-class': 'Standard',
  };
  if ('meta' in object) Object.assign(headers, object.meta);
  return headers;
}

/** One range of bytes, both ends inclusive; null where OSS would send the whole object (absent, malformed, outside). */
function readRange(range: string | undefined, sizeBytes: number): { first: number; last: number } | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(range ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return null;
  const last = match[2] === '' || match[1] === '' ? sizeBytes - 1 : Math.min(Number(match[2]), sizeBytes - 1);
  const first = match[1] === '' ? Math.max(0, sizeBytes - Number(match[2])) : Number(match[1]);
  return first <= last ? { first, last } : null;
}
