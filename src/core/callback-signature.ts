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

/** `timestamp` and `signature` are the headers ALI-LIVE-TIMESTAMP (Unix seconds) and ALI-LIVE-SIGNATURE as they came. */
export function checkSignature(request: {
  timestamp: string | undefined;
  signature: string | undefined;
  hosts: readonly SignedHost[];
  keys: readonly CallbackKey[];
  now: Instant;
  clockWindowSeconds: number;
}): SignatureCheck {
  if (request.keys.length === 0) return { outcome: 'unchecked' };
  const { timestamp, signature } = request;
  if (!timestamp || !signature) return { outcome: 'rejected', problem: 'signature-missing' };
  if (!HEX_MD5.test(signature)) return { outcome: 'rejected', problem: 'signature-malformed' };
  if (!SECONDS.test(timestamp)) return { outcome: 'rejected', problem: 'timestamp-malformed' };
  const given = Buffer.from(signature, 'hex');
  for (const key of request.keys) {
    for (const { host, form } of request.hosts) {
      const expected = hash('md5', `${host}|${timestamp}|${key.secret}`, 'buffer');
      if (!timingSafeEqual(expected, given)) continue;
      // Told apart only for whoever holds the key: a wrong clock is a finding, a wrong signature is noise.
      const skewMs = Math.abs(request.now - Number(timestamp) * 1000);
      if (skewMs > request.clockWindowSeconds * 1000)
        return { outcome: 'rejected', problem: 'timestamp-outside-window' };
      return { outcome: 'verified', key: key.name, hostForm: form };
    }
  }
  return { outcome: 'rejected', problem: 'signature-mismatch' };
}
