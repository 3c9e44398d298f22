import { describe } from 'vitest';
import { FakeBuckets } from '../../support/fake-buckets.ts';
import { itKeepsTheBucketContract } from './bucket-contract.ts';

describe('the buckets in memory that other tests use', () => {
  itKeepsTheBucketContract(async () => {
    const buckets = new FakeBuckets();
    buckets.bucket('snaps');
    return {
      buckets,
      put: (bucket, key, lastModified, sizeBytes) => buckets.bucket(bucket).put(key, lastModified, sizeBytes),
      setLifecycle: (bucket, rules) => {
        buckets.bucket(bucket).lifecycle = rules;
      },
      removeBucket: (bucket) => buckets.remove(bucket),
      close: async () => {},
    };
  });
});
