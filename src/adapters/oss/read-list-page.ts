import { compareKeys } from '../../core/object-key.ts';
import type { ObjectWitness } from '../../core/witness.ts';
import { BadAnswerError } from './bad-answer-error.ts';
import type { RawListResult } from './oss-client.ts';
import type { PageToken } from './page-token.ts';

export interface ListExpectation {
  bucket: string;
  prefix: string;
  maxKeys: number;
  /** Every key must sort after it; '' for none. */
  after: string;
  /** The token that this page was asked with; null for a first page. */
  asked: PageToken | null;
}

const MAX_EMPTY_PAGES = 100;

/**
 * Turns a `listV2` result into plain values, or throws `BadAnswerError`. `ali-oss` reads a web page, an `<Error>` body or a
 * broken listing as "no objects, not truncated", so a page counts only if everything it says fits together
 * (reference/oss.md, section 0, rule 4).
 */
export function readListPage(
  raw: RawListResult,
  expected: ListExpectation,
): { objects: ObjectWitness[]; next: PageToken | null } {
  if (!Number.isFinite(raw.keyCount)) throw new BadAnswerError('it is not a listing (no key count)');
  if (raw.keyCount !== raw.objects.length) {
    throw new BadAnswerError(`it counts ${raw.keyCount} keys and holds ${raw.objects.length}`);
  }
  if (raw.objects.length > expected.maxKeys) {
    throw new BadAnswerError(`it holds ${raw.objects.length} keys where at most ${expected.maxKeys} were asked for`);
  }
  const decode = namesAreEncoded(raw.res.data) ? decodeName : (name: string) => name;
  const objects = readObjects(raw, expected, decode);
  return { objects, next: readNext(raw, expected, objects, decode) };
}

function readObjects(raw: RawListResult, expected: ListExpectation, decode: (name: string) => string): ObjectWitness[] {
  let before = expected.after;
  return raw.objects.map((object) => {
    if (typeof object.name !== 'string' || object.name === '')
      throw new BadAnswerError('it holds an object without a key');
    const key = decode(object.name);
    if (!key.startsWith(expected.prefix)) throw new BadAnswerError('it holds a key outside the prefix asked for');
    if (before !== '' && compareKeys(key, before) <= 0) throw new BadAnswerError('its keys do not go on in order');
    before = key;
    const lastModified = typeof object.lastModified === 'string' ? Date.parse(object.lastModified) : Number.NaN;
    if (!Number.isFinite(lastModified)) throw new BadAnswerError('it holds an object without a LastModified');
    if (typeof object.size !== 'number' || !(object.size >= 0))
      throw new BadAnswerError('it holds an object without a size');
    return { bucket: expected.bucket, key, lastModified, sizeBytes: object.size };
  });
}

function readNext(
  raw: RawListResult,
  expected: ListExpectation,
  objects: readonly ObjectWitness[],
  decode: (name: string) => string,
): PageToken | null {
  const vendorToken = raw.nextContinuationToken ? decode(raw.nextContinuationToken) : null;
  if (!raw.isTruncated) {
    if (vendorToken !== null) throw new BadAnswerError('it has a next token though it says it is complete');
    return null;
  }
  if (vendorToken === null) throw new BadAnswerError('it is truncated and has no next token');
  if (vendorToken === expected.asked?.vendorToken) throw new BadAnswerError('its next token is the one just used');
  const emptyPages = objects.length === 0 ? (expected.asked?.emptyPages ?? 0) + 1 : 0;
  if (emptyPages > MAX_EMPTY_PAGES) throw new BadAnswerError(`it is page ${emptyPages} in a row without a key`);
  return { vendorToken, lastKey: objects.at(-1)?.key ?? expected.after, emptyPages };
}

/** A server that ignores `encoding-type` sends raw names, so the answer's own word counts, not our question. */
function namesAreEncoded(data: Buffer | string | undefined): boolean {
  return data?.includes('<EncodingType>url</EncodingType>') ?? false;
}

function decodeName(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '));
  } catch {
    throw new BadAnswerError('it holds a name whose URL encoding is broken');
  }
}
