import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compareKeys } from '../../../src/core/object-key.ts';
import type { ObjectWitness } from '../../../src/core/witness.ts';
import { type Bucket, type Buckets, CouldNotLookError, type LifecycleRule } from '../../../src/ports.ts';

/** What a subject of the contract must be able to arrange. */
export interface BucketSubject {
  buckets: Buckets;
  put(bucket: string, key: string, lastModified: number, sizeBytes: number): void;
  setLifecycle(bucket: string, rules: LifecycleRule[]): void;
  removeBucket(bucket: string): void;
  close(): Promise<void>;
}

export const CONTRACT_ENDPOINT = 'oss-cn-shanghai.aliyuncs.com';
const TAKEN_AT = Date.parse('2026-11-24T02:46:26.000Z');

/** What every `Buckets` promises, whoever implements it. `start` gives an empty bucket named `snaps`. */
export function itKeepsTheBucketContract(start: () => Promise<BucketSubject>): void {
  let subject: BucketSubject;
  let bucket: Bucket;
  beforeEach(async () => {
    subject = await start();
    bucket = subject.buckets.open('snaps', CONTRACT_ENDPOINT);
  });
  afterEach(async () => {
    await subject.close();
  });

  const fill = (keys: readonly string[]) => {
    for (const key of keys) subject.put('snaps', key, TAKEN_AT, 10);
  };

  async function listAll(query: { prefix: string; startAfter?: string; maxKeys?: number }): Promise<ObjectWitness[]> {
    const all: ObjectWitness[] = [];
    let page = await bucket.listPage(query);
    for (;;) {
      all.push(...page.objects);
      if (page.nextToken === null) return all;
      page = await bucket.listPage({ ...query, token: page.nextToken });
    }
  }

  const reasonOf = (promise: Promise<unknown>) =>
    promise.then(
      () => 'no failure',
      (error) => (error instanceof CouldNotLookError ? error.reason : error),
    );

  describe('opening', () => {
    it('gives the same instance for the same arguments', () => {
      expect(subject.buckets.open('snaps', CONTRACT_ENDPOINT)).toBe(bucket);
      expect(bucket.name).toBe('snaps');
    });
  });

  describe('listing', () => {
    it('gives plain witnesses with whole seconds', async () => {
      subject.put('snaps', 'snapshot/live/cam01/1790000000.jpg', TAKEN_AT + 999, 34_567);
      expect(await bucket.listPage({ prefix: 'snapshot/' })).toEqual({
        objects: [
          { bucket: 'snaps', key: 'snapshot/live/cam01/1790000000.jpg', lastModified: TAKEN_AT, sizeBytes: 34_567 },
        ],
        nextToken: null,
      });
    });

    it('of an empty prefix is empty and complete', async () => {
      expect(await bucket.listPage({ prefix: 'none/' })).toEqual({ objects: [], nextToken: null });
    });

    it('goes through all pages in byte order, whatever the keys hold', async () => {
      const keys = [
        'p/~',
        'p/～',
        'p/😀',
        'p/ a+b&c<d>',
        'p/\u0001\n',
        'p/直播',
        'p/%41',
        'p/a',
        'p/A',
        'p/"q"',
        "p/it's",
      ];
      fill([...keys, 'o/before', 'q/after']);
      const listed = await listAll({ prefix: 'p/', maxKeys: 2 });
      expect(listed.map((object) => object.key)).toEqual(keys.toSorted(compareKeys));
    });

    it('starts after a key that need not exist, exclusive, also over several pages', async () => {
      fill(['p/1', 'p/2', 'p/3', 'p/4']);
      const keysAfter = async (startAfter: string) =>
        (await listAll({ prefix: 'p/', startAfter, maxKeys: 1 })).map((object) => object.key);
      expect(await keysAfter('p/2')).toEqual(['p/3', 'p/4']);
      expect(await keysAfter('p/2~')).toEqual(['p/3', 'p/4']);
      expect(await keysAfter('p/4')).toEqual([]);
    });

    it('has at most 1,000 keys a page', async () => {
      fill(Array.from({ length: 1001 }, (_, index) => `k${String(index).padStart(4, '0')}`));
      const first = await bucket.listPage({ prefix: '', maxKeys: 5000 });
      expect(first.objects).toHaveLength(1000);
      const second = await bucket.listPage({ prefix: '', token: first.nextToken ?? '' });
      expect(second.objects.map((object) => object.key)).toEqual(['k1000']);
      expect(second.nextToken).toBeNull();
    });

    it('of a missing bucket is a failure that says so', async () => {
      subject.removeBucket('snaps');
      expect(await reasonOf(bucket.listPage({ prefix: '' }))).toBe('no-such-bucket');
    });

    it('rejects with the reason of an aborted signal', async () => {
      const reason = new Error('enough');
      await expect(bucket.listPage({ prefix: '', signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    });
  });

  describe('looking up one key', () => {
    it('gives the witness, or null where it is proven absent', async () => {
      fill(['p/直播 1.jpg', 'p/10']);
      expect(await bucket.head('p/直播 1.jpg')).toEqual({
        bucket: 'snaps',
        key: 'p/直播 1.jpg',
        lastModified: TAKEN_AT,
        sizeBytes: 10,
      });
      expect(await bucket.head('p/1')).toBeNull();
    });

    it('never calls a key absent because its bucket is gone', async () => {
      fill(['p/1']);
      expect(await bucket.head('p/2')).toBeNull();
      subject.removeBucket('snaps');
      expect(await reasonOf(bucket.head('p/1'))).toBe('no-such-bucket');
      expect(await reasonOf(bucket.head('p/2'))).toBe('no-such-bucket');
    });
  });

  describe('lifecycle rules', () => {
    it('are those set, and none where the bucket has none', async () => {
      expect(await bucket.lifecycleRules()).toEqual([]);
      subject.setLifecycle('snaps', [
        { prefix: 'snapshot/', days: 30 },
        { prefix: '', days: 365 },
      ]);
      expect(await bucket.lifecycleRules()).toEqual([
        { prefix: 'snapshot/', days: 30 },
        { prefix: '', days: 365 },
      ]);
    });

    it('of a missing bucket are a failure', async () => {
      subject.removeBucket('snaps');
      expect(await reasonOf(bucket.lifecycleRules())).toBe('no-such-bucket');
    });
  });

  describe('signed URLs', () => {
    it('live from 1 second to 7 days', async () => {
      expect(await bucket.signedUrl('p/1', 1)).toContain('http');
      expect(await bucket.signedUrl('p/1', 604_800)).toContain('http');
      await expect(bucket.signedUrl('p/1', 604_801)).rejects.toThrow(RangeError);
      await expect(bucket.signedUrl('p/1', 0)).rejects.toThrow(RangeError);
    });
  });

  describe('the counters', () => {
    it('tell list calls, head calls and listed keys', async () => {
      fill(['p/1', 'p/2', 'p/3']);
      await listAll({ prefix: 'p/', maxKeys: 2 });
      await bucket.head('p/1');
      expect(subject.buckets.calls()).toEqual({ list: 2, head: 1, keys: 3 });
    });
  });
}
