import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { signV1, stringToSignV1 } from '../../../src/sandbox/oss/signature-v1.ts';
import { canonicalRequestV4, signV4, stringToSignV4, type V4Scope } from '../../../src/sandbox/oss/signature-v4.ts';
import type { SignedRequest } from '../../../src/sandbox/oss/signed-request.ts';

/** The vectors of reference/oss.md, section 3 (most are the Go SDK v2 test data): id `ak`, secret `sk`. */
const SECRET = 'sk';

const request = (parts: Partial<SignedRequest>): SignedRequest => ({
  method: 'GET',
  bucket: 'examplebucket',
  key: null,
  query: [],
  headers: {},
  ...parts,
});

const v4 = (signed: SignedRequest, scope: Partial<V4Scope> & { timestamp: string }) => {
  const full: V4Scope = { region: 'cn-hangzhou', additionalHeaders: [], ...scope };
  return signV4(SECRET, full, stringToSignV4(signed, full));
};

const requestHash = (signed: SignedRequest) =>
  createHash('sha256').update(canonicalRequestV4(signed, [])).digest('hex');

describe('signature V1', () => {
  const headers = {
    'content-md5': 'eB5eJF1ptWaXm4bijSPyxw==',
    'content-type': 'text/html',
    'x-oss-date': 'Wed, 28 Dec 2022 10:27:41 GMT',
    'x-oss-meta-author': 'alice',
    'x-oss-meta-magic': 'abracadabra',
  };
  const sign = (signed: SignedRequest, date: string) => signV1(SECRET, stringToSignV1(signed, date));

  it('signs a PUT with its x-oss headers', () => {
    const put = request({ method: 'PUT', key: 'nelson', headers });
    expect(sign(put, headers['x-oss-date'])).toBe('kSHKmLxlyEAKtZPkJhG9bZb5k7M=');
  });

  it('signs a sub-resource', () => {
    const put = request({ method: 'PUT', key: 'nelson', headers, query: [['acl', '']] });
    expect(sign(put, headers['x-oss-date'])).toBe('/afkugFbmWDQ967j1vr6zygBLQk=');
  });

  it('signs a URL with a version id', () => {
    const get = request({ bucket: 'bucket', key: 'key', query: [['versionId', 'versionId']] });
    expect(sign(get, '1699807420')).toBe('dcLTea+Yh9ApirQ8o8dOPqtvJXQ=');
  });

  it('signs a URL with a security token and a plus in the key', () => {
    const get = request({
      bucket: 'bucket',
      key: 'key+123',
      query: [
        ['versionId', 'versionId'],
        ['security-token', 'token'],
        ['OSSAccessKeyId', 'ak'],
        ['Expires', '1699808204'],
      ],
    });
    expect(sign(get, '1699808204')).toBe('jzKYRrM5y6Br0dRFPaTGOsbrDhY=');
  });

  const listHeaders = { 'x-oss-date': 'Tue, 02 Jan 2024 03:04:05 GMT' };

  it('leaves the parameters of a listing out', () => {
    const list = request({
      headers: listHeaders,
      query: [
        ['list-type', '2'],
        ['prefix', 'snap/'],
        ['max-keys', '1000'],
        ['start-after', 'snap/1'],
      ],
    });
    expect(sign(list, listHeaders['x-oss-date'])).toBe('LZKsq9mCQw+GROqm0e/8n8AgAlQ=');
  });

  it('but signs the continuation token', () => {
    const list = request({
      headers: listHeaders,
      query: [
        ['list-type', '2'],
        ['continuation-token', 'CgJiYw--'],
      ],
    });
    expect(sign(list, listHeaders['x-oss-date'])).toBe('2KEYIDSzaHMTS0q7+3Kdn9kN0Z0=');
  });
});

describe('signature V4', () => {
  const query: SignedRequest['query'] = [
    ['param1', 'value1'],
    ['+param1', 'value3'],
    ['|param1', 'value4'],
    ['+param2', ''],
    ['|param2', ''],
    ['param2', ''],
  ];
  const put = request({
    method: 'PUT',
    bucket: 'bucket',
    key: '1234+-/123/1.txt',
    query,
    headers: { 'content-type': 'text/plain', 'x-oss-head1': 'value', 'x-oss-content-sha256': 'UNSIGNED-PAYLOAD' },
  });

  it('signs a PUT with awkward parameter names', () => {
    const dated = { ...put, headers: { ...put.headers, 'x-oss-date': '20231216T162057Z' } };
    expect(requestHash(dated)).toBe('f4613657f1b108998e8dbd10a1aa5da621dc2c6e02c9ddec0f163664848704c4');
    expect(v4(dated, { timestamp: '20231216T162057Z' })).toBe(
      'e21d18daa82167720f9b1047ae7e7f1ce7cb77a31e8203a7d5f4624fa0284afe',
    );
  });

  it('signs additional headers', () => {
    const extra = { abc: 'value', zabc: 'value', 'x-oss-date': '20231216T172512Z' };
    const dated = { ...put, headers: { ...put.headers, ...extra } };
    expect(v4(dated, { timestamp: '20231216T172512Z', additionalHeaders: ['abc', 'zabc'] })).toBe(
      '4a4183c187c07c8947db7620deb0a6b38d9fbdd34187b6dbaccb316fa251212f',
    );
  });

  it('signs a URL', () => {
    const url = {
      ...put,
      headers: { 'content-type': 'application/octet-stream', 'x-oss-head1': 'value' },
      query: [
        ...query,
        ['x-oss-signature-version', 'OSS4-HMAC-SHA256'],
        ['x-oss-credential', 'ak/20231217/cn-hangzhou/oss/aliyun_v4_request'],
        ['x-oss-date', '20231217T025437Z'],
        ['x-oss-expires', '599'],
        ['x-oss-signature', 'left out of itself'],
      ] as const,
    };
    expect(v4(url, { timestamp: '20231217T025437Z' })).toBe(
      'a39966c61718be0d5b14e668088b3fa07601033f6518ac7b523100014269c0fe',
    );
  });

  const headers = { 'x-oss-date': '20240102T030405Z', 'x-oss-content-sha256': 'UNSIGNED-PAYLOAD' };

  it('signs a listing with all its parameters', () => {
    const list = request({
      headers,
      query: [
        ['list-type', '2'],
        ['max-keys', '1000'],
        ['prefix', 'snap/'],
        ['start-after', 'snap/1700000000'],
      ],
    });
    expect(requestHash(list)).toBe('b676dbacdc527aa9d65791549967efd02db4d9df8314be5c5b2cf00f98b25f3d');
    expect(v4(list, { timestamp: '20240102T030405Z' })).toBe(
      '220f79a5c6c291b64b5a7caea01097b1d24ded617e8297ebe3ac8bb5985e2b3d',
    );
  });

  it('signs a HEAD', () => {
    const head = request({ method: 'HEAD', key: 'snap/1700000000', headers });
    expect(v4(head, { timestamp: '20240102T030405Z' })).toBe(
      'b0d5f2e5c8432139ddf006d5c624f8773a271761bdaace5dda74c51840f263dc',
    );
  });
});
