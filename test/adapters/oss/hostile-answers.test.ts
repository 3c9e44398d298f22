import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { CouldNotLookError } from '../../../src/ports.ts';
import type { OssFaultMode } from '../../../src/sandbox/oss/faults.ts';
import { CREDENTIAL, startPair } from './start-pair.ts';

/** What a fault must be called, and whether waiting may help. */
const LIST_TRAPS: Array<[mode: OssFaultMode, reason: string, transient: boolean]> = [
  ['503-slow-down', 'throttled', true],
  ['500-xml', 'server-error', true],
  ['500-html', 'server-error', true],
  ['timeout', 'timeout', true],
  ['stall-body', 'timeout', true],
  ['reset', 'unreachable', true],
  ['200-html', 'bad-answer', true],
  ['200-error-xml', 'bad-answer', true],
  ['truncated-without-token', 'bad-answer', true],
  ['no-key-count', 'bad-answer', true],
  ['cut-body', 'bad-answer', true],
  ['cut-xml', 'bad-answer', true],
  ['empty-200', 'bad-answer', true],
  ['404-no-body', 'bad-answer', true],
  ['access-denied', 'access-denied', false],
];

const failureOf = (promise: Promise<unknown>): Promise<CouldNotLookError> =>
  promise.then(
    (value) => {
      throw new Error(`expected a failure, got ${JSON.stringify(value)}`);
    },
    (error) => {
      if (error instanceof CouldNotLookError) return error;
      throw error;
    },
  );

describe('a listing answered with', () => {
  it.each(LIST_TRAPS)('%s is a failure named %s, never an empty listing', async (mode, reason, transient) => {
    await using pair = await startPair({ timeoutMs: 150 });
    pair.put('a', 'b', 'c');
    pair.server.faults.set({ kind: 'list', mode });
    const failure = await failureOf(pair.bucket.listPage({ prefix: '' }));
    expect(failure).toMatchObject({ reason, transient });
    expect(failure.message).toMatch(/^List bucket "snaps" under "" at http:\/\/localhost:\d+: .+; .+\.$/);
    expect(pair.server.faults.counts()).toEqual({ [mode]: 1 });
  });

  it.each(LIST_TRAPS.filter(([, , transient]) => transient))('%s twice recovers by itself', async (mode) => {
    const warnings: string[] = [];
    await using pair = await startPair({
      timeoutMs: 150,
      retries: 2,
      logger: { warn: (_fields, message) => warnings.push(message) },
    });
    pair.put('a', 'b', 'c');
    pair.server.faults.set({ kind: 'list', mode, times: 2 });
    const page = await pair.bucket.listPage({ prefix: '' });
    expect(page.objects.map((object) => object.key)).toEqual(['a', 'b', 'c']);
    expect(pair.buckets.calls()).toEqual({ list: 3, head: 0, keys: 3 });
    expect(warnings).toHaveLength(2);
  });

  it('a refusal is not tried again', async () => {
    await using pair = await startPair({ retries: 5 });
    pair.server.faults.set({ kind: 'list', mode: 'access-denied' });
    await failureOf(pair.bucket.listPage({ prefix: '' }));
    expect(pair.server.stats().list).toBe(1);
  });

  it('a token that leads back to the same page is a failure, on the first page and on a later one', async () => {
    await using pair = await startPair();
    pair.put('a', 'b', 'c', 'd');
    const first = await pair.bucket.listPage({ prefix: '', maxKeys: 2 });
    pair.server.faults.set({ kind: 'list', mode: 'repeated-token', times: 1 });
    const later = pair.bucket.listPage({ prefix: '', maxKeys: 2, token: first.nextToken ?? '' });
    expect((await failureOf(later)).message).toContain('its next token is the one just used');

    pair.server.faults.set({ kind: 'list', mode: 'repeated-token', times: 1 });
    const hostile = await pair.bucket.listPage({ prefix: '', maxKeys: 2 });
    const again = pair.bucket.listPage({ prefix: '', maxKeys: 2, token: hostile.nextToken ?? '' });
    expect((await failureOf(again)).message).toContain('its keys do not go on in order');
  });

  it('nobody at all is unreachable', async () => {
    await using pair = await startPair();
    await pair.server.close();
    expect(await failureOf(pair.bucket.listPage({ prefix: '' }))).toMatchObject({
      reason: 'unreachable',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});

const HEAD_TRAPS: Array<[mode: OssFaultMode, reason: string]> = [
  ['503-slow-down', 'throttled'],
  ['500-xml', 'server-error'],
  ['500-html', 'server-error'],
  ['timeout', 'timeout'],
  ['reset', 'unreachable'],
  ['200-html', 'bad-answer'],
  ['empty-200', 'bad-answer'],
  ['404-no-body', 'bad-answer'],
  ['access-denied', 'access-denied'],
];

describe('looking up a key that is there, answered with', () => {
  it.each(HEAD_TRAPS)('%s is a failure named %s, never "absent"', async (mode, reason) => {
    await using pair = await startPair({ timeoutMs: 150 });
    pair.put('a');
    pair.server.faults.set({ kind: 'head', mode });
    expect(await failureOf(pair.bucket.head('a'))).toMatchObject({ reason });
  });

  it.each(HEAD_TRAPS.filter(([, reason]) => reason !== 'access-denied'))('%s once recovers by itself', async (mode) => {
    await using pair = await startPair({ timeoutMs: 150, retries: 1 });
    pair.put('a');
    pair.server.faults.set({ kind: 'head', mode, times: 1 });
    expect(await pair.bucket.head('a')).toMatchObject({ key: 'a', sizeBytes: 5 });
  });
});

describe('looking up a key that is not there', () => {
  it('costs one listing as proof, and is a failure while that cannot be had', async () => {
    await using pair = await startPair();
    expect(await pair.bucket.head('a')).toBeNull();
    expect(pair.buckets.calls()).toMatchObject({ head: 1, list: 1 });
    pair.server.faults.set({ kind: 'list', mode: '503-slow-down', times: 1 });
    expect(await failureOf(pair.bucket.head('a'))).toMatchObject({ reason: 'throttled' });
    expect(await pair.bucket.head('a')).toBeNull();
  });
});

describe('lifecycle rules answered with', () => {
  it.each([
    ['200-html', 'bad-answer'],
    ['200-error-xml', 'bad-answer'],
    ['empty-200', 'bad-answer'],
    ['404-no-body', 'bad-answer'],
    ['503-slow-down', 'throttled'],
  ] as const)('%s are a failure named %s, never "no rules"', async (mode, reason) => {
    await using pair = await startPair();
    pair.server.bucket('snaps').lifecycle.push({ id: 'r', prefix: '', days: 30, enabled: true });
    pair.server.faults.set({ kind: 'lifecycle', mode });
    expect(await failureOf(pair.bucket.lifecycleRules())).toMatchObject({ reason });
  });

  it('leave out what is disabled', async () => {
    await using pair = await startPair();
    pair.server.bucket('snaps').lifecycle.push({ id: 'r', prefix: '', days: 30, enabled: false });
    expect(await pair.bucket.lifecycleRules()).toEqual([]);
  });
});

describe('a mistake in the set-up is one sentence that says what to do, without the secret', () => {
  const SECRET = 'a-wrong-secret-value';
  const expectSentence = (failure: CouldNotLookError, reason: string, remedy: RegExp) => {
    expect(failure).toMatchObject({ reason, transient: false });
    expect(failure.message).toMatch(remedy);
    const everything = failure.message + failure.stack + JSON.stringify(failure.cause);
    expect(everything).not.toContain(SECRET);
    expect(everything).not.toContain(CREDENTIAL.accessKeySecret);
    expect(everything).not.toContain('OSS4-HMAC');
  };

  it('for a wrong secret', async () => {
    await using pair = await startPair({ credentials: async () => ({ ...CREDENTIAL, accessKeySecret: SECRET }) });
    const remedy = /SignatureDoesNotMatch.*ALIBABA_CLOUD_ACCESS_KEY_SECRET/;
    expectSentence(await failureOf(pair.bucket.listPage({ prefix: '' })), 'signature', remedy);
    expectSentence(await failureOf(pair.bucket.head('a')), 'signature', remedy);
  });

  it('for an unknown key id', async () => {
    await using pair = await startPair({ credentials: async () => ({ ...CREDENTIAL, accessKeyId: 'LTAI-other' }) });
    expectSentence(await failureOf(pair.bucket.listPage({ prefix: '' })), 'unknown-access-key', /ACCESS_KEY_ID/);
  });

  it('for a missing bucket', async () => {
    await using pair = await startPair();
    const missing = pair.buckets.open('no-such-bucket', 'oss-cn-shanghai.aliyuncs.com');
    expectSentence(await failureOf(missing.listPage({ prefix: '' })), 'no-such-bucket', /OssBucket and OssEndpoint/);
    expectSentence(await failureOf(missing.head('a')), 'no-such-bucket', /OssBucket and OssEndpoint/);
  });

  it('for a bucket in another region', async () => {
    await using pair = await startPair();
    const elsewhere = pair.buckets.open('snaps', 'oss-cn-beijing.aliyuncs.com');
    expectSentence(await failureOf(elsewhere.listPage({ prefix: '' })), 'wrong-endpoint', /set OssEndpoint/);
  });

  it('for an endpoint without a region and a name that no bucket can have', async () => {
    await using pair = await startPair();
    const accelerated = pair.buckets.open('snaps', 'oss-accelerate.aliyuncs.com');
    expectSentence(await failureOf(accelerated.listPage({ prefix: '' })), 'bad-endpoint', /regional/);
    const capital = pair.buckets.open('Snaps', 'oss-cn-shanghai.aliyuncs.com');
    expectSentence(await failureOf(capital.listPage({ prefix: '' })), 'bad-bucket-name', /lower-case/);
  });

  it('for a clock that is off: named, and tried again, for clocks get set', async () => {
    let offset = 16 * 60_000;
    await using pair = await startPair({}, { clock: () => Date.now() + offset });
    expect(await failureOf(pair.bucket.listPage({ prefix: '' }))).toMatchObject({
      reason: 'clock-skew',
      transient: true,
      message: expect.stringContaining('NTP'),
    });
    offset = 0;
    await pair.bucket.listPage({ prefix: '' });
  });

  it('for credentials that cannot be had, without what their source says of it', async () => {
    await using pair = await startPair({
      credentials: async () => {
        throw new Error('error retrieving credentials from credentialsURI result: {"AccessKeySecret":"s3cret"}.');
      },
    });
    const failure = await failureOf(pair.bucket.listPage({ prefix: '' }));
    expect(failure).toMatchObject({ reason: 'no-credentials', message: expect.stringContaining('ALIBABA_CLOUD_') });
    expect(inspect(failure)).not.toContain('s3cret');
    expect(pair.server.stats().requests).toBe(0);
  });
});
