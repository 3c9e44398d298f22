import { createRequire } from 'node:module';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { staticCredential } from '../../../src/adapters/live/credential.ts';
import { createLiveTransport, type LiveTransport } from '../../../src/adapters/live/live-transport.ts';
import { type LiveServer, startLiveServer } from '../../../src/sandbox/live/live-server.ts';
import { VendorState } from '../../../src/sandbox/live/vendor-state.ts';

const { default: OpenApiUtil } = createRequire(import.meta.url)(
  '@alicloud/openapi-util',
) as typeof import('@alicloud/openapi-util');

const DOMAIN = 'play.example.com';
const KEYS = { accessKeyId: 'LTAItest', accessKeySecret: 'the-secret-of-the-test' };
const CONFIG = {
  DomainName: DOMAIN,
  AppName: 'live',
  TimeInterval: 10,
  OssBucket: 'my-bucket',
  OssEndpoint: 'oss-cn-shanghai.aliyuncs.com',
  SequenceOssObject: '{AppName}/{StreamName}/{UnixTimestamp}.jpg',
};

describe('the stand-in for the Live OpenAPI', () => {
  let state: VendorState;
  let server: LiveServer;
  let vendor: LiveTransport;
  /** The stand-in's clock stands still, so that no call falls into another second on a slow machine. */
  let now: number;

  beforeEach(async () => {
    now = Date.now();
    state = new VendorState({ now: () => now });
    state.addDomain({ domain: DOMAIN, pushDomains: ['push.example.com'] });
    server = await startLiveServer({ state, credentials: [KEYS], clock: { now: () => now } });
    // No pacing of ours: the stand-in's own limits are under test.
    const budget = { reserve: async () => ({ waitMs: 0 }), pause: async () => {} };
    vendor = createLiveTransport({ endpoint: server.url, credential: staticCredential(KEYS), retries: 0, budget });
  });
  afterEach(async () => {
    await vendor.close();
    await server.close();
  });

  it('throttles the calls of a second beyond the documented number', async () => {
    const calls = Array.from({ length: 40 }, () =>
      vendor.call('QuerySnapshotCallbackAuth', DOMAIN, { DomainName: DOMAIN }),
    );
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(30);
    expect(server.stats().refused).toEqual({ 'Throttling.User': 10 });
    now += 100;
    const later = Array.from({ length: 4 }, () =>
      vendor.call('QuerySnapshotCallbackAuth', DOMAIN, { DomainName: DOMAIN }),
    );
    expect((await Promise.allSettled(later)).filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  });

  it('refuses a call whose signed parameters were changed on the way, and one that is sent again', async () => {
    const query = { DomainName: DOMAIN };
    const bodyHash = OpenApiUtil.hexEncode(OpenApiUtil.hash(Buffer.from(''), 'ACS3-HMAC-SHA256'));
    const headers: Record<string, string> = {
      host: new URL(server.url).host,
      'x-acs-action': 'QuerySnapshotCallbackAuth',
      'x-acs-version': '2016-11-01',
      'x-acs-date': `${new Date().toISOString().slice(0, 19)}Z`,
      'x-acs-signature-nonce': 'once',
      'x-acs-content-sha256': bodyHash,
    };
    const signed = { method: 'POST', pathname: '/', query, headers } as unknown as Parameters<
      typeof OpenApiUtil.getAuthorization
    >[0];
    headers.authorization = OpenApiUtil.getAuthorization(
      signed,
      'ACS3-HMAC-SHA256',
      bodyHash,
      KEYS.accessKeyId,
      KEYS.accessKeySecret,
    );
    const send = async (search: string) => {
      const response = await fetch(`${server.url}/?${search}`, { method: 'POST', headers });
      return ((await response.json()) as { Code?: string }).Code ?? response.status;
    };
    expect(await send(`DomainName=${DOMAIN}&Extra=1`)).toBe('SignatureDoesNotMatch');
    expect(await send(`DomainName=${DOMAIN}`)).toBe(200);
    expect(await send(`DomainName=${DOMAIN}`)).toBe('SignatureNonceUsed');
  });

  it.each([
    ['a missing parameter', { TimeInterval: undefined }, 'MissingParam'],
    ['an interval under 5 s', { TimeInterval: 4 }, 'MalformedParam'],
    ['an interval over 3600 s', { TimeInterval: 3601 }, 'MalformedParam'],
    ['an app that begins with a hyphen', { AppName: '-live' }, 'MalformedParam'],
    [
      'a name of 256 bytes',
      { SequenceOssObject: `${'x'.repeat(242)}{Sequence}.jpg` },
      'InvalidSequenceOssObject.Malformed',
    ],
    ['an unknown variable', { SequenceOssObject: '{Sequence}{Date}.jpg' }, 'InvalidSequenceOssObject.Malformed'],
    ['a picture that is no JPG', { SequenceOssObject: '{Sequence}.png' }, 'InvalidSequenceOssObject.Malformed'],
    ['an ingest domain', { DomainName: 'push.example.com' }, 'InvalidDomainName.Malformed'],
  ])('refuses %s', async (_, change, code) => {
    const call = vendor.call('AddLiveAppSnapshotConfig', DOMAIN, { ...CONFIG, ...change });
    await expect(call).rejects.toMatchObject({ code });
  });

  it('takes the bounds: 5 s, 3600 s and a name of 255 bytes', async () => {
    const name = `${'x'.repeat(241)}{Sequence}.jpg`;
    expect(Buffer.byteLength(name)).toBe(255);
    await vendor.call('AddLiveAppSnapshotConfig', DOMAIN, { ...CONFIG, TimeInterval: 5, SequenceOssObject: name });
    await vendor.call('UpdateLiveAppSnapshotConfig', DOMAIN, {
      DomainName: DOMAIN,
      AppName: 'live',
      TimeInterval: 3600,
    });
    expect(state.config(DOMAIN, 'live')).toMatchObject({ intervalSeconds: 3600, sequenceObject: name });
  });

  it('looks back 30 days in the publish list and 365 in the index, and not a second further', async () => {
    now = Math.floor(now / 1_000) * 1_000;
    state.startSession({ domain: DOMAIN, app: 'live', stream: 'cam1' });
    const dayMs = 86_400_000;
    const utc = (at: number) => new Date(at).toISOString().replace('.000', '');
    const look = (action: 'DescribeLiveStreamsPublishList' | 'DescribeLiveStreamSnapshotInfo', from: number) =>
      vendor.call(action, DOMAIN, {
        DomainName: DOMAIN,
        AppName: 'live',
        StreamName: 'cam1',
        StartTime: utc(from),
        EndTime: utc(from + dayMs),
      });
    for (const [action, days] of [
      ['DescribeLiveStreamsPublishList', 30],
      ['DescribeLiveStreamSnapshotInfo', 365],
    ] as const) {
      await look(action, now - days * dayMs);
      await expect(look(action, now - days * dayMs - 1_000)).rejects.toMatchObject({
        code: 'InvalidStartTime.Malformed',
      });
    }
  });

  it('ends one of two overlapping outages without ending the other', async () => {
    const call = () => vendor.call('QuerySnapshotCallbackAuth', DOMAIN, { DomainName: DOMAIN });
    const endFirst = server.faults.set({ mode: 'code', code: 'First' });
    const endSecond = server.faults.set({ mode: 'code', code: 'Second' });
    await expect(call()).rejects.toMatchObject({ code: 'First' });
    endFirst();
    await expect(call()).rejects.toMatchObject({ code: 'Second' });
    endSecond();
    await call();
  });

  it('finds cam10 for cam1 unless asked to be strict', async () => {
    for (const stream of ['cam1', 'cam10']) state.startSession({ domain: DOMAIN, app: 'live', stream });
    const count = async (QueryType: string | undefined) => {
      const query = { DomainName: DOMAIN, StreamName: 'cam1', QueryType };
      return (await vendor.call('DescribeLiveStreamsOnlineList', DOMAIN, query)).TotalNum;
    };
    expect([await count(undefined), await count('strict')]).toEqual([2, 1]);
  });

  it('pages the domains of the account', async () => {
    for (let i = 0; i < 30; i += 1) state.addDomain({ domain: `d${i}.example.com` });
    const second = await vendor.call('DescribeLiveUserDomains', '', { PageNumber: 2, LiveDomainType: 'liveVideo' });
    expect(second).toMatchObject({ TotalCount: 31, PageSize: 20 });
    expect((second.Domains as { PageData: unknown[] }).PageData).toHaveLength(11);
  });
});

describe('what the vendor does with a change', () => {
  it('applies configs and keys to a stream only when its ingest restarts', () => {
    let now = 1_000_000;
    const state = new VendorState({ now: () => now });
    state.addDomain({ domain: DOMAIN });
    const key = { domain: DOMAIN, app: 'live', stream: 'cam01' };
    const early = state.startSession(key);
    now += 1000;
    const config = {
      ...{ domain: DOMAIN, app: 'live', intervalSeconds: 10, bucket: 'b', endpoint: 'e' },
      ...{ sequenceObject: '{Sequence}.jpg', overwriteObject: null, callback: 'https://a.example.com/' },
    };
    state.putConfig(config);
    state.setCallbackAuth(DOMAIN, { enabled: true, key: 'first' });
    const middle = state.startSession(key);
    now += 1000;
    state.changeConfig(DOMAIN, 'live', { intervalSeconds: 20 });
    state.setCallbackAuth(DOMAIN, { enabled: true, key: 'second' });
    const late = state.startSession(key);
    now += 1000;
    state.deleteConfig(DOMAIN, 'live');
    expect(state.configInForce(early).config).toBeNull();
    expect(state.configInForce(middle)).toMatchObject({ config: { intervalSeconds: 10 }, authKey: 'first' });
    expect(state.configInForce(late)).toMatchObject({ config: { intervalSeconds: 20 }, authKey: 'second' });
    expect(state.configInForce(state.startSession(key)).config).toBeNull();
  });

  it('lets an app of its own win over the entry for all apps', () => {
    const state = new VendorState();
    state.addDomain({ domain: DOMAIN });
    const config = {
      ...{ domain: DOMAIN, intervalSeconds: 10, bucket: 'b', endpoint: 'e' },
      ...{ sequenceObject: '{Sequence}.jpg', overwriteObject: null, callback: null },
    };
    state.putConfig({ ...config, app: '*' });
    state.putConfig({ ...config, app: 'live', intervalSeconds: 60 });
    const intervalOf = (app: string) =>
      state.configInForce(state.startSession({ domain: DOMAIN, app, stream: 's' })).config?.intervalSeconds;
    expect([intervalOf('live'), intervalOf('other')]).toEqual([60, 10]);
  });
});
