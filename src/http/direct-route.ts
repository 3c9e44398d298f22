import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Answer, sendAnswer } from './answer.ts';
import { readRawBody } from './raw-body.ts';

/**
 * A route that is answered before Express sees the request, for Express takes longer over a request than the whole rest of a
 * callback's way. It serves exactly this method and this path with nothing behind it; every other form goes to the routers.
 */
export interface DirectRoute {
  method: string;
  path: string;
  maxBodyBytes: number;
  /** What it throws becomes a problem. */
  handle(request: DirectRequest): Promise<Answer>;
}

/** What a route may know of a request beside its body, by whichever way it came. */
export interface RequestHead {
  /** `name` in lower case; the first value where there are several. */
  header(name: string): string | undefined;
  remoteAddress: string | null;
  /** When its head was read, by `performance.now()`. */
  begun: number;
}

export interface DirectRequest extends RequestHead {
  /** The bytes as they came, never unpacked; null where there are more than `maxBodyBytes`. */
  body: Buffer | null;
}

/** One request that Node's server has read the head of. A client that went away before its body ended gets nothing. */
export async function handleDirectly(
  route: DirectRoute,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const head = headOf(request);
  const body = await readRawBody(request, route.maxBodyBytes);
  if (body === undefined) return;
  sendAnswer(response, await route.handle({ body, ...head }));
}

export function headOf(request: IncomingMessage): RequestHead {
  return {
    header(name) {
      const value = request.headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
    remoteAddress: request.socket.remoteAddress ?? null,
    begun: performance.now(),
  };
}
