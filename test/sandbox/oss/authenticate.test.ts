import { describe, expect, it } from 'vitest';
import { authenticate } from '../../../src/sandbox/oss/authenticate.ts';
import { OssFailure } from '../../../src/sandbox/oss/oss-failure.ts';
import { canonicalRequestV4, signV4, stringToSignV4, type V4Scope } from '../../../src/sandbox/oss/signature-v4.ts';
import type { SignedRequest } from '../../../src/sandbox/oss/signed-request.ts';

const CREDENTIAL = { accessKeyId: 'ak', accessKeySecret: 'sk' };
const NOW = Date.parse('2024-01-02T03:04:05Z');
const MINUTE = 60_000;

interface Changes {
  timestamp?: string;
  scopeDate?: string;
  region?: string;
  query?: SignedRequest['query'];
  /** What follows the credential, in place of nothing. */
  additional?: string;
  separator?: string;
}

/** A V4 list request, signed as a client would, with one thing off. */
function signedRequest(changes: Changes = {}): SignedRequest {
  const scope: V4Scope = {
    timestamp: changes.timestamp ?? '20240102T030405Z',
    region: changes.region ?? 'cn-hangzhou',
    additionalHeaders: [],
  };
  const headers = { 'x-oss-date': scope.timestamp, 'x-oss-content-sha256': 'UNSIGNED-PAYLOAD' };
  const request = {
    method: 'GET',
    bucket: 'b',
    key: null,
    query: changes.query ?? [['list-type', '2']],
    headers,
  } as const;
  const signature = signV4(CREDENTIAL.accessKeySecret, scope, stringToSignV4(request, scope));
  const date = changes.scopeDate ?? scope.timestamp.slice(0, 8);
  const separator = changes.separator ?? ',';
  const authorization = `OSS4-HMAC-SHA256 Credential=ak/${date}/${scope.region}/oss/aliyun_v4_request${separator}${changes.additional ?? ''}Signature=${signature}`;
  return { ...request, headers: { ...headers, authorization } };
}

function verdict(request: SignedRequest, now = NOW): string {
  try {
    return authenticate(request, { credentials: [CREDENTIAL], region: 'cn-hangzhou', now });
  } catch (error) {
    if (error instanceof OssFailure) return error.code;
    throw error;
  }
}

describe('a V4 signature in the header', () => {
  it('is taken with and without a blank after the comma', () => {
    expect(verdict(signedRequest())).toBe('ak');
    expect(verdict(signedRequest({ separator: ', ' }))).toBe('ak');
  });

  it('is refused for another region and for a scope of another day', () => {
    expect(verdict(signedRequest({ region: 'cn-beijing' }))).toBe('AccessDenied');
    expect(verdict(signedRequest({ scopeDate: '20240101' }))).toBe('InvalidArgument');
  });

  it('is taken up to 15 minutes off either way, and not a second more', () => {
    for (const sign of [1, -1]) {
      expect(verdict(signedRequest(), NOW + sign * 15 * MINUTE)).toBe('ak');
      expect(verdict(signedRequest(), NOW + sign * (15 * MINUTE + 1000))).toBe('RequestTimeTooSkewed');
    }
  });

  it('is refused with an empty list of additional headers or a trailing semicolon', () => {
    expect(verdict(signedRequest({ additional: 'AdditionalHeaders=,' }))).toBe('InvalidArgument');
    expect(verdict(signedRequest({ additional: 'AdditionalHeaders=x-oss-date;,' }))).toBe('InvalidArgument');
  });

  it('is refused when anything signed was changed', () => {
    const request = signedRequest();
    expect(verdict({ ...request, method: 'DELETE' })).toBe('SignatureDoesNotMatch');
    expect(verdict({ ...request, key: 'k' })).toBe('SignatureDoesNotMatch');
    expect(verdict({ ...request, query: [['list-type', '1']] })).toBe('SignatureDoesNotMatch');
    expect(verdict({ ...request, headers: { ...request.headers, 'x-oss-extra': '1' } })).toBe('SignatureDoesNotMatch');
  });

  it('covers an empty parameter by its name alone, as the official SDKs do', () => {
    const request = signedRequest({ query: [['prefix', '']] });
    expect(canonicalRequestV4(request, []).split('\n')[2]).toBe('prefix');
    expect(verdict(request)).toBe('ak');
  });
});

describe('no signature', () => {
  it('opens nothing', () => {
    expect(verdict({ method: 'GET', bucket: 'b', key: null, query: [], headers: {} })).toBe('AccessDenied');
    expect(verdict({ method: 'GET', bucket: 'b', key: null, query: [], headers: { authorization: 'Bearer x' } })).toBe(
      'AccessDenied',
    );
  });
});
