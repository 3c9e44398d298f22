import { Router } from 'express';
import { FORWARDED_HEADER } from '../usecases/forward-callback.ts';
import { OverloadedError } from '../usecases/group-commit.ts';
import type { CallbackAnswer } from '../usecases/receive-callback.ts';
import type { StreamCallbackAnswer } from '../usecases/receive-stream-callback.ts';
import type { Receiver } from '../usecases/receiver.ts';
import { type Answer, jsonAnswer, problemAnswer, sendAnswer, sendProblem } from './answer.ts';
import { type DirectRequest, type DirectRoute, handleDirectly, headOf, type RequestHead } from './direct-route.ts';
import { ProblemError } from './problem.ts';

export const MAX_BODY_BYTES = 64 * 1024;
const MAX_HEADER_CHARACTERS = 512;
const TIMESTAMP = 'ali-live-timestamp';
const SIGNATURE = 'ali-live-signature';

type OnAnswered = (kind: 'snapshot' | 'stream', outcome: string, seconds: number) => void;

export interface CallbackRoutes {
  /** POST /callbacks/snapshot as the vendor sends it: the route that carries the load. */
  direct: DirectRoute;
  /** The same for every other form of the path (a query, a slash at the end), and GET /callbacks/stream. */
  router: Router;
}

/** Each callback is answered when what it told is durable. */
export function callbackRoutes(
  receiver: Pick<Receiver, 'receiveCallback' | 'receiveStreamCallback'>,
  options: { onAnswered?: OnAnswered } = {},
): CallbackRoutes {
  const answered = (kind: 'snapshot' | 'stream', outcome: string, begun: number) =>
    options.onAnswered?.(kind, outcome, (performance.now() - begun) / 1000);

  async function answerTo(
    kind: 'snapshot' | 'stream',
    begun: number,
    receiving: Promise<CallbackAnswer | StreamCallbackAnswer>,
  ): Promise<Answer> {
    try {
      const received = await receiving;
      answered(kind, received.outcome, begun);
      return answerOf(received);
    } catch (error) {
      if (!(error instanceof OverloadedError)) throw error;
      answered(kind, 'turned-away', begun);
      return turnedAway(error);
    }
  }

  function snapshot(request: DirectRequest): Promise<Answer> {
    // No body parser before this: the quarantine keeps what came byte for byte.
    const { body, begun } = request;
    if (body === null) {
      answered('snapshot', 'too-large', begun);
      return Promise.resolve(TOO_LARGE);
    }
    const receiving = receiver.receiveCallback({
      body,
      timestamp: request.header(TIMESTAMP),
      signature: request.header(SIGNATURE),
      headers: () => headersToKeep(request),
      remoteAddress: request.remoteAddress,
    });
    return answerTo('snapshot', begun, receiving);
  }
  const direct = { method: 'POST', path: '/callbacks/snapshot', maxBodyBytes: MAX_BODY_BYTES, handle: snapshot };

  const router = Router();
  router.post(direct.path, (request, response) => handleDirectly(direct, request, response));
  router.all(direct.path, (_request, response) => {
    response.setHeader('allow', 'POST');
    sendProblem(response, new ProblemError('method-not-allowed', 'Snapshot callbacks are sent with POST.'));
  });
  router.get('/callbacks/stream', async (request, response) => {
    const head = headOf(request);
    const receiving = receiver.receiveStreamCallback({
      target: request.originalUrl,
      timestamp: head.header(TIMESTAMP),
      signature: head.header(SIGNATURE),
      headers: () => headersToKeep(head),
      remoteAddress: head.remoteAddress,
    });
    sendAnswer(response, await answerTo('stream', head.begun, receiving));
  });
  return { direct, router };
}

const STORED = jsonAnswer({ status: 'stored' });
const TOO_LARGE: Answer = {
  ...problemAnswer(new ProblemError('too-large', `A callback is at most ${MAX_BODY_BYTES} bytes long.`)),
  isLast: true,
};

function answerOf(received: CallbackAnswer | StreamCallbackAnswer): Answer {
  switch (received.outcome) {
    case 'stored':
      return STORED;
    case 'canary':
      return jsonAnswer({ canary: received.id });
    case 'quarantined':
      return jsonAnswer({ status: 'quarantined', reason: received.reason });
    case 'rejected':
      return problemAnswer(
        new ProblemError('unauthenticated', `None of our keys explains the callback signature (${received.reason}).`),
      );
    case 'not-kept':
      return problemAnswer(
        new ProblemError(
          'too-many-requests',
          `Not understood (${received.reason}), and not kept: too much of this kind came, or it cannot be stored.`,
          { retryAfterSeconds: 3_600 },
        ),
      );
    default:
      return received satisfies never;
  }
}

function turnedAway(error: OverloadedError): Answer {
  return problemAnswer(
    new ProblemError('unavailable', 'The callback cannot be kept now; please send it again.', {
      retryAfterSeconds: error.retryAfterSeconds,
    }),
  );
}

/** For people who look into the quarantine. The signature stays: it is no secret, and it shows what was signed. */
function headersToKeep(request: RequestHead): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of [
    'host',
    'user-agent',
    'content-type',
    'content-encoding',
    'x-forwarded-for',
    TIMESTAMP,
    SIGNATURE,
    FORWARDED_HEADER,
  ]) {
    const value = request.header(name);
    // jsonb takes no NUL; Node lets none through, but a proxy in front may be kinder.
    if (value !== undefined) kept[name] = value.slice(0, MAX_HEADER_CHARACTERS).replaceAll('\u0000', '');
  }
  return kept;
}
