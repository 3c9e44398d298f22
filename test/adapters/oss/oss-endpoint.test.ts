import { describe, expect, it } from 'vitest';
import { readOssEndpoint } from '../../../src/adapters/oss/oss-endpoint.ts';

describe('the endpoint of a snapshot config', () => {
  it.each([
    ['oss-cn-shanghai.aliyuncs.com', 'cn-shanghai', 'https://oss-cn-shanghai.aliyuncs.com'],
    ['oss-cn-shanghai-internal.aliyuncs.com', 'cn-shanghai', 'https://oss-cn-shanghai-internal.aliyuncs.com'],
    ['cn-shanghai', 'cn-shanghai', 'https://oss-cn-shanghai.aliyuncs.com'],
    ['oss-cn-shanghai', 'cn-shanghai', 'https://oss-cn-shanghai.aliyuncs.com'],
    ['OSS-CN-Shanghai.aliyuncs.com', 'cn-shanghai', 'https://oss-cn-shanghai.aliyuncs.com'],
    ['http://oss-ap-southeast-1.aliyuncs.com/', 'ap-southeast-1', 'https://oss-ap-southeast-1.aliyuncs.com'],
    ['oss-cn-north-2-gov-1.aliyuncs.com', 'cn-north-2-gov-1', 'https://oss-cn-north-2-gov-1.aliyuncs.com'],
    ['cn-hangzhou.oss.aliyuncs.com', 'cn-hangzhou', 'https://cn-hangzhou.oss.aliyuncs.com'],
  ])('%s signs for %s and is called at %s', (endpoint, region, url) => {
    expect(readOssEndpoint(endpoint)).toEqual({ region, url, pathStyle: false });
  });

  it.each(['oss-accelerate.aliyuncs.com', 'img.example.com', 'snaps.oss-cn-shanghai.aliyuncs.com', ''])(
    '%s names no region',
    (endpoint) => {
      expect(readOssEndpoint(endpoint)).toBeNull();
    },
  );

  it('keeps its region where another address is given, in path style', () => {
    expect(readOssEndpoint('oss-cn-beijing.aliyuncs.com', 'http://localhost:9000')).toEqual({
      region: 'cn-beijing',
      url: 'http://localhost:9000',
      pathStyle: true,
    });
  });

  it('calls a loopback address by its name, and another IP without path style', () => {
    expect(readOssEndpoint('cn-beijing', 'http://127.0.0.1:9000')).toMatchObject({
      url: 'http://localhost:9000',
      pathStyle: true,
    });
    expect(readOssEndpoint('cn-beijing', 'http://10.0.0.5:9000')).toMatchObject({
      url: 'http://10.0.0.5:9000',
      pathStyle: false,
    });
  });
});
