import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { VendorRefusal } from './vendor-refusal.ts';

export interface VendorCredential {
  accessKeyId: string;
  accessKeySecret: string;
  /** Set for STS credentials: the call must carry it in `x-acs-security-token`. */
  securityToken?: string;
}

export interface SignedCall {
  method: string;
  pathname: string;
  query: URLSearchParams;
  headers: Record<string, string>;
  body: Buffer;
}

const ALGORITHM = 'ACS3-HMAC-SHA256';
const AUTHORIZATION = /^ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})$/;
const MAX_SKEW_MS = 15 * 60_000;

const sha256 = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex');

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function canonicalQuery(query: URLSearchParams): string {
  return [...query.entries()]
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([name, value]) => `${name}=${encode(value)}`)
    .join('&');
}

/**
 * Verifies ACS3-HMAC-SHA256 as measured in reference/live-api.md section 6: the canonical request covers method, path, query,
 * the signed headers and the hash of the body. Throws `VendorRefusal`; the messages name no secret.
 */
export function verifyAcs3(call: SignedCall, credentials: VendorCredential[], nowMs: number): void {
  const match = AUTHORIZATION.exec(call.headers.authorization ?? '');
  if (!match) {
    throw new VendorRefusal(400, 'MissingParameter', 'The request carries no ACS3-HMAC-SHA256 Authorization header.');
  }
  const [, accessKeyId, signedHeaders, signature] = match as unknown as [string, string, string, string];
  const credential = credentials.find((known) => known.accessKeyId === accessKeyId);
  if (!credential) {
    throw new VendorRefusal(404, 'InvalidAccessKeyId.NotFound', 'Specified access key is not found.');
  }
  if ((credential.securityToken ?? '') !== (call.headers['x-acs-security-token'] ?? '')) {
    throw new VendorRefusal(
      400,
      'InvalidSecurityToken.Malformed',
      'The specified parameter "SecurityToken" is not valid.',
    );
  }
  const date = Date.parse(call.headers['x-acs-date'] ?? '');
  if (Number.isNaN(date)) {
    throw new VendorRefusal(
      400,
      'InvalidTimeStamp.Format',
      'Specified time stamp or date value is not well formatted.',
    );
  }
  if (Math.abs(nowMs - date) > MAX_SKEW_MS) {
    throw new VendorRefusal(400, 'InvalidTimeStamp.Expired', 'Specified time stamp or date value is expired.');
  }
  const bodyHash = sha256(call.body);
  if (call.headers['x-acs-content-sha256'] !== bodyHash) {
    throw new VendorRefusal(400, 'InvalidContentSha256', 'The content hash does not match the body.');
  }
  const names = signedHeaders.split(';');
  if (!['host', 'x-acs-action', 'x-acs-date', 'x-acs-version'].every((name) => names.includes(name))) {
    throw new VendorRefusal(400, 'IncompleteSignature', 'The signature does not cover host, action, date and version.');
  }
  const canonical = [
    call.method,
    call.pathname,
    canonicalQuery(call.query),
    ...names.map((name) => `${name}:${(call.headers[name] ?? '').trim()}`),
    '',
    signedHeaders,
    bodyHash,
  ].join('\n');
  const expected = createHmac('sha256', credential.accessKeySecret)
    .update(`${ALGORITHM}\n${sha256(canonical)}`)
    .digest();
  if (!timingSafeEqual(expected, Buffer.from(signature, 'hex'))) {
    throw new VendorRefusal(400, 'SignatureDoesNotMatch', 'Specified signature is not matched with our calculation.');
  }
}
