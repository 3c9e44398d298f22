import { describe, expect, it } from 'vitest';
import { describeFailure } from '../../../src/adapters/oss/describe-failure.ts';
import { CouldNotLookError } from '../../../src/ports.ts';

const ATTEMPT = {
  what: 'List bucket "snaps" under "p/"',
  where: 'https://oss-cn-shanghai.aliyuncs.com',
  timeoutMs: 3000,
};
const aliOssError = (fields: Record<string, unknown>, message = '') => Object.assign(new Error(message), fields);

describe('what ali-oss throws', () => {
  it.each<[string, unknown, string, boolean]>([
    ['a time-out without code or status', aliOssError({ name: 'ResponseTimeoutError' }), 'timeout', true],
    ['a reset', aliOssError({ name: 'ResponseError', status: -1 }, 'read ECONNRESET'), 'unreachable', true],
    ['a bad certificate', aliOssError({ status: -1 }, 'self-signed certificate in chain'), 'bad-certificate', false],
    ['throttling of sequential names', aliOssError({ code: 'PartitionQpsLimitted', status: 503 }), 'throttled', true],
    ['a 503 without a code', aliOssError({ status: 503 }), 'throttled', true],
    ['a 429', aliOssError({ status: 429 }), 'throttled', true],
    ['a 502 page', aliOssError({ status: 502 }, 'raw xml: <html>'), 'server-error', true],
    ['a HEAD 403 without x-oss-err', aliOssError({ name: 'UnknownError', status: 403 }), 'access-denied', false],
    [
      'path style on real OSS',
      aliOssError({ code: 'SecondLevelDomainForbidden', status: 403 }),
      'wrong-endpoint',
      false,
    ],
    ['a body cut off', aliOssError({ name: 'UnknownError', status: 200 }), 'bad-answer', true],
    ['an XML parser that gave up', new Error('Unclosed root tag'), 'bad-answer', true],
    ['an empty answer', new TypeError("Cannot read properties of null (reading 'Contents')"), 'bad-answer', true],
    ['a redirect', aliOssError({ status: 301 }), 'bad-answer', true],
    ['any other refusal', aliOssError({ code: 'InvalidArgument', status: 400 }), 'refused', false],
    ['nothing at all', undefined, 'bad-answer', true],
  ])('%s is understood', (_what, error, reason, transient) => {
    const failure = describeFailure(error, ATTEMPT);
    expect(failure).toBeInstanceOf(CouldNotLookError);
    expect(failure).toMatchObject({ reason, transient });
    expect(failure.message).toMatch(/^List bucket "snaps" under "p\/" at https:\/\/oss-cn-shanghai\.aliyuncs\.com: /);
  });

  it('keeps the request id for the vendor, and nothing of a body that repeats the string to sign', () => {
    const failure = describeFailure(
      aliOssError(
        { code: 'SignatureDoesNotMatch', status: 403, requestId: '5C3D9175B6FC201293AD****', params: { secret: 'x' } },
        'StringToSign: GET-something',
      ),
      ATTEMPT,
    );
    expect(failure.requestId).toBe('5C3D9175B6FC201293AD****');
    expect(failure.message).not.toContain('StringToSign');
    expect(failure.cause).toEqual({ name: 'Error', code: 'SignatureDoesNotMatch', status: 403 });
  });

  it('leaves alone what was already said', () => {
    const said = new CouldNotLookError('said', { reason: 'closed', transient: false });
    expect(describeFailure(said, ATTEMPT)).toBe(said);
  });
});
