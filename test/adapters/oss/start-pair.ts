import { type BucketsOptions, createBuckets } from '../../../src/adapters/oss/create-buckets.ts';
import type { Bucket, Buckets } from '../../../src/ports.ts';
import { type OssServer, type OssServerOptions, startOssServer } from '../../../src/sandbox/oss/oss-server.ts';

export const CREDENTIAL = { accessKeyId: 'LTAI-test', accessKeySecret: 'secret-of-the-sandbox' };
export const ENDPOINT = 'oss-cn-shanghai.aliyuncs.com';

export interface Pair extends AsyncDisposable {
  server: OssServer;
  buckets: Buckets;
  bucket: Bucket;
  put(...keys: string[]): void;
  close(): Promise<void>;
}

/** The sandbox with a bucket `snaps`, and the real adapter that looks into it. Quick and unlimited unless told otherwise. */
export async function startPair(
  options: Partial<BucketsOptions> = {},
  serverOptions: Partial<OssServerOptions> = {},
): Promise<Pair> {
  const server = await startOssServer({ credentials: [CREDENTIAL], buckets: ['snaps'], ...serverOptions });
  const buckets = createBuckets({
    credentials: async () => CREDENTIAL,
    endpoint: server.url,
    retries: 0,
    retryPauseMs: 1,
    timeoutMs: 2000,
    keysPerSecond: null,
    ...options,
  });
  const close = async () => {
    await buckets.close();
    await server.close();
  };
  return {
    server,
    buckets,
    bucket: buckets.open('snaps', ENDPOINT),
    put(...keys) {
      for (const key of keys)
        server.store('snaps').put({ key, body: Buffer.alloc(5), lastModified: 1_790_000_000_000 });
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
