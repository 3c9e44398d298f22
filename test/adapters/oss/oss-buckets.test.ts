import { describe, expect, it } from 'vitest';
import type { OssCall } from '../../../src/adapters/oss/oss-bucket.ts';
import { CouldNotLookError } from '../../../src/ports.ts';
import type { OssServerOptions } from '../../../src/sandbox/oss/oss-server.ts';
import { itKeepsTheBucketContract } from './bucket-contract.ts';
import { CREDENTIAL, startPair } from './start-pair.ts';

describe('the real adapter over the sandbox', () => {
  itKeepsTheBucketContract(async () => {
    const pair = await startPair();
    return {
      buckets: pair.buckets,
      put: (bucket, key, lastModified, sizeBytes) =>
        pair.server.store(bucket).put({ key, lastModified, body: Buffer.alloc(sizeBytes) }),
      setLifecycle: (bucket, rules) => {
        pair.server.bucket(bucket).lifecycle = rules.map((rule, index) => ({
          id: `r${index}`,
          enabled: true,
          ...rule,
        }));
      },
      removeBucket: (bucket) => pair.server.removeBucket(bucket),
      close: () => pair.close(),
    };
  });
});

describe('the calls', () => {
  it('hold nothing over from one to the next', async () => {
    await using pair = await startPair();
    pair.put('a', 'b', 'c');
    const first = await pair.bucket.listPage({ prefix: '', maxKeys: 2 });
    await pair.bucket.listPage({ prefix: '', maxKeys: 2, token: first.nextToken ?? '' });
    expect(await pair.bucket.listPage({ prefix: '', maxKeys: 2 })).toEqual(first);
  });

  it('are told one by one, failures with their reason', async () => {
    const calls: OssCall[] = [];
    await using pair = await startPair({ onCall: (call) => calls.push(call), retries: 1 });
    pair.put('a');
    pair.server.faults.set({ kind: 'list', mode: '503-slow-down', times: 1 });
    await pair.bucket.listPage({ prefix: '' });
    await pair.bucket.head('a');
    expect(calls).toMatchObject([
      { kind: 'list', bucket: 'snaps', keys: 0, failure: 'throttled' },
      { kind: 'list', bucket: 'snaps', keys: 1, failure: null },
      { kind: 'head', bucket: 'snaps', keys: 1, failure: null },
    ]);
  });

  it('end at once for an aborted signal, even while OSS does not answer', async () => {
    await using pair = await startPair({ timeoutMs: 20_000 });
    pair.server.faults.set({ kind: 'list', mode: 'timeout' });
    const controller = new AbortController();
    const startedAt = performance.now();
    const listing = pair.bucket.listPage({ prefix: '', signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(listing).rejects.toThrow('enough');
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });

  it('are not made any more after close', async () => {
    await using pair = await startPair({ keysPerSecond: 2000, retries: 3 });
    pair.server.faults.set({ kind: 'list', mode: 'timeout' });
    const running = pair.bucket.listPage({ prefix: '' });
    const waiting = pair.bucket.listPage({ prefix: '' });
    const outcomes = Promise.allSettled([running, waiting]);
    await pair.buckets.close();
    for (const outcome of await outcomes) {
      expect(outcome.status === 'rejected' && outcome.reason).toBeInstanceOf(CouldNotLookError);
      expect(outcome).toMatchObject({ reason: { reason: 'closed' } });
    }
  });
});

describe('temporary credentials', () => {
  it('are exchanged between two calls without a failed one', async () => {
    let generation = 1;
    const credential = () => ({
      accessKeyId: `STS.${generation}`,
      accessKeySecret: `secret-${generation}`,
      securityToken: `token-${generation}`,
    });
    await using pair = await startPair({ credentials: async () => credential() }, { credentials: [credential()] });
    pair.put('a');
    await pair.bucket.listPage({ prefix: '' });
    generation = 2;
    pair.server.setCredentials([credential()]);
    expect(await pair.bucket.head('a')).toMatchObject({ key: 'a' });
    expect(await pair.bucket.signedUrl('a', 60)).toContain('STS.2');
  });

  it('that have run out are fetched anew within the retries', async () => {
    let asked = 0;
    await using pair = await startPair(
      {
        retries: 1,
        credentials: async () => {
          asked += 1;
          return { ...CREDENTIAL, securityToken: asked === 1 ? 'old' : 'new' };
        },
      },
      { credentials: [{ ...CREDENTIAL, securityToken: 'new' }] },
    );
    expect(await pair.bucket.listPage({ prefix: '' })).toMatchObject({ objects: [] });
  });
});

describe('a signed URL', () => {
  it.each(['snapshot/live/cam01/1790000000.jpg', 'p/直播 a+b&c#d?e=f%41.jpg', "p/it's (1)*!.jpg"])(
    'gives the object %s to anyone who holds it, until it expires',
    async (key) => {
      let offset = 0;
      await using pair = await startPair({}, { clock: () => Date.now() + offset });
      pair.put(key);
      const url = await pair.bucket.signedUrl(key, 60);
      expect((await (await fetch(url)).arrayBuffer()).byteLength).toBe(5);
      expect((await fetch(url, { method: 'PUT', body: 'x' })).status).toBe(403);
      offset = 61_000;
      expect((await fetch(url)).status).toBe(403);
      expect(url).not.toContain(CREDENTIAL.accessKeySecret);
    },
  );
});

describe('a signed URL to an IP address', () => {
  it('is refused, for it would lack the bucket', async () => {
    await using pair = await startPair({ endpoint: 'http://10.0.0.5:9000' });
    await expect(pair.bucket.signedUrl('a', 60)).rejects.toMatchObject({ reason: 'bad-endpoint' });
  });
});

describe('the pace', () => {
  const keys = Array.from({ length: 5000 }, (_, index) => `k${String(index).padStart(4, '0')}`);

  it('keeps full pages under the keys that OSS serves in a second', async () => {
    await using pair = await startPair({ keysPerSecond: 4000 });
    pair.put(...keys);
    const startedAt = performance.now();
    await Promise.all(
      [0, 1, 2, 3, 4].map((page) => pair.bucket.listPage({ prefix: '', startAfter: keys[page * 1000 - 1] ?? '' })),
    );
    // One page may go at once, the other four at 4,000 keys a second; a tick early is forgiven.
    expect(performance.now() - startedAt).toBeGreaterThan(900);
    expect(pair.buckets.calls()).toEqual({ list: 5, head: 0, keys: 5000 });
  });

  it('gives back what a short page did not use', async () => {
    await using pair = await startPair({ keysPerSecond: 2000 });
    pair.put('a');
    const startedAt = performance.now();
    for (let call = 0; call < 40; call++) await pair.bucket.listPage({ prefix: '' });
    // Forty full pages would take twenty seconds; waiting for a tick each, ten.
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });

  it('and a listing slowed down by OSS comes to its end all the same', async () => {
    await using pair = await startPair({ retries: 10, retryPauseMs: 100 }, { keysPerSecond: 1000 });
    pair.put(...keys);
    const listed = await Promise.all(
      [0, 1, 2, 3].map((page) => pair.bucket.listPage({ prefix: '', startAfter: keys[page * 1000 - 1] ?? '' })),
    );
    expect(listed.map((page) => page.objects.length)).toEqual([1000, 1000, 1000, 1000]);
    expect(pair.server.stats().throttled).toBeGreaterThan(0);
  });
});

describe('what goes over the wire', () => {
  it('is signed V4, and no parameter goes without a value', async () => {
    const seen: Array<{ url: string; authorization: string }> = [];
    const onRequest: OssServerOptions['onRequest'] = ({ url, headers }) =>
      seen.push({ url, authorization: headers.authorization ?? '' });
    await using pair = await startPair({}, { onRequest });
    pair.put('a');
    await pair.bucket.listPage({ prefix: '', startAfter: '' });
    await pair.bucket.head('a');
    expect(seen.map(({ url }) => url)).toEqual(['/snaps/?list-type=2&max-keys=1000&encoding-type=url', '/snaps/a']);
    for (const { authorization } of seen) {
      expect(authorization).toMatch(/^OSS4-HMAC-SHA256 Credential=LTAI-test\/\d{8}\/cn-shanghai\/oss\//);
    }
  });
});
