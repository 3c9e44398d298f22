import { describe, expect, it } from 'vitest';
import type { RawListResult } from '../../../src/adapters/oss/oss-client.ts';
import { type ListExpectation, readListPage } from '../../../src/adapters/oss/read-list-page.ts';

const object = (name: unknown, more: Record<string, unknown> = {}) => ({
  name,
  lastModified: '2026-11-24T02:46:26.000Z',
  size: 5,
  ...more,
});

const raw = (names: unknown[], more: Partial<RawListResult> = {}): RawListResult => ({
  objects: names.map((name) => object(name)),
  isTruncated: false,
  keyCount: names.length,
  nextContinuationToken: null,
  res: { data: '<ListBucketResult><EncodingType>url</EncodingType></ListBucketResult>' },
  ...more,
});

const expected: ListExpectation = { bucket: 'snaps', prefix: 'p/', maxKeys: 3, after: '', asked: null };
const keys = (page: RawListResult, expectation = expected) =>
  readListPage(page, expectation).objects.map((witness) => witness.key);

describe('a page of a listing', () => {
  it('has its names decoded by form rules where it says that they are encoded', () => {
    expect(keys(raw(['p%2F+a%2Bb%01.jpg']))).toEqual(['p/ a+b\u0001.jpg']);
  });

  it('has its names left alone where it does not say so, whatever was asked', () => {
    expect(keys(raw(['p/a+b%41'], { res: { data: '<ListBucketResult/>' } }))).toEqual(['p/a+b%41']);
  });

  it('takes a key right after the one before it in byte order, emoji included', () => {
    expect(keys(raw(['p%2F%EF%BD%9E', 'p%2F%F0%9F%98%80']))).toEqual(['p/～', 'p/😀']);
  });

  it.each<[string, RawListResult, Partial<ListExpectation>]>([
    ['counts other than it holds', raw(['p/a'], { keyCount: 2 }), {}],
    ['has no count', raw([], { keyCount: Number.NaN }), {}],
    ['holds more than was asked for', raw(['p/a', 'p/b', 'p/c', 'p/d']), {}],
    ['goes backwards', raw(['p/b', 'p/a']), {}],
    ['repeats a key', raw(['p/a', 'p/a']), {}],
    ['puts an emoji before a full-width tilde', raw(['p/😀', 'p/～']), {}],
    ['leaves the prefix', raw(['q/a']), {}],
    ['begins with the key that it should start after', raw(['p/a']), { after: 'p/a' }],
    ['holds an object without a key', raw([undefined]), {}],
    ['holds an object without a date', raw([], { objects: [object('p/a', { lastModified: '' })], keyCount: 1 }), {}],
    ['holds an object without a size', raw([], { objects: [object('p/a', { size: Number.NaN })], keyCount: 1 }), {}],
    ['holds broken encoding', raw(['p%2']), {}],
    ['is truncated without a token', raw(['p/a'], { isTruncated: true }), {}],
    ['is complete with a token', raw(['p/a'], { nextContinuationToken: 't' }), {}],
    [
      'repeats the token',
      raw(['p/b'], { isTruncated: true, nextContinuationToken: 't' }),
      { after: 'p/a', asked: { vendorToken: 't', lastKey: 'p/a', emptyPages: 0 } },
    ],
  ])('that %s is no answer', (_what, page, more) => {
    expect(() => readListPage(page, { ...expected, ...more })).toThrow(
      expect.objectContaining({ name: 'BadAnswerError' }),
    );
  });

  it('may be empty and go on, but not for ever', () => {
    const page = raw([], { isTruncated: true, nextContinuationToken: 'next' });
    const pageNumber = (emptyPages: number) =>
      readListPage(page, { ...expected, after: 'p/a', asked: { vendorToken: 'this', lastKey: 'p/a', emptyPages } });
    expect(pageNumber(99).next).toEqual({ vendorToken: 'next', lastKey: 'p/a', emptyPages: 100 });
    expect(() => pageNumber(100)).toThrow('page 101 in a row without a key');
  });
});
