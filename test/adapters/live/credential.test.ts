import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { defaultCredential } from '../../../src/adapters/live/credential.ts';
import { createLiveApi } from '../../../src/adapters/live/live-api.ts';
import { startLiveServer } from '../../../src/sandbox/live/live-server.ts';
import { VendorState } from '../../../src/sandbox/live/vendor-state.ts';
import { DOMAIN } from './live-api-contract.ts';

const MINUTE = 60_000;

/** Stands where ALIBABA_CLOUD_CREDENTIALS_URI leads: hands out STS credentials, each time others. */
let source: Server;
let handedOut: number;
let livesForMs: number;
let isAway: boolean;
beforeEach(async () => {
  handedOut = 0;
  livesForMs = 60 * MINUTE;
  isAway = false;
  source = createServer((_, response) => {
    if (isAway) return void response.writeHead(503).end();
    handedOut += 1;
    response.end(
      JSON.stringify({
        Code: 'Success',
        AccessKeyId: `STS.${handedOut}`,
        AccessKeySecret: `the-secret-of-the-test-${handedOut}`,
        SecurityToken: `token-${handedOut}`,
        Expiration: new Date(Date.now() + livesForMs).toISOString().replace(/\.\d+Z$/, 'Z'),
      }),
    );
  });
  await new Promise<void>((resolve) => source.listen(0, '127.0.0.1', resolve));
  // Nothing of this machine's own.
  for (const name of ['ACCESS_KEY_ID', 'ACCESS_KEY_SECRET', 'SECURITY_TOKEN', 'ROLE_ARN', 'PROFILE']) {
    vi.stubEnv(`ALIBABA_CLOUD_${name}`, undefined);
  }
  vi.stubEnv('ALIBABA_CLOUD_ECS_METADATA_DISABLED', 'true');
  vi.stubEnv('ALIBABA_CLOUD_CLI_PROFILE_DISABLED', 'true');
  vi.stubEnv('ALIBABA_CLOUD_CREDENTIALS_FILE', `${os.tmpdir()}/no-such-file`);
  vi.stubEnv('ALIBABA_CLOUD_CREDENTIALS_URI', `http://127.0.0.1:${(source.address() as AddressInfo).port}/`);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await new Promise((resolve) => source.close(resolve));
});

describe('the default chain', () => {
  it('takes the key pair of the environment first', async () => {
    vi.stubEnv('ALIBABA_CLOUD_ACCESS_KEY_ID', 'LTAItest');
    vi.stubEnv('ALIBABA_CLOUD_ACCESS_KEY_SECRET', 'the-secret-of-the-test');
    expect(await defaultCredential().getCredential()).toMatchObject({
      accessKeyId: 'LTAItest',
      accessKeySecret: 'the-secret-of-the-test',
    });
    expect(handedOut).toBe(0);
  });

  it('keeps STS credentials while they last, and signs with new ones before they run out', async () => {
    const state = new VendorState();
    state.addDomain({ domain: DOMAIN });
    const sts = (n: number) => ({
      accessKeyId: `STS.${n}`,
      accessKeySecret: `the-secret-of-the-test-${n}`,
      securityToken: `token-${n}`,
    });
    const server = await startLiveServer({ state, credentials: [sts(1), sts(2)] });
    const api = createLiveApi({ endpoint: server.url, credential: defaultCredential(), retries: 0 });
    try {
      for (let call = 0; call < 3; call += 1) await api.callbackAuth(DOMAIN);
      expect(handedOut).toBe(1);
      // The clock alone is faked: sockets and timers go on.
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 59 * MINUTE });
      await api.callbackAuth(DOMAIN).catch(() => {});
      expect(handedOut).toBe(2);
    } finally {
      vi.useRealTimers();
      await api.close();
      await server.close();
    }
  });

  it('is asked from its beginning again after it gave nothing: a source that was away at the start may come back', async () => {
    const credential = defaultCredential();
    isAway = true;
    await expect(credential.getCredential()).rejects.toThrow();
    vi.stubEnv('ALIBABA_CLOUD_ACCESS_KEY_ID', 'LTAItest');
    vi.stubEnv('ALIBABA_CLOUD_ACCESS_KEY_SECRET', 'the-secret-of-the-test');
    expect(await credential.getCredential()).toMatchObject({ accessKeyId: 'LTAItest' });
  });
});
