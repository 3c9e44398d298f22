import { CouldNotLookError } from '../../ports.ts';
import { BadAnswerError } from './bad-answer-error.ts';

/** What was being tried, for the sentence that tells of its failure. */
export interface Attempt {
  /** E.g. `List bucket "snaps" under "snapshot/"`. */
  what: string;
  /** Where, e.g. `https://oss-cn-shanghai.aliyuncs.com`. */
  where: string;
  timeoutMs: number;
}

interface Diagnosis {
  reason: string;
  transient: boolean;
  /** What came back. */
  found: string;
  /** What to do. */
  remedy: string;
}

/** The fields that `ali-oss` errors may carry; there is no class to test for (reference/oss.md, section 1). */
interface AliOssError {
  name?: unknown;
  code?: unknown;
  status?: unknown;
  message?: unknown;
  requestId?: unknown;
}

/**
 * Turns whatever a call of `ali-oss` threw into one sentence: what was tried, what came back, what to do. The original
 * error is not kept: it may hold the raw answer, which for a refused signature repeats the string to sign.
 */
export function describeFailure(error: unknown, attempt: Attempt): CouldNotLookError {
  if (error instanceof CouldNotLookError) return error;
  const diagnosis = diagnose(error, attempt);
  const { name, code, status, requestId } = (error ?? {}) as AliOssError;
  return new CouldNotLookError(`${attempt.what} at ${attempt.where}: ${diagnosis.found}; ${diagnosis.remedy}.`, {
    reason: diagnosis.reason,
    transient: diagnosis.transient,
    requestId: typeof requestId === 'string' ? requestId : null,
    cause: { name, code, status },
  });
}

const KEEPS = 'tried again later; look at the network path to OSS if it lasts';

function diagnose(error: unknown, attempt: Attempt): Diagnosis {
  if (error instanceof BadAnswerError) {
    return badAnswer(`the answer cannot be trusted, for ${error.message}`);
  }
  const { name, code, status } = (error ?? {}) as AliOssError;
  if (name === 'ResponseTimeoutError' || name === 'ConnectionTimeoutError' || status === -2) {
    return {
      reason: 'timeout',
      transient: true,
      found: `no whole answer within ${attempt.timeoutMs} ms`,
      remedy: KEEPS,
    };
  }
  if (status === -1) return unreachable(error as AliOssError);
  const known = typeof code === 'string' ? diagnoseCode(code, error as AliOssError) : null;
  if (known) return known;
  if (typeof status !== 'number' || status < 300) return badAnswer('the answer was cut off or is not XML');
  return diagnoseStatus(status, typeof code === 'string' ? code : null);
}

function badAnswer(found: string): Diagnosis {
  return {
    reason: 'bad-answer',
    transient: true,
    found,
    remedy: 'something between here and OSS answers in its place if this lasts (proxy, gateway, wrong address)',
  };
}

function unreachable(error: AliOssError): Diagnosis {
  const message = String(error.message);
  if (/certificate|self[- ]signed|CERT_/i.test(message)) {
    return {
      reason: 'bad-certificate',
      transient: false,
      found: 'its TLS certificate is not trusted',
      remedy: 'check the endpoint, and the proxy or private CA in between',
    };
  }
  const errno = /\b(E[A-Z]{3,})\b/.exec(message)?.[1];
  return {
    reason: 'unreachable',
    transient: true,
    found: errno ? `the connection failed (${errno})` : 'the connection failed',
    remedy: 'check the endpoint, DNS and firewall if it lasts',
  };
}

/** The codes that we can say more about than the status does. */
function diagnoseCode(code: string, error: AliOssError): Diagnosis | null {
  const answered = `OSS answered ${code}`;
  switch (code) {
    case 'NoSuchBucket':
      return {
        reason: 'no-such-bucket',
        transient: false,
        found: `${answered}, there is no such bucket`,
        remedy: 'check OssBucket and OssEndpoint of the snapshot config, and whether the bucket was deleted',
      };
    case 'SignatureDoesNotMatch':
      return {
        reason: 'signature',
        transient: false,
        found: `${answered}, the access key secret does not fit the access key id`,
        remedy: 'check ALIBABA_CLOUD_ACCESS_KEY_SECRET',
      };
    case 'InvalidAccessKeyId':
      return {
        reason: 'unknown-access-key',
        transient: false,
        found: `${answered}, the access key id is not known or is disabled`,
        remedy: 'check ALIBABA_CLOUD_ACCESS_KEY_ID, and the security token if the key is temporary',
      };
    case 'InvalidSecurityToken':
    case 'SecurityTokenExpired':
      return {
        reason: 'bad-token',
        transient: true,
        found: `${answered}, the temporary credentials have run out or do not fit together`,
        remedy: 'they are fetched anew; check their source if it lasts',
      };
    case 'RequestTimeTooSkewed':
      return {
        reason: 'clock-skew',
        transient: true,
        found: `${answered}, the clock of this machine is more than 15 minutes off`,
        remedy: 'set it by NTP',
      };
    case 'SecondLevelDomainForbidden':
      return wrongEndpoint(answered);
    case 'AccessDenied':
      if (/specified endpoint/i.test(String(error.message))) return wrongEndpoint(answered);
      return accessDenied(answered);
    case 'TotalQpsLimitExceeded':
    case 'PartitionQpsLimitted':
    case 'SlowDown':
      return throttled(answered);
    case 'NoSuchKey':
      // A listing has no key: this is how ali-oss reports any 404 without a body, whoever sent it.
      return badAnswer('the answer is a 404 that does not say what is missing');
    case 'BadRequest':
      return { reason: 'server-error', transient: true, found: answered, remedy: KEEPS };
    default:
      return null;
  }
}

const throttled = (found: string): Diagnosis => ({
  reason: 'throttled',
  transient: true,
  found,
  remedy: 'it is tried again more slowly; lower the keys per second if it lasts',
});

const wrongEndpoint = (answered: string): Diagnosis => ({
  reason: 'wrong-endpoint',
  transient: false,
  found: `${answered}, the bucket lies in another region or is reached by another address`,
  remedy: 'set OssEndpoint of the snapshot config to the endpoint of the bucket',
});

const accessDenied = (answered: string): Diagnosis => ({
  reason: 'access-denied',
  transient: false,
  found: answered,
  remedy: 'grant the RAM user oss:ListObjects on the bucket and oss:GetObject on its objects',
});

function diagnoseStatus(status: number, code: string | null): Diagnosis {
  const answered = `OSS answered ${status}${code === null ? '' : ` ${code}`}`;
  if (status === 429 || status === 503) return throttled(answered);
  if (status >= 500 || status === 408)
    return { reason: 'server-error', transient: true, found: answered, remedy: KEEPS };
  // The official SDKs repeat a 401 as well.
  if (status === 401) return { ...accessDenied(answered), transient: true };
  if (status === 403) return accessDenied(answered);
  if (status < 400) return badAnswer(`the answer is a redirect (${status})`);
  return {
    reason: 'refused',
    transient: false,
    found: answered,
    remedy: 'this is a mistake in the request or the bucket; please report it with the request id',
  };
}
