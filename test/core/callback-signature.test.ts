import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkSignature,
  createSignatureCheck,
  signCallback,
  signedHostsOf,
} from '../../src/core/callback-signature.ts';

const NOW = 1_765_800_000_000;
const KEYS = [
  { name: 'current', secret: 'abcdefghijklmnop1234' },
  { name: 'previous', secret: 'oldoldoldoldoldold12' },
] as const;
const HOSTS = signedHostsOf('https://hook.example.com:8443/cb');

function check(over: Partial<Parameters<typeof checkSignature>[0]>) {
  return checkSignature({
    timestamp: '1765800000',
    signature: signCallback('hook.example.com', '1765800000', KEYS[0].secret),
    hosts: HOSTS,
    keys: KEYS,
    now: NOW,
    clockWindowSeconds: 300,
    ...over,
  });
}

describe('signCallback', () => {
  it('gives the digests of the reference', () => {
    expect(signCallback('learn.aliyundoc.com', 1519375990, 'yourkey')).toBe('9e226fc2c250be266e3657e156f68c12');
    expect(signCallback('hook.example.com:8443', 1765800000, 'abcdefghijklmnop1234')).toBe(
      'a4568f247f4b6d3296b6dac37fb2ca41',
    );
  });
});

describe('signedHostsOf', () => {
  it('gives the host without and with its port, the default port too', () => {
    expect(signedHostsOf('https://audit.example.com').map(({ host }) => host)).toEqual([
      'audit.example.com',
      'audit.example.com:443',
    ]);
    expect(signedHostsOf('http://Audit.Example.com:80/x').map(({ host }) => host)).toEqual([
      'audit.example.com',
      'audit.example.com:80',
    ]);
  });
});

describe('checkSignature', () => {
  it('says which key and which form of the host matched', () => {
    expect(check({})).toEqual({ outcome: 'verified', key: 'current', hostForm: 'host' });
    const signature = signCallback('hook.example.com:8443', '1765800000', KEYS[1].secret);
    expect(check({ signature })).toEqual({ outcome: 'verified', key: 'previous', hostForm: 'host-port' });
  });

  it('takes hex of either case', () => {
    const signature = signCallback('hook.example.com', '1765800000', KEYS[0].secret).toUpperCase();
    expect(check({ signature }).outcome).toBe('verified');
  });

  it('holds the clock window on both sides', () => {
    for (const [skewMs, outcome] of [
      [300_000, 'verified'],
      [300_001, 'rejected'],
      [-300_000, 'verified'],
      [-300_001, 'rejected'],
    ] as const) {
      expect(check({ now: NOW + skewMs }).outcome).toBe(outcome);
    }
    expect(check({ now: NOW + 300_001 })).toEqual({ outcome: 'rejected', problem: 'timestamp-outside-window' });
  });

  it('rejects with the reason', () => {
    expect(check({ signature: undefined })).toMatchObject({ problem: 'signature-missing' });
    expect(check({ timestamp: undefined })).toMatchObject({ problem: 'signature-missing' });
    expect(check({ signature: 'xyz' })).toMatchObject({ problem: 'signature-malformed' });
    expect(check({ timestamp: '17658e5' })).toMatchObject({ problem: 'timestamp-malformed' });
    expect(check({ signature: '0'.repeat(32) })).toMatchObject({ problem: 'signature-mismatch' });
    expect(check({ timestamp: '1765800001' })).toMatchObject({ problem: 'signature-mismatch' });
    const other = signCallback('evil.example.com', '1765800000', KEYS[0].secret);
    expect(check({ signature: other })).toMatchObject({ problem: 'signature-mismatch' });
  });

  it('checks nothing where no key is configured', () => {
    expect(check({ keys: [], signature: undefined })).toEqual({ outcome: 'unchecked' });
  });
});

describe('a check of many requests', () => {
  const signedBy = { hosts: HOSTS, keys: KEYS, clockWindowSeconds: 300 };
  const secrets = [...KEYS.map(({ secret }) => secret), 'a-key-of-nobody'];
  const request = fc.record({
    host: fc.constantFrom(...HOSTS.map(({ host }) => host), 'evil.example.com'),
    second: fc.integer({ min: 0, max: 3 }),
    signedSecond: fc.integer({ min: 0, max: 3 }),
    secret: fc.constantFrom(...secrets),
    skewMs: fc.constantFrom(0, 299_000, 400_000),
  });

  it('says of each what a check of it alone would say, whatever came before', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 30 }), (requests) => {
        const checkNext = createSignatureCheck(signedBy);
        for (const { host, second, signedSecond, secret, skewMs } of requests) {
          const signed = {
            timestamp: String(1_765_800_000 + second),
            signature: signCallback(host, 1_765_800_000 + signedSecond, secret),
            now: NOW + skewMs,
          };
          expect(checkNext(signed)).toEqual(checkSignature({ ...signedBy, ...signed }));
        }
      }),
    );
  });

  it('goes on with seconds that it has long forgotten', () => {
    const checkNext = createSignatureCheck(signedBy);
    for (const second of [...Array(100).keys(), 0]) {
      const timestamp = String(1_765_800_000 + second);
      const signature = signCallback('hook.example.com', timestamp, KEYS[0].secret);
      expect(checkNext({ timestamp, signature, now: NOW })).toMatchObject({ outcome: 'verified', key: 'current' });
    }
  });
});
