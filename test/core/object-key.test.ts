import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareKeys } from '../../src/core/object-key.ts';

const byteOrder = (a: string, b: string) => Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)));

describe('the order of object keys', () => {
  it('is the order of their UTF-8 bytes, whatever characters they hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(Math.sign(compareKeys(a, b))).toBe(byteOrder(a, b));
      }),
      { numRuns: 500 },
    );
  });

  it('puts an emoji after a full-width tilde, where plain comparison does the opposite', () => {
    expect(compareKeys('😀', '～')).toBeGreaterThan(0);
    expect('😀' < '～').toBe(true);
  });

  it('puts a dot before a slash before a digit, and a prefix before what it begins', () => {
    const keys = ['s/17000000001', 's/1700000000.jpg', 's/1700000000/x', 's/1700000000', 's/'];
    expect(keys.toSorted(compareKeys)).toEqual([
      's/',
      's/1700000000',
      's/1700000000.jpg',
      's/1700000000/x',
      's/17000000001',
    ]);
  });
});
