import type { IncomingMessage, ServerResponse } from 'node:http';
import { Router } from 'express';
import { FORWARDED_HEADER } from '../usecases/forward-callback.ts';
import { OverloadedError } from '../usecases/group-commit.ts';
import type { CallbackAnswer } from '../usecases/receive-callback.ts';
import type { StreamCallbackAnswer } from '../usecases/receive-stream-callback.ts';
import type { Receiver } from '../usecases/receiver.ts';
import { ProblemError } from './problem.ts';
import { readRawBody } from './raw-body.ts';
import { sendJson } from './send-json.ts';
import { sendProblem } from './send-problem.ts';
import type { DirectRoute } from './server.ts';

export const MAX_BODY_BYTES = 64 * 1024;
const MAX_HEADER_CHARACTERS = 512;

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

  async function snapshot(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const begun = performance.now();
    // No body parser before this: the quarantine keeps what came byte for byte.
    const body = await readRawBody(request, MAX_BODY_BYTES);
    if (body === undefined) return;
    if (body === null) {
      answered('snapshot', 'too-large', begun);
      response.shouldKeepAlive = false;
      sendProblem(response, new ProblemError('too-large', `A callback is at most ${MAX_BODY_BYTES} bytes long.`));
      return;
    }
    try {
      const answer = await receiver.receiveCallback({
        body,
        timestamp: header(request, 'ali-live-timestamp'),
        signature: header(request, 'ali-live-signature'),
        headers: () => headersToKeep(request),
        remoteAddress: request.socket.remoteAddress ?? null,
      });
      send(response, answer);
      answered('snapshot', answer.outcome, begun);
    } catch (error) {
      sendFailure(response, error, () => answered('snapshot', 'turned-away', begun));
    }
  }

  const router = Router();
  router.post('/callbacks/snapshot', snapshot);
  router.all('/callbacks/snapshot', (_request, response) => {
    response.setHeader('allow', 'POST');
    sendProblem(response, new ProblemError('method-not-allowed', 'Snapshot callbacks are sent with POST.'));
  });
  router.get('/callbacks/stream', async (request, response) => {
    const begun = performance.now();
    try {
      const answer = await receiver.receiveStreamCallback({
        target: request.originalUrl,
        timestamp: header(request, 'ali-live-timestamp'),
        signature: header(request, 'ali-live-signature'),
        headers: () => headersToKeep(request),
        remoteAddress: request.socket.remoteAddress ?? null,
      });
      send(response, answer);
      answered('stream', answer.outcome, begun);
    } catch (error) {
      sendFailure(response, error, () => answered('stream', 'turned-away', begun));
    }
  });
  return { direct: { method: 'POST', path: '/callbacks/snapshot', handle: snapshot }, router };
}

/** A string, for Node sends it in one write with the headers; a buffer would be a second one. */
const STORED = '{"status":"stored"}';
const JSON_HEADERS = { 'content-type': 'application/json', 'content-length': STORED.length };

function send(response: ServerResponse, answer: CallbackAnswer | StreamCallbackAnswer): void {
  switch (answer.outcome) {
    case 'stored':
      response.writeHead(200, JSON_HEADERS).end(STORED);
      return;
    case 'canary':
      sendJson(response, { canary: answer.id });
      return;
    case 'quarantined':
      sendJson(response, { status: 'quarantined', reason: answer.reason });
      return;
    case 'rejected':
      sendProblem(
        response,
        new ProblemError('unauthenticated', `None of our keys explains the callback signature (${answer.reason}).`),
      );
      return;
    case 'not-kept':
      sendProblem(
        response,
        new ProblemError(
          'too-many-requests',
          `Not understood (${answer.reason}), and not kept: too much of this kind came, or it cannot be stored.`,
          {
            retryAfterSeconds: 3_600,
          },
        ),
      );
      return;
    default:
      answer satisfies never;
  }
}

function sendFailure(response: ServerResponse, error: unknown, note: () => void): void {
  if (!(error instanceof OverloadedError)) throw error;
  note();
  sendProblem(
    response,
    new ProblemError('unavailable', 'The callback cannot be kept now; please send it again.', {
      retryAfterSeconds: error.retryAfterSeconds,
    }),
  );
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** For people who look into the quarantine. The signature stays: it is no secret, and it shows what was signed. */
function headersToKeep(request: IncomingMessage): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of [
    'host',
    'user-agent',
    'content-type',
    'content-encoding',
    'x-forwarded-for',
    'ali-live-timestamp',
    'ali-live-signature',
    FORWARDED_HEADER,
  ]) {
    const value = header(request, name);
    // jsonb takes no NUL; Node lets none through, but a proxy in front may be kinder.
    if (value !== undefined) kept[name] = value.slice(0, MAX_HEADER_CHARACTERS).replaceAll('\u0000', '');
  }
  return kept;
}
