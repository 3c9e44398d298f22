import { withShownUrls } from '../../core/shown-url.ts';
import { CouldNotLookError, LiveApiError } from '../../ports.ts';

/** What the client throws, as measured (reference/live-api.md, section 6). */
interface ClientError {
  name?: string;
  code?: string;
  message?: string;
  data?: { statusCode?: number; Message?: string; RequestId?: string };
}

/** What is wrong and what to do, for each code that the vendor documents. Two sentences: the fault, the remedy. */
const REMEDIES: Record<string, [fault: string, remedy: string]> = {
  'InvalidOverwriteOssObjectOrSequenceOssObject.Malformed': [
    'neither an overwrite nor a sequence object name would be left',
    'Set sequenceObject or overwriteObject in the settings file.',
  ],
  'InvalidOssEndpoint.Malformed': [
    'the OSS endpoint is malformed',
    'Set endpoint to the host name of the bucket’s region, such as oss-cn-shanghai.aliyuncs.com, without a scheme.',
  ],
  'InvalidOssBucket.Malformed': [
    'the bucket name is malformed',
    'Set bucket to a name of 3 to 63 lower-case letters, digits and hyphens.',
  ],
  'InvalidOssBucket.NotFound': [
    'the bucket does not exist, or the vendor may not use it',
    'Create the bucket in the region of the domain’s live centre, authorise ApsaraVideo Live to write to it, and check its spelling.',
  ],
  'InvalidOverwriteOssObject.Malformed': [
    'the overwrite object name is malformed',
    'Use {AppName} and {StreamName} only, end in .jpg, and stay under 256 bytes.',
  ],
  'InvalidSequenceOssObject.Malformed': [
    'the sequence object name is malformed',
    'Use {AppName}, {StreamName} and at least one of {UnixTimestamp} and {Sequence}, end in .jpg, and stay under 256 bytes.',
  ],
  ConfigAlreadyExists: ['a config stands there already', 'Run plan again: somebody else added it meanwhile.'],
  'InvalidConfig.NotFound': ['there is no such config', 'Run plan again: somebody else deleted it meanwhile.'],
  'InvalidDomain.NotFound': [
    'the domain does not belong to this account',
    'Check the domain’s spelling in the settings file and whose credentials are in use.',
  ],
  'InvalidDomainName.Malformed': [
    'the domain is not of the kind this call needs',
    'Put the main streaming domain under domain and the ingest domain under pushDomain in the settings file.',
  ],
  MissingParam: ['a parameter is missing', 'This is a fault of Snapaudit: please report it.'],
  MalformedParam: ['a value is malformed', 'Check the values of this domain in the settings file.'],
  'InvalidStartTime.Malformed': ['the start of the span cannot be queried', 'Ask for a later span.'],
  'InvalidEndTime.Malformed': ['the end of the span cannot be queried', 'Ask for a shorter span.'],
  'InvalidEndTime.Mismatch': ['the span is empty or too long', 'Ask for a shorter span.'],
};

/** Codes by which the vendor says that the caller, not the call, is at fault. Nothing was looked at. */
const CREDENTIAL_FAULTS: [pattern: RegExp, reason: string, sentence: string][] = [
  [
    /^SignatureDoesNotMatch$|^IncompleteSignature$|^InvalidAccessKeySecret/,
    'bad-signature',
    'the access key secret is wrong: check ALIBABA_CLOUD_ACCESS_KEY_SECRET',
  ],
  [
    /^InvalidAccessKeyId/,
    'unknown-access-key',
    'the access key id is unknown or disabled: check ALIBABA_CLOUD_ACCESS_KEY_ID',
  ],
  [
    /^InvalidSecurityToken|^SecurityToken|^MissingSecurityToken/,
    'bad-security-token',
    'the STS token is wrong or expired: check ALIBABA_CLOUD_SECURITY_TOKEN, or let a RAM role supply it',
  ],
  [
    /^InvalidTimeStamp/,
    'clock-skew',
    'this machine’s clock is off by more than 15 minutes: set it, for example with NTP',
  ],
  [
    /^Forbidden|^NoPermission|^NotAuthorized|^AccessDenied/,
    'access-denied',
    'the credentials may not do this: grant the RAM action to the user or role',
  ],
];

/** Of Node's TLS: who the server is could not be made sure. */
const CERTIFICATE_FAULT = /CERT|SELF_SIGNED|^UNABLE_TO_/;
const THROTTLED = /throttl/i;
/** Calls whose parameters hold a callback key: the vendor's own words about them might quote it. */
const HOLDS_KEYS = /Auth|Notify/;

function deny(action: string, what: string, reason: string, transient: boolean, requestId: string | null) {
  const tail = requestId === null ? '' : ` Request id: ${requestId}.`;
  return new CouldNotLookError(`Live API, ${action}: ${what}.${tail}`, { reason, transient, requestId });
}

/**
 * Turns whatever the client threw into one of our two errors. `subject` names the domain or stream, e.g. `play.example.com/live`.
 * The causes are dropped on purpose: the client's errors may carry the request, and with it keys.
 */
export function toLiveFailure(thrown: unknown, action: string, subject: string): LiveApiError | CouldNotLookError {
  if (thrown instanceof LiveApiError || thrown instanceof CouldNotLookError) return thrown;
  const error = (thrown ?? {}) as ClientError;
  const requestId = error.data?.RequestId ?? null;
  const status = error.data?.statusCode;
  if (error.name === 'SyntaxError') {
    return deny(action, 'the answer was not JSON, as from a proxy or a service in trouble', 'bad-answer', true, null);
  }
  if (/Timeout/.test(error.name ?? '') || /timeout|timed? ?out/i.test(error.code ?? '')) {
    return deny(action, 'no answer in time', 'timeout', true, null);
  }
  if (status === undefined || error.code === undefined || error.code === 'undefined') {
    if (error.code !== undefined && CERTIFICATE_FAULT.test(error.code)) {
      const remedy =
        'a proxy may stand in between: give Node its certificate (NODE_EXTRA_CA_CERTS), or correct the endpoint';
      return deny(
        action,
        `the server’s certificate cannot be trusted (${error.code}); ${remedy}`,
        'unreachable',
        false,
        null,
      );
    }
    if (error.code !== undefined && /^E[A-Z_]+$/.test(error.code)) {
      return deny(action, `the connection failed (${error.code})`, 'unreachable', true, null);
    }
    const what = status === undefined ? 'the answer could not be understood' : `an error ${status} without a code`;
    return deny(action, what, 'bad-answer', true, requestId);
  }
  const { code } = error;
  if (THROTTLED.test(code)) return deny(action, `throttled (${code})`, 'throttled', true, requestId);
  if (status >= 500) return deny(action, `the service failed (${status} ${code})`, 'service-failed', true, requestId);
  for (const [pattern, reason, sentence] of CREDENTIAL_FAULTS) {
    if (pattern.test(code)) {
      const transient = /Token.*Expired/.test(code);
      return deny(action, `${sentence} (${code}, ${subject})`, reason, transient, requestId);
    }
  }
  const known = REMEDIES[code];
  const [fault, remedy] = known ?? [
    HOLDS_KEYS.test(action)
      ? 'the vendor refused'
      : `the vendor refused: ${withShownUrls(error.data?.Message ?? 'no message').replace(/\.$/, '')}`,
    'See the vendor’s error centre for this code.',
  ];
  const tail = requestId === null ? '' : ` Request id: ${requestId}.`;
  return new LiveApiError(`Live API, ${action} for ${subject}: ${fault} (${code}). ${remedy}${tail}`, {
    action,
    code,
    status,
    requestId,
  });
}
