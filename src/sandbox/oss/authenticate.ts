import { timingSafeEqual } from 'node:crypto';
import { OssFailure } from './oss-failure.ts';
import { signV1, stringToSignV1 } from './signature-v1.ts';
import { signV4, stringToSignV4, V4_ALGORITHM, V4_MAX_URL_SECONDS, type V4Scope } from './signature-v4.ts';
import type { Credential, SignedRequest } from './signed-request.ts';

const MAX_SKEW_MS = 15 * 60_000;

export interface AuthenticationContext {
  credentials: readonly Credential[];
  /** Region of the bucket asked for; null where there is no such bucket (its absence is told only to the authenticated). */
  region: string | null;
  now: number;
}

/** Returns the key id that signed the request; throws `OssFailure` as OSS would refuse it. */
export function authenticate(request: SignedRequest, context: AuthenticationContext): string {
  const query = new Map(request.query);
  const authorization = request.headers.authorization;
  if (authorization?.startsWith(V4_ALGORITHM)) return authenticateV4Header(request, authorization, context);
  if (authorization?.startsWith('OSS ')) return authenticateV1Header(request, authorization, context);
  if (query.get('x-oss-signature-version') === V4_ALGORITHM) return authenticateV4Url(request, query, context);
  if (query.has('Signature') && query.has('OSSAccessKeyId')) return authenticateV1Url(request, query, context);
  throw new OssFailure('AccessDenied', 'You have no right to access this object because of bucket acl.');
}

function authenticateV1Header(request: SignedRequest, authorization: string, context: AuthenticationContext): string {
  const separator = authorization.lastIndexOf(':');
  const date = request.headers['x-oss-date'] ?? request.headers.date ?? '';
  const signedAt = Date.parse(date);
  if (separator < 0 || Number.isNaN(signedAt)) {
    throw new OssFailure('AccessDenied', 'OSS authentication requires a valid Date.');
  }
  const credential = findCredential(authorization.slice('OSS '.length, separator), context);
  requireToken(credential, request.headers['x-oss-security-token']);
  requireSmallSkew(signedAt, context.now);
  const stringToSign = stringToSignV1(request, date);
  requireSignature(
    signV1(credential.accessKeySecret, stringToSign),
    authorization.slice(separator + 1),
    stringToSign,
    credential,
  );
  return credential.accessKeyId;
}

function authenticateV1Url(
  request: SignedRequest,
  query: ReadonlyMap<string, string>,
  context: AuthenticationContext,
): string {
  const credential = findCredential(query.get('OSSAccessKeyId') ?? '', context);
  requireToken(credential, query.get('security-token'));
  const expires = query.get('Expires') ?? '';
  if (!/^\d+$/.test(expires) || Number(expires) * 1000 <= context.now) {
    throw new OssFailure('AccessDenied', 'Request has expired.');
  }
  const stringToSign = stringToSignV1(request, expires);
  requireSignature(
    signV1(credential.accessKeySecret, stringToSign),
    query.get('Signature') ?? '',
    stringToSign,
    credential,
  );
  return credential.accessKeyId;
}

const V4_AUTHORIZATION =
  /^OSS4-HMAC-SHA256 Credential=([^,\s]+),\s*(?:AdditionalHeaders=([^,\s]+),\s*)?Signature=([0-9a-f]{64})$/;

function authenticateV4Header(request: SignedRequest, authorization: string, context: AuthenticationContext): string {
  const match = V4_AUTHORIZATION.exec(authorization);
  if (!match) throw new OssFailure('InvalidArgument', 'Invalid V4 Authorization header.');
  if (request.headers['x-oss-content-sha256'] !== 'UNSIGNED-PAYLOAD') {
    throw new OssFailure('InvalidArgument', 'x-oss-content-sha256 must be UNSIGNED-PAYLOAD.');
  }
  const { credential, scope } = readScope(
    match[1] ?? '',
    request.headers['x-oss-date'] ?? '',
    match[2],
    request,
    context,
  );
  requireToken(credential, request.headers['x-oss-security-token']);
  requireSmallSkew(parseTimestamp(scope.timestamp), context.now);
  const stringToSign = stringToSignV4(request, scope);
  requireSignature(signV4(credential.accessKeySecret, scope, stringToSign), match[3] ?? '', stringToSign, credential);
  return credential.accessKeyId;
}

function authenticateV4Url(
  request: SignedRequest,
  query: ReadonlyMap<string, string>,
  context: AuthenticationContext,
): string {
  const { credential, scope } = readScope(
    query.get('x-oss-credential') ?? '',
    query.get('x-oss-date') ?? '',
    query.get('x-oss-additional-headers'),
    request,
    context,
  );
  requireToken(credential, query.get('x-oss-security-token'));
  const lifeSeconds = Number(query.get('x-oss-expires') ?? 'none');
  if (!Number.isInteger(lifeSeconds) || lifeSeconds < 1 || lifeSeconds > V4_MAX_URL_SECONDS) {
    throw new OssFailure('InvalidArgument', 'x-oss-expires must be between 1 and 604800 seconds.');
  }
  const signedAt = parseTimestamp(scope.timestamp);
  if (signedAt > context.now + MAX_SKEW_MS || signedAt + lifeSeconds * 1000 <= context.now) {
    throw new OssFailure('AccessDenied', 'Request has expired.');
  }
  const stringToSign = stringToSignV4(request, scope);
  requireSignature(
    signV4(credential.accessKeySecret, scope, stringToSign),
    query.get('x-oss-signature') ?? '',
    stringToSign,
    credential,
  );
  return credential.accessKeyId;
}

function readScope(
  credentialText: string,
  timestamp: string,
  additional: string | undefined,
  request: SignedRequest,
  context: AuthenticationContext,
): { credential: Credential; scope: V4Scope } {
  const [accessKeyId = '', date, region = '', product, terminator, ...rest] = credentialText.split('/');
  if (product !== 'oss' || terminator !== 'aliyun_v4_request' || rest.length > 0) {
    throw new OssFailure('InvalidArgument', 'Invalid credential scope.');
  }
  if (Number.isNaN(parseTimestamp(timestamp)) || timestamp.slice(0, 8) !== date) {
    throw new OssFailure('InvalidArgument', 'Invalid signing date in credential scope.');
  }
  const credential = findCredential(accessKeyId, context);
  if (context.region !== null && region !== context.region) {
    throw new OssFailure(
      'AccessDenied',
      'The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.',
      { Endpoint: `oss-${context.region}.aliyuncs.com` },
    );
  }
  const additionalHeaders = additional === undefined ? [] : additional.split(';');
  if (additionalHeaders.some((name) => name === '' || request.headers[name] === undefined)) {
    throw new OssFailure('InvalidArgument', 'Invalid additional headers.');
  }
  return { credential, scope: { timestamp, region, additionalHeaders } };
}

function findCredential(accessKeyId: string, context: AuthenticationContext): Credential {
  const credential = context.credentials.find((candidate) => candidate.accessKeyId === accessKeyId);
  if (credential) return credential;
  throw new OssFailure('InvalidAccessKeyId', 'The OSS Access Key Id you provided does not exist in our records.', {
    OSSAccessKeyId: accessKeyId,
  });
}

function requireToken(credential: Credential, given: string | undefined): void {
  if (credential.securityToken === undefined || sameText(credential.securityToken, given ?? '')) return;
  throw new OssFailure('InvalidSecurityToken', 'The security token you provided is invalid.');
}

function requireSmallSkew(signedAt: number, now: number): void {
  if (Math.abs(now - signedAt) <= MAX_SKEW_MS) return;
  throw new OssFailure(
    'RequestTimeTooSkewed',
    'The difference between the request time and the current time is too large.',
    { MaxAllowedSkewMilliseconds: String(MAX_SKEW_MS), ServerTime: new Date(now).toISOString() },
  );
}

function requireSignature(expected: string, given: string, stringToSign: string, credential: Credential): void {
  if (sameText(expected, given)) return;
  throw new OssFailure(
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    { OSSAccessKeyId: credential.accessKeyId, SignatureProvided: given, StringToSign: stringToSign },
  );
}

/** Constant time for texts of the same length, which is all a signature can hide. */
function sameText(a: string, b: string): boolean {
  const bytesOfA = Buffer.from(a);
  const bytesOfB = Buffer.from(b);
  return bytesOfA.length === bytesOfB.length && timingSafeEqual(bytesOfA, bytesOfB);
}

/** `yyyymmddThhmmssZ` → ms since epoch; NaN for anything else. */
function parseTimestamp(text: string): number {
  const match = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  if (!match) return Number.NaN;
  const [, year, month, day, hour, minute, second] = match;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}
