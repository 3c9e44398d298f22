import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { staticCredential } from '../../../src/adapters/live/credential.ts';
import { createLiveApi } from '../../../src/adapters/live/live-api.ts';
import { callSpacingMs } from '../../../src/adapters/live/live-limits.ts';
import type { LiveCallReport, LiveTransportOptions } from '../../../src/adapters/live/live-transport.ts';
import { localCallBudget } from '../../../src/adapters/live/local-call-budget.ts';
import { CouldNotLookError, type LiveApi } from '../../../src/ports.ts';
import { type LiveServer, startLiveServer } from '../../../src/sandbox/live/live-server.ts';
import { VendorState } from '../../../src/sandbox/live/vendor-state.ts';
import { createFakeLiveApi } from '../../support/fake-live-api.ts';
import { CONFIG, DOMAIN, liveApiContract, PUSH } from './live-api-contract.ts';

const KEYS = { accessKeyId: 'LTAItest', accessKeySecret: 'the-secret-of-the-test' };

liveApiContract('the adapter over HTTP', async (state, bucketExists) => {
  const server = await startLiveServer({ state, credentials: [KEYS], bucketExists });
  const api = createLiveApi({ endpoint: server.url, credential: staticCredential(KEYS) });
  return {
    api,
    async close() {
      await api.close();
      await server.close();
    },
  };
});

liveApiContract('the fake', async (state, bucketExists) => ({
  api: createFakeLiveApi(state, { bucketExists }),
  close: async () => {},
}));

describe('the adapter in trouble', () => {
  let state: VendorState;
  let server: LiveServer;
  const opened: LiveApi[] = [];
  const reports: LiveCallReport[] = [];

  const open = (options: Partial<LiveTransportOptions> = {}): LiveApi => {
    const api = createLiveApi({
      endpoint: server.url,
      credential: staticCredential(KEYS),
      timeoutMs: 300,
      retryPauseMs: 20,
      onCall: (report) => reports.push(report),
      ...options,
    });
    opened.push(api);
    return api;
  };
  const failure = async (promise: Promise<unknown>): Promise<CouldNotLookError> => {
    const error = await promise.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(CouldNotLookError);
    return error as CouldNotLookError;
  };

  beforeEach(async () => {
    reports.length = 0;
    state = new VendorState();
    state.addDomain({ domain: DOMAIN, pushDomains: [PUSH] });
    server = await startLiveServer({
      state,
      credentials: [KEYS, { ...KEYS, accessKeyId: 'STS.x', securityToken: 'tok' }],
    });
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((api) => api.close()));
    await server.close();
  });

  it.each([
    ['500-json', 'service-failed'],
    ['503-html', 'bad-answer'],
    ['non-json-200', 'bad-answer'],
    ['throttle', 'throttled'],
    ['timeout', 'timeout'],
    ['reset', 'unreachable'],
  ] as const)('gets over a passing %s', async (mode, outcome) => {
    server.faults.set({ mode, times: 2 });
    expect(await open().callbackAuth(DOMAIN)).toEqual({ enabled: false, key: null });
    expect(reports.map((report) => report.outcome)).toEqual([outcome, outcome, 'ok']);
  });

  it.each([
    ['500-json', 'service-failed'],
    ['503-html', 'bad-answer'],
    ['non-json-200', 'bad-answer'],
    ['throttle', 'throttled'],
    ['timeout', 'timeout'],
    ['reset', 'unreachable'],
  ] as const)('says "could not look" about a lasting %s, never an empty list', async (mode, reason) => {
    server.faults.set({ mode });
    const error = await failure(open({ retries: 1 }).snapshotConfigs(DOMAIN));
    expect(error).toMatchObject({ reason, transient: true });
    expect(server.stats().calls).toEqual({ DescribeLiveSnapshotConfig: 2 });
  });

  it('does not repeat what the vendor refused', async () => {
    server.faults.set({ mode: 'code', code: 'MalformedParam' });
    await expect(open().callbackAuth(DOMAIN)).rejects.toMatchObject({ code: 'MalformedParam' });
    expect(server.stats().calls).toEqual({ QuerySnapshotCallbackAuth: 1 });
  });

  it.each([
    [{ ...KEYS, accessKeySecret: 'not-the-one-of-this-key' }, 'bad-signature', 'ALIBABA_CLOUD_ACCESS_KEY_SECRET'],
    [{ ...KEYS, accessKeyId: 'nobody' }, 'unknown-access-key', 'ALIBABA_CLOUD_ACCESS_KEY_ID'],
    [{ ...KEYS, accessKeyId: 'STS.x', securityToken: 'bad' }, 'bad-security-token', 'STS token'],
  ])('says which credential is at fault, once, and shows no secret', async (keys, reason, remedy) => {
    const error = await failure(open({ credential: staticCredential(keys) }).snapshotConfigs(DOMAIN));
    expect(error).toMatchObject({ reason, transient: false });
    expect(error.message).toContain(remedy);
    expect(`${error.message} ${JSON.stringify(error)}`).not.toContain(keys.accessKeySecret);
    expect(server.stats().calls).toEqual({ DescribeLiveSnapshotConfig: 1 });
  });

  it('signs with STS credentials, asked for anew at every call', async () => {
    let asked = 0;
    const sts = staticCredential({ ...KEYS, accessKeyId: 'STS.x', securityToken: 'tok' });
    const credential = {
      getCredential: () => {
        asked += 1;
        return sts.getCredential();
      },
    };
    const api = open({ credential });
    await api.callbackAuth(DOMAIN);
    await api.callbackAuth(DOMAIN);
    expect(asked).toBe(2);
  });

  it('says so when there are no credentials', async () => {
    const credential = { getCredential: () => Promise.reject(new Error('profile /home/x/.aliyun has secret s3cr3t')) };
    const error = await failure(open({ credential }).callbackAuth(DOMAIN));
    expect(error.reason).toBe('no-credentials');
    expect(error.message).not.toContain('s3cr3t');
  });

  it('names the clock when the vendor finds it off', async () => {
    await server.close();
    server = await startLiveServer({ state, credentials: [KEYS], clock: { now: () => Date.now() + 16 * 60_000 } });
    expect(await failure(open().callbackAuth(DOMAIN))).toMatchObject({ reason: 'clock-skew', transient: false });
  });

  it('says "unreachable" where nobody listens', async () => {
    const endpoint = server.url;
    await server.close();
    expect(await failure(open({ endpoint, retries: 0 }).callbackAuth(DOMAIN))).toMatchObject({ reason: 'unreachable' });
    server = await startLiveServer({ state, credentials: [KEYS] });
  });

  it('stays under the limit: 120 calls at 30 a second, from two replicas, none refused, near the limit’s pace', async () => {
    const budget = localCallBudget();
    const replicas = [open({ budget }), open({ budget })];
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: 120 }, (_, i) => replicas[i % 2]!.callbackAuth(DOMAIN)));
    const seconds = (performance.now() - startedAt) / 1000;
    expect(server.stats().refused).toEqual({});
    expect(seconds).toBeGreaterThan((119 * callSpacingMs('QuerySnapshotCallbackAuth')) / 1000 - 0.1);
    expect(seconds).toBeLessThan(6);
  });

  it('waits a second after throttling before it asks again', async () => {
    server.faults.set({ mode: 'throttle', times: 1 });
    const startedAt = performance.now();
    await open({ retryPauseMs: 1 }).callbackAuth(DOMAIN);
    expect(performance.now() - startedAt).toBeGreaterThan(950);
  });

  it('lets an Add whose answer was lost report that the config exists', async () => {
    server.faults.set({ mode: 'timeout-after-effect', times: 1 });
    await expect(open().addSnapshotConfig(CONFIG)).rejects.toMatchObject({ code: 'ConfigAlreadyExists' });
    expect(state.config(DOMAIN, 'live')).toMatchObject(CONFIG);
  });
});
