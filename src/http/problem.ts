import { RefusalError, type RefusalKind } from '../core/refusal.ts';
import { CouldNotLookError, LiveApiError } from '../ports.ts';

/** The published list of problem types (RFC 9457). `GET /api/v1/problems` prints it. */
export const PROBLEMS = {
  'bad-parameter': { status: 400, title: 'A parameter is unknown, malformed or out of range' },
  'bad-cursor': { status: 400, title: 'The cursor is not one that this list gave out for this query' },
  'bad-body': { status: 400, title: 'The body is not what this route takes' },
  unauthenticated: { status: 401, title: 'A valid token is needed' },
  forbidden: { status: 403, title: 'The token may not do this' },
  'not-found': { status: 404, title: 'There is no such thing' },
  'method-not-allowed': { status: 405, title: 'This path does not take this method' },
  conflict: { status: 409, title: 'The state of the thing does not allow this' },
  'too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The body must be application/json' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'Something went wrong here' },
  'vendor-refused': { status: 502, title: 'The vendor refused the call' },
  'vendor-unavailable': { status: 502, title: 'The vendor gave no answer that can be trusted' },
  'took-too-long': { status: 503, title: 'The query took too long' },
  unavailable: { status: 503, title: 'The database is away' },
} as const;
export type ProblemType = keyof typeof PROBLEMS;

/** One parameter or field and what is wrong with it. */
export interface ProblemPart {
  name: string;
  message: string;
}

/** Thrown by a route to answer with `application/problem+json`. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly type: ProblemType;
  readonly parts: readonly ProblemPart[];
  readonly retryAfterSeconds: number | null;
  constructor(
    type: ProblemType,
    detail: string,
    more: { parts?: readonly ProblemPart[]; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(detail, { cause: more.cause });
    this.type = type;
    this.parts = more.parts ?? [];
    this.retryAfterSeconds = more.retryAfterSeconds ?? null;
  }
}

export interface ProblemBody {
  /** Relative to the service: `/api/v1/problems/<name>`. */
  type: string;
  title: string;
  status: number;
  detail: string;
  errors?: readonly ProblemPart[];
}

export function problemBody(error: ProblemError): ProblemBody {
  const { status, title } = PROBLEMS[error.type];
  return {
    type: `/api/v1/problems/${error.type}`,
    title,
    status,
    detail: error.message,
    ...(error.parts.length > 0 ? { errors: error.parts } : {}),
  };
}

const OF_REFUSAL: Record<RefusalKind, ProblemType> = {
  'not-found': 'not-found',
  conflict: 'conflict',
  'bad-cursor': 'bad-cursor',
  'bad-parameter': 'bad-parameter',
  forbidden: 'forbidden',
};

/** Whatever a route threw, as a problem. An unexpected error says nothing of its inside; the caller logs it. */
export function problemOf(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof RefusalError) return new ProblemError(OF_REFUSAL[error.kind], error.message, { cause: error });
  if (error instanceof CouldNotLookError) {
    return new ProblemError('vendor-unavailable', error.message, { cause: error, retryAfterSeconds: 10 });
  }
  if (error instanceof LiveApiError) return new ProblemError('vendor-refused', error.message, { cause: error });
  const code = codeOf(error);
  if (code === '57014') {
    return new ProblemError('took-too-long', 'The query was stopped after its time limit; ask for a smaller window.', {
      cause: error,
      retryAfterSeconds: 5,
    });
  }
  if (DATABASE_AWAY.test(code)) {
    return new ProblemError('unavailable', 'The database cannot be reached at the moment.', {
      cause: error,
      retryAfterSeconds: 5,
    });
  }
  if (error instanceof URIError) return new ProblemError('not-found', 'The path is not properly percent-encoded.');
  const http = httpStatusOf(error);
  if (http === 413) return new ProblemError('too-large', 'The body is over the limit of this route.', { cause: error });
  if (http === 415) return new ProblemError('unsupported-media-type', 'Send the body as UTF-8 JSON.', { cause: error });
  if (http === 400) return new ProblemError('bad-body', 'The body is not valid JSON.', { cause: error });
  return new ProblemError('internal', 'The request could not be served; the service log says why.', { cause: error });
}

/** PostgreSQL classes 08 (connection), 53 (resources), 57P (shutdown), and the codes of a socket that fails. */
const DATABASE_AWAY = /^(08...|53...|57P0.|ECONNREFUSED|ECONNRESET|ENOTFOUND|ETIMEDOUT|EPIPE)$/;

function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  // pg has no code of its own for these two.
  if (error instanceof Error && /timeout exceeded when trying to connect|Connection terminated/.test(error.message)) {
    return 'ECONNRESET';
  }
  return '';
}

/** body-parser's errors carry the status they stand for. */
function httpStatusOf(error: unknown): number | null {
  return error instanceof Error && 'status' in error && typeof error.status === 'number' && 'type' in error
    ? error.status
    : null;
}
