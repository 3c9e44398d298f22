import { hash, timingSafeEqual } from 'node:crypto';
import type { Instant } from './instant.ts';
import type { SignatureProblem } from './quarantine-reason.ts';

/**
 * The vendor signs a callback as `md5(host|timestamp|key)` in lower-case hex; neither body nor path is covered
 * (reference/live-api.md 2.1, doc 417349). Whether a port that is not the default belongs to `host` is not documented, so both
 * forms are tried and the one that matched is reported.
 */
export interface CallbackKey {
  /** A changed key counts only after the stream is pushed again, so both are in use for a while. */
  name: 'current' | 'previous';
  secret: string;
}

export type HostForm = 'host' | 'host-port';

export type SignatureCheck =
  | { outcome: 'verified'; key: CallbackKey['name']; hostForm: HostForm }
  /** No key is configured: everything is let in, as an unverified claim. */
  | { outcome: 'unchecked' }
  | { outcome: 'rejected'; problem: SignatureProblem };

export interface SignedHost {
  host: string;
  form: HostForm;
}

export function signCallback(host: string, timestampSeconds: number | string, secret: string): string {
  return hash('md5', `${host}|${timestampSeconds}|${secret}`, 'hex');
}

/** The host forms under which a snapshot callback to this URL may be signed; the form without a port first. */
export function signedHostsOf(callbackUrl: string): SignedHost[] {
  const url = new URL(callbackUrl);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return [
    { host: url.hostname, form: 'host' },
    { host: `${url.hostname}:${port}`, form: 'host-port' },
  ];
}

const HEX_MD5 = /^[0-9a-fA-F]{32}$/;
const SECONDS = /^\d{1,12}$/;

/** What a signature is checked against. */
export interface SignedBy {
  hosts: readonly SignedHost[];
  keys: readonly CallbackKey[];
  clockWindowSeconds: number;
}

/** `timestamp` and `signature` are the headers ALI-LIVE-TIMESTAMP (Unix seconds) and ALI-LIVE-SIGNATURE as they came. */
export interface SignedRequest {
  timestamp: string | undefined;
  signature: string | undefined;
  now: Instant;
}

const MAX_REMEMBERED = 64;

/**
 * Checks many requests that are signed for the same hosts. Callbacks of one second carry one signature, for it covers nothing else: the
 * digests of the last seconds that were verified are remembered, and compared like any other.
 */
export function createSignatureCheck({
  hosts,
  keys,
  clockWindowSeconds,
}: SignedBy): (request: SignedRequest) => SignatureCheck {
  const remembered = new Map<string, Explanation>();

  function explain(timestamp: string, given: Buffer): Explanation | null {
    const known = remembered.get(timestamp);
    if (known !== undefined && timingSafeEqual(known.digest, given)) return known;
    for (const key of keys) {
      for (const { host, form } of hosts) {
        const digest = hash('md5', `${host}|${timestamp}|${key.secret}`, 'buffer');
        if (!timingSafeEqual(digest, given)) continue;
        if (remembered.size >= MAX_REMEMBERED) remembered.delete(remembered.keys().next().value as string);
        const explanation = { digest, key: key.name, hostForm: form };
        remembered.set(timestamp, explanation);
        return explanation;
      }
    }
    return null;
  }

  return ({ timestamp, signature, now }) => {
    if (keys.length === 0) return { outcome: 'unchecked' };
    if (!timestamp || !signature) return { outcome: 'rejected', problem: 'signature-missing' };
    if (!HEX_MD5.test(signature)) return { outcome: 'rejected', problem: 'signature-malformed' };
    if (!SECONDS.test(timestamp)) return { outcome: 'rejected', problem: 'timestamp-malformed' };
    const explanation = explain(timestamp, Buffer.from(signature, 'hex'));
    if (explanation === null) return { outcome: 'rejected', problem: 'signature-mismatch' };
    // Told apart only for whoever holds the key: a wrong clock is a finding, a wrong signature is noise.
    const skewMs = Math.abs(now - Number(timestamp) * 1000);
    if (skewMs > clockWindowSeconds * 1000) return { outcome: 'rejected', problem: 'timestamp-outside-window' };
    return { outcome: 'verified', key: explanation.key, hostForm: explanation.hostForm };
  };
}

interface Explanation {
  digest: Buffer;
  key: CallbackKey['name'];
  hostForm: HostForm;
}

/** One request alone. */
export function checkSignature(request: SignedBy & SignedRequest): SignatureCheck {
  return createSignatureCheck(request)(request);
}
