/** An error that the stand-in answers with, as OSS spells it. */
export class OssFailure extends Error {
  readonly code: string;
  readonly status: number;
  /** Further elements of the error body, e.g. `BucketName` or `Endpoint`. */
  readonly details: Readonly<Record<string, string>>;
  constructor(code: OssFailureCode, message: string, details: Record<string, string> = {}) {
    super(message);
    this.code = code;
    this.status = STATUS[code];
    this.details = details;
  }
}

const STATUS = {
  AccessDenied: 403,
  EntityTooLarge: 400,
  InternalError: 500,
  InvalidAccessKeyId: 403,
  InvalidArgument: 400,
  InvalidDigest: 400,
  InvalidObjectName: 400,
  InvalidSecurityToken: 403,
  MethodNotAllowed: 405,
  NoSuchBucket: 404,
  NoSuchKey: 404,
  NoSuchLifecycle: 404,
  NotImplemented: 501,
  PartitionQpsLimitted: 503,
  RequestTimeTooSkewed: 403,
  SignatureDoesNotMatch: 403,
  SlowDown: 503,
} as const;

export type OssFailureCode = keyof typeof STATUS;

/** The `x-oss-ec` that goes with a code where the documentation shows one. Clients must never branch on it. */
export const ERROR_CODES_EC: Partial<Record<OssFailureCode, string>> = {
  NoSuchBucket: '0015-00000101',
  NoSuchKey: '0026-00000001',
  AccessDenied: '0003-00000001',
  SignatureDoesNotMatch: '0002-00000040',
};
