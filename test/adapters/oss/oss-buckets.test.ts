import { describe } from 'vitest';
import { createBuckets } from '../../../src/adapters/oss/create-buckets.ts';
import { startOssServer } from '../../../src/sandbox/oss/oss-server.ts';
import { itKeepsTheBucketContract } from './bucket-contract.ts';

const CREDENTIAL = { accessKeyId: 'LTAI-test', accessKeySecret: 'secret-of-the-sandbox' };

describe('the real adapter over the sandbox', () => {
  itKeepsTheBucketContract(async () => {
    const server = await startOssServer({ credentials: [CREDENTIAL], buckets: ['snaps'] });
    const buckets = createBuckets({
      credentials: async () => CREDENTIAL,
      endpoint: server.url,
      retries: 0,
      keysPerSecond: null,
    });
    return {
      buckets,
      put: (bucket, key, lastModified, sizeBytes) =>
        server.store(bucket).put({ key, lastModified, body: Buffer.alloc(sizeBytes) }),
      setLifecycle: (bucket, rules) => {
        server.bucket(bucket).lifecycle = rules.map((rule, index) => ({ id: `r${index}`, enabled: true, ...rule }));
      },
      removeBucket: (bucket) => server.removeBucket(bucket),
      close: async () => {
        await buckets.close();
        await server.close();
      },
    };
  });
});
