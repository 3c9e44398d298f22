import type { ObjectStore, ObjectSummary } from './object-store.ts';
import { OssFailure } from './oss-failure.ts';
import { renderXml } from './xml.ts';

/** The parameters of ListObjectsV2, checked. */
export interface ListQuery {
  prefix: string;
  delimiter: string;
  maxKeys: number;
  startAfter: string;
  /** As sent; null where none was. */
  continuationToken: string | null;
  encodeNames: boolean;
  fetchOwner: boolean;
}

export interface ListPage {
  contents: ObjectSummary[];
  commonPrefixes: string[];
  /** null on the last page. */
  nextToken: string | null;
}

export function readListQuery(query: ReadonlyMap<string, string>): ListQuery {
  const maxKeys = query.get('max-keys') || '100';
  if (!/^\d+$/.test(maxKeys) || Number(maxKeys) < 1 || Number(maxKeys) > 1000) {
    throw new OssFailure('InvalidArgument', 'max-keys must be between 1 and 1000.', {
      ArgumentName: 'max-keys',
      ArgumentValue: maxKeys,
    });
  }
  const encoding = query.get('encoding-type') ?? '';
  if (encoding !== '' && encoding !== 'url') {
    throw new OssFailure('InvalidArgument', 'Invalid Encoding Method specified in Request.', {
      ArgumentName: 'encoding-type',
      ArgumentValue: encoding,
    });
  }
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    maxKeys: Number(maxKeys),
    startAfter: query.get('start-after') ?? '',
    continuationToken: query.get('continuation-token') || null,
    encodeNames: encoding === 'url',
    fetchOwner: query.get('fetch-owner') === 'true',
  };
}

/** A token is the place where its page starts: opaque to clients, and it survives a restart of the stand-in. */
export function tokenAfter(key: string): string {
  return Buffer.from(`after:${key}`, 'utf8').toString('base64url');
}

function keyOfToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString('utf8');
  if (text.startsWith('after:')) return text.slice('after:'.length);
  throw new OssFailure('InvalidArgument', 'The continuation token provided is incorrect.', {
    ArgumentName: 'continuation-token',
    ArgumentValue: token,
  });
}

/** Where the page asked for starts, exclusive. */
export function pageStart(query: ListQuery): string {
  return query.continuationToken === null ? query.startAfter : keyOfToken(query.continuationToken);
}

/** Sorts after every key that starts with the common prefix before it. */
const PAST_PREFIX = '\u{10ffff}';

export function listObjects(store: ObjectStore, query: ListQuery): ListPage {
  const start = pageStart(query);
  if (query.delimiter === '') {
    const found = store.list(query.prefix, start, query.maxKeys + 1);
    const contents = found.length > query.maxKeys ? found.slice(0, query.maxKeys) : found;
    const last = contents.at(-1);
    return {
      contents,
      commonPrefixes: [],
      nextToken: found.length > query.maxKeys && last ? tokenAfter(last.key) : null,
    };
  }
  return listGrouped(store, query, start);
}

function listGrouped(store: ObjectStore, query: ListQuery, start: string): ListPage {
  const page: ListPage = { contents: [], commonPrefixes: [], nextToken: null };
  let cursor = start;
  for (;;) {
    // One look-up per group and never past it: the keys inside a common prefix are skipped, not read.
    const batch = store.list(query.prefix, cursor, query.maxKeys + 1);
    if (batch.length === 0) return page;
    for (const object of batch) {
      if (page.contents.length + page.commonPrefixes.length === query.maxKeys) {
        page.nextToken = tokenAfter(cursor);
        return page;
      }
      const end = object.key.indexOf(query.delimiter, query.prefix.length);
      if (end < 0) {
        page.contents.push(object);
        cursor = object.key;
        continue;
      }
      const group = object.key.slice(0, end + query.delimiter.length);
      page.commonPrefixes.push(group);
      cursor = group + PAST_PREFIX;
      break;
    }
  }
}

const OWNER = { ID: '1000000000000000', DisplayName: '1000000000000000' };

/** Go's form rules, as the official SDKs decode them: a blank is `+`. */
const encodeName = (name: string) => encodeURIComponent(name).replaceAll('%20', '+');

export interface ListAnswer {
  /** What the page claims; differs from the truth only under a fault. */
  isTruncated: boolean;
  nextToken: string | null;
  keyCount: number | undefined;
}

export function renderListPage(bucket: string, query: ListQuery, page: ListPage, answer: ListAnswer): string {
  const name = query.encodeNames ? encodeName : (text: string) => text;
  return renderXml('ListBucketResult', {
    Name: bucket,
    Prefix: name(query.prefix),
    StartAfter: query.startAfter === '' ? undefined : name(query.startAfter),
    ContinuationToken: query.continuationToken ?? undefined,
    MaxKeys: query.maxKeys,
    Delimiter: name(query.delimiter),
    EncodingType: query.encodeNames ? 'url' : undefined,
    IsTruncated: answer.isTruncated,
    NextContinuationToken: answer.nextToken ?? undefined,
    KeyCount: answer.keyCount,
    Contents: page.contents.map((object) => ({
      Key: name(object.key),
      LastModified: wholeSeconds(object.lastModified).toISOString(),
      ETag: `"${object.etag}"`,
      Type: 'Normal',
      Size: object.sizeBytes,
      StorageClass: 'Standard',
      ...(query.fetchOwner ? { Owner: OWNER } : {}),
    })),
    CommonPrefixes: page.commonPrefixes.map((prefix) => ({ Prefix: name(prefix) })),
  });
}

/** OSS keeps no part of a second. */
export function wholeSeconds(instant: number): Date {
  return new Date(Math.floor(instant / 1000) * 1000);
}
