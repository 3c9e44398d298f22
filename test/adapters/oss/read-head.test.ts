import { describe, expect, it } from 'vitest';
import { readHead } from '../../../src/adapters/oss/read-head.ts';

const HEADERS = {
  'x-oss-request-id': '5C3D9175B6FC201293AD',
  'last-modified': 'Tue, 24 Nov 2026 02:46:26 GMT',
  'content-length': '34567',
};

describe('the answer to a HEAD', () => {
  it('is a witness with the key, time and size', () => {
    expect(readHead('snaps', 'p/1', 200, HEADERS)).toEqual({
      bucket: 'snaps',
      key: 'p/1',
      lastModified: Date.parse('2026-11-24T02:46:26Z'),
      sizeBytes: 34_567,
    });
  });

  it.each([
    ['a page of a gateway, which has no request id', 200, { ...HEADERS, 'x-oss-request-id': undefined }],
    ['without a date', 200, { ...HEADERS, 'last-modified': undefined }],
    ['with a date that is none', 200, { ...HEADERS, 'last-modified': 'yesterday' }],
    ['without a length', 200, { ...HEADERS, 'content-length': undefined }],
    ['304, though nothing conditional was asked', 304, HEADERS],
  ])('is no answer: %s', (_what, status, headers) => {
    expect(() => readHead('snaps', 'p/1', status, headers)).toThrow(
      expect.objectContaining({ name: 'BadAnswerError' }),
    );
  });
});
