import OSS from 'ali-oss';
import { afterEach, describe, expect, it } from 'vitest';
import { compareKeys } from '../../../src/core/object-key.ts';
import type { ObjectStore } from '../../../src/sandbox/oss/object-store.ts';
import { type OssServer, type OssServerOptions, startOssServer } from '../../../src/sandbox/oss/oss-server.ts';

const CREDENTIAL = { accessKeyId: 'LTAI-test', accessKeySecret: 'secret-of-the-sandbox' };

let server: OssServer;
afterEach(async () => {
  await server.close();
});

async function start(options: Partial<OssServerOptions> = {}): Promise<OssServer> {
  server = await startOssServer({ credentials: [CREDENTIAL], buckets: ['snaps'], ...options });
  return server;
}

function client(options: Record<string, unknown> = {}): OSS {
  return new OSS({
    ...CREDENTIAL,
    bucket: 'snaps',
    region: 'oss-cn-shanghai',
    endpoint: server.url,
    authorizationV4: true,
    timeout: 3000,
    ...{ sldEnable: true },
    ...options,
  });
}

const failure = async (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: { code?: string; status?: number; message: string }) => error,
  );

describe.each([
  ['V1', false],
  ['V4', true],
])('the real client, signing %s', (_name, authorizationV4) => {
  const KEY = 'snapshot/live/直播 a+b&c/1790000000.jpg';

  it('puts, heads, gets a range of and deletes an object', async () => {
    await start({ clock: () => Date.now() });
    const oss = client({ authorizationV4 });
    await oss.put(KEY, Buffer.from('0123456789'));
    const head = await oss.head(KEY);
    expect(head.status).toBe(200);
    const headers = head.res.headers as Record<string, string>;
    expect(headers['content-length']).toBe('10');
    expect(Math.abs(Date.parse(headers['last-modified'] ?? '') - Date.now())).toBeLessThan(5000);
    const range = await oss.get(KEY, { headers: { Range: 'bytes=2-4' } } as OSS.GetObjectOptions);
    expect(range.content.toString()).toBe('234');
    await oss.delete(KEY);
    expect(await failure(oss.get(KEY))).toMatchObject({ code: 'NoSuchKey', status: 404 });
    expect(server.stats()).toMatchObject({ put: 1, head: 1, get: 2, delete: 1, requests: 5 });
  });

  it('gets an object by a signed URL until it expires, and not with the URL changed', async () => {
    let offset = 0;
    await start({ clock: () => Date.now() + offset });
    const oss = client({ authorizationV4 });
    await oss.put(KEY, Buffer.from('a picture'));
    const url = authorizationV4
      ? await oss.signatureUrlV4('GET', 60, undefined, KEY)
      : oss.signatureUrl(KEY, { expires: 60 });
    expect(await (await fetch(url)).text()).toBe('a picture');
    expect((await fetch(url.replace('1790000000', '1790000001'))).status).toBe(403);
    offset = 61_000;
    expect((await fetch(url)).status).toBe(403);
  });

  it('is refused with a wrong secret, an unknown key id and a clock that is off', async () => {
    let offset = 15 * 60_000 - 5_000;
    await start({ clock: () => Date.now() + offset });
    await client({ authorizationV4 }).listV2({});
    offset = 15 * 60_000 + 5_000;
    expect(await failure(client({ authorizationV4 }).listV2({}))).toMatchObject({ code: 'RequestTimeTooSkewed' });
    offset = 0;
    const wrong = client({ authorizationV4, accessKeySecret: 'other' });
    expect(await failure(wrong.listV2({}))).toMatchObject({ code: 'SignatureDoesNotMatch', status: 403 });
    const unknown = client({ authorizationV4, accessKeyId: 'nobody' });
    expect(await failure(unknown.listV2({}))).toMatchObject({ code: 'InvalidAccessKeyId', status: 403 });
  });

  it('must carry the token of temporary credentials', async () => {
    await start({ credentials: [{ ...CREDENTIAL, securityToken: 'the-token' }] });
    const temporary = (stsToken: string) => client({ authorizationV4, stsToken, refreshSTSTokenInterval: 1e9 });
    await temporary('the-token').listV2({});
    expect(await failure(temporary('another').listV2({}))).toMatchObject({ code: 'InvalidSecurityToken' });
    expect(await failure(client({ authorizationV4 }).listV2({}))).toMatchObject({ code: 'InvalidSecurityToken' });
  });
});

describe('the address of a bucket', () => {
  it('may be a host of its own, as in production', async () => {
    await start();
    const oss = client({ endpoint: `http://127.0.0.1:${server.port}`, sldEnable: false });
    await oss.put('a/b.jpg', Buffer.from('x'));
    expect((await oss.listV2({})).objects.map((object) => object.name)).toEqual(['a/b.jpg']);
  });

  it('must be in the region that signed', async () => {
    await start({ buckets: [{ name: 'snaps', region: 'cn-beijing' }] });
    expect(await failure(client().listV2({}))).toMatchObject({ code: 'AccessDenied', status: 403 });
    await client({ region: 'oss-cn-beijing' }).listV2({});
  });
});

describe('errors', () => {
  it('name a missing bucket in a body, and for a HEAD in x-oss-err', async () => {
    await start();
    const oss = client({ bucket: 'elsewhere' });
    expect(await failure(oss.listV2({}))).toMatchObject({ code: 'NoSuchBucket', status: 404 });
    const url = await oss.signatureUrlV4('HEAD' as OSS.HTTPMethods, 60, undefined, 'x');
    const head = await fetch(url, { method: 'HEAD' });
    expect(head.status).toBe(404);
    const text = Buffer.from(head.headers.get('x-oss-err') ?? '', 'base64').toString();
    expect(text).toContain('<Code>NoSuchBucket</Code>');
    expect(text).toContain('<BucketName>elsewhere</BucketName>');
  });

  it('come to a request without a signature', async () => {
    await start();
    const answer = await fetch(`${server.url}/snaps/?list-type=2`);
    expect(answer.status).toBe(403);
    expect(answer.headers.get('x-oss-request-id')).toMatch(/^[0-9A-F]{24}$/);
    expect(await answer.text()).toContain('<Code>AccessDenied</Code>');
  });

  it('come to a page of 0 and of 1,001 keys, not to one of 1,000', async () => {
    await start();
    expect(await failure(client().listV2({ 'max-keys': 0 }))).toMatchObject({ code: 'InvalidArgument', status: 400 });
    expect(await failure(client().listV2({ 'max-keys': 1001 }))).toMatchObject({ code: 'InvalidArgument' });
    await client().listV2({ 'max-keys': 1000 });
  });
});

describe('a listing', () => {
  const KEYS = ['s/～', 's/😀', 's/a', 's/a/1', 's/a/2', 's/b.jpg', 's/b/1', 's/b0', 't'].toSorted(compareKeys);
  const fill = (keys: readonly string[]) => {
    for (const key of keys) server.store('snaps').put({ key, body: Buffer.alloc(3), lastModified: 1_790_000_000_999 });
  };
  const names = (page: OSS.ListV2ObjectResult) => page.objects.map((object) => object.name);

  it('gives keys in byte order after start-after, which itself is left out and need not exist', async () => {
    await start();
    fill(KEYS);
    const all = await client().listV2({ prefix: 's/' });
    expect(names(all)).toEqual(KEYS.filter((key) => key.startsWith('s/')));
    expect(all.objects[0]).toMatchObject({ lastModified: '2026-09-21T14:13:20.000Z', size: 3, type: 'Normal' });
    expect(names(await client().listV2({ prefix: 's/', 'start-after': 's/a/1' }))[0]).toBe('s/a/2');
    expect(names(await client().listV2({ prefix: 's/', 'start-after': 's/a/11' }))[0]).toBe('s/a/2');
    expect(names(await client().listV2({ prefix: 's/', 'start-after': 's/～' }))).toEqual(['s/😀']);
  });

  it('is paged by tokens to the very end, 100 keys a page unless asked otherwise', async () => {
    await start();
    fill(Array.from({ length: 250 }, (_, index) => `k/${String(index).padStart(4, '0')}`));
    expect(names(await client().listV2({}))).toHaveLength(100);
    const seen: string[] = [];
    let token: string | null = null;
    do {
      const query: OSS.ListV2ObjectsQuery = { prefix: 'k/', 'max-keys': 125 };
      if (token) query['continuation-token'] = token;
      const page: OSS.ListV2ObjectResult = await client().listV2(query);
      expect(page.keyCount).toBe(page.objects.length);
      expect(page.isTruncated).toBe(Boolean(page.nextContinuationToken));
      seen.push(...names(page));
      token = page.nextContinuationToken;
    } while (token);
    expect(seen).toHaveLength(250);
    expect(server.stats()).toMatchObject({ list: 3, keysListed: 350 });
  });

  it('groups by delimiter across pages without reading what lies inside', async () => {
    await start();
    fill(KEYS);
    const found: string[] = [];
    let token: string | null = null;
    do {
      const query: OSS.ListV2ObjectsQuery = { prefix: 's/', delimiter: '/', 'max-keys': 2 };
      if (token) query['continuation-token'] = token;
      const page: OSS.ListV2ObjectResult = await client().listV2(query);
      found.push(...names(page), ...(page.prefixes ?? []));
      token = page.nextContinuationToken;
    } while (token);
    expect(found.toSorted(compareKeys)).toEqual(['s/a', 's/a/', 's/b.jpg', 's/b/', 's/b0', 's/～', 's/😀']);
  });

  it('cannot be read raw with a control character in it, but can be URL-encoded', async () => {
    await start();
    fill(['c/\u0001 +&.jpg']);
    expect(await failure(client().listV2({ prefix: 'c/' }))).not.toBeNull();
    const page = await client().listV2({ prefix: 'c/', 'encoding-type': 'url' });
    expect(names(page)).toEqual(['c%2F%01+%2B%26.jpg']);
  });

  it('names the owner only where asked', async () => {
    await start();
    fill(['a']);
    expect((await client().listV2({})).objects[0]?.owner).toBeNull();
    expect((await client().listV2({ 'fetch-owner': true })).objects[0]?.owner).toMatchObject({
      id: expect.any(String),
    });
  });

  it('is refused beyond the keys that a bucket serves in a second, when that limit is on', async () => {
    await start({ keysPerSecond: 20 });
    fill(Array.from({ length: 30 }, (_, index) => `k${index}`));
    const answers = await Promise.all(Array.from({ length: 8 }, () => failure(client().listV2({ 'max-keys': 10 }))));
    const refused = answers.filter((answer) => answer !== null);
    expect(refused.length).toBeGreaterThanOrEqual(2);
    expect(refused[0]).toMatchObject({ code: 'PartitionQpsLimitted', status: 503 });
    expect(server.stats().throttled).toBe(refused.length);
  });
});

describe('a strict signature', () => {
  it('refuses what ali-oss signs for an empty parameter, so that a client learns to leave it out', async () => {
    await start();
    expect(await failure(client().listV2({ prefix: '' }))).toMatchObject({ code: 'SignatureDoesNotMatch' });
    await client().listV2({});
  });
});

describe('a bucket with a store of its own', () => {
  it('serves generated keys without holding them', async () => {
    const keyOf = (index: number) => `k/${String(index).padStart(7, '0')}`;
    const store: ObjectStore = {
      list: (_prefix, startAfter, limit) => {
        const first = startAfter === '' ? 0 : Number(startAfter.slice(2)) + 1;
        const length = Math.max(0, Math.min(limit, 1_000_000 - first));
        return Array.from({ length }, (_, index) => ({
          key: keyOf(first + index),
          lastModified: 0,
          sizeBytes: 1,
          etag: '0',
        }));
      },
      head: () => null,
      get: () => null,
      put: () => {
        throw new Error('read-only');
      },
      delete: () => false,
    };
    await start({ buckets: [{ name: 'snaps', store }] });
    const page = await client().listV2({ 'max-keys': 1000, 'start-after': keyOf(998_999) });
    expect(page).toMatchObject({ keyCount: 1000, isTruncated: false });
    expect(page.objects.at(-1)?.name).toBe(keyOf(999_999));
  });
});

describe('lifecycle rules', () => {
  it('are given as set, and NoSuchLifecycle where there are none', async () => {
    await start();
    expect(await failure(client().getBucketLifecycle('snaps'))).toMatchObject({ code: 'NoSuchLifecycle' });
    server.bucket('snaps').lifecycle.push({ id: 'r', prefix: 'snapshot/', enabled: true, days: 30 });
    const { rules } = await client().getBucketLifecycle('snaps');
    expect(rules).toMatchObject([{ id: 'r', prefix: 'snapshot/', status: 'Enabled', expiration: { days: '30' } }]);
  });
});

describe('faults', () => {
  it('hit the kind and the number of requests asked for, and are counted', async () => {
    await start();
    server.faults.set({ kind: 'list', mode: '503-slow-down', times: 2 });
    await client().put('a', Buffer.from('x'));
    expect(await failure(client().listV2({}))).toMatchObject({ status: 503, code: 'SlowDown' });
    expect(await failure(client().listV2({}))).toMatchObject({ status: 503 });
    await client().listV2({});
    expect(server.faults.counts()).toEqual({ '503-slow-down': 2 });
  });

  it('can be taken back', async () => {
    await start();
    const stop = server.faults.set({ kind: 'any', mode: 'reset' });
    expect(await failure(client().listV2({}))).not.toBeNull();
    stop();
    await client().listV2({});
  });
});
