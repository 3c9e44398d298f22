import type { ServerResponse } from 'node:http';
import type { OssFaultMode } from './faults.ts';
import { ERROR_CODES_EC, OssFailure, type OssFailureCode } from './oss-failure.ts';
import { renderXml } from './xml.ts';

export interface OssAnswer {
  status: number;
  headers: Record<string, string>;
  body: string | Buffer;
}

export const xmlAnswer = (body: string, status = 200): OssAnswer => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body,
});

/** What the error body names beside the failure's own details. */
export interface FailureContext {
  requestId: string;
  host: string;
  isHead: boolean;
}

/** Error XML; for a HEAD, which has no body, the same in `x-oss-err` as base64. */
export function failureAnswer(failure: OssFailure, context: FailureContext): OssAnswer {
  const ec = ERROR_CODES_EC[failure.code as OssFailureCode];
  const xml = renderXml('Error', {
    Code: failure.code,
    Message: failure.message,
    RequestId: context.requestId,
    HostId: context.host,
    ...failure.details,
    EC: ec,
  });
  const answer = xmlAnswer(context.isHead ? '' : xml, failure.status);
  if (ec !== undefined) answer.headers['x-oss-ec'] = ec;
  if (context.isHead) answer.headers['x-oss-err'] = Buffer.from(xml).toString('base64');
  return answer;
}

const HTML = '<!DOCTYPE html><html><head><title>Gateway</title></head><body>Please sign in.</body></html>';

/** The answer of a fault that needs nothing of the request; null for those that bend a true answer or give none. */
export function faultAnswer(mode: OssFaultMode, context: FailureContext): OssAnswer | null {
  switch (mode) {
    case '503-slow-down':
      return failureAnswer(new OssFailure('SlowDown', 'Please reduce your request rate.'), context);
    case '500-xml':
      return failureAnswer(
        new OssFailure('InternalError', 'We encountered an internal error. Please try again.'),
        context,
      );
    case '500-html':
      return { status: 500, headers: { 'content-type': 'text/html' }, body: HTML };
    case '200-html':
      return { status: 200, headers: { 'content-type': 'text/html' }, body: HTML };
    case '200-error-xml': {
      const failure = new OssFailure('InternalError', 'We encountered an internal error. Please try again.');
      return { ...failureAnswer(failure, { ...context, isHead: false }), status: 200 };
    }
    case 'empty-200':
      return { status: 200, headers: {}, body: '' };
    case '404-no-body':
      return { status: 404, headers: {}, body: '' };
    case 'access-denied':
      return failureAnswer(
        new OssFailure('AccessDenied', 'You have no right to access this object because of bucket acl.'),
        context,
      );
    case 'timeout':
    case 'reset':
    case 'truncated-without-token':
    case 'repeated-token':
    case 'no-key-count':
    case 'cut-body':
    case 'stall-body':
    case 'cut-xml':
      return null;
    default: {
      const never: never = mode;
      throw new Error(`unknown fault ${never}`);
    }
  }
}

/** Sends an answer, cut short where a fault says so. */
export function send(
  response: ServerResponse,
  answer: OssAnswer,
  common: { requestId: string; now: number; fault: OssFaultMode | null },
): void {
  const whole = Buffer.isBuffer(answer.body) ? answer.body : Buffer.from(answer.body, 'utf8');
  const half = whole.subarray(0, Math.floor(whole.length / 2));
  const body = common.fault === 'cut-xml' ? half : whole;
  response.writeHead(answer.status, {
    server: 'AliyunOSS',
    date: new Date(common.now).toUTCString(),
    'x-oss-request-id': common.requestId,
    'x-oss-server-time': '1',
    'content-length': String(body.length),
    ...answer.headers,
  });
  if (common.fault === 'cut-body') {
    response.write(half, () => response.destroy());
    return;
  }
  if (common.fault === 'stall-body') {
    response.write(half);
    return;
  }
  response.end(body);
}
