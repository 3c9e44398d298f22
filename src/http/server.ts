import { createServer, type Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import express, { type ErrorRequestHandler, type Express, type Router } from 'express';
import type { Logger } from 'pino';
import { problemAnswer, sendProblem } from './answer.ts';
import { serveDirectly } from './direct-connections.ts';
import { type DirectRoute, handleDirectly } from './direct-route.ts';
import { PROBLEMS, ProblemError, problemOf } from './problem.ts';

export interface HttpServer {
  app: Express;
  /** Resolves with the base URL, e.g. `http://127.0.0.1:8080`. */
  listen(address: { port: number; host: string }): Promise<string>;
  /**
   * Tells clients with every answer to close, takes no new connection once they have ceased, answers what is in flight; gives up
   * after `timeoutMs`.
   */
  close(timeoutMs?: number): Promise<void>;
}

/** A client has this long to send a whole request; the vendor itself gives up after 5 s. */
const REQUEST_TIMEOUT_MS = 10_000;
/** Longer than the idle timeout of the usual load balancers, so that they and not we end a connection. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;
/** A connection that moves nothing, be it before its first request or within an answer. */
const SILENCE_TIMEOUT_MS = 30_000;
/** While stopping: requests that still come are answered and told to close, until they cease or this has passed. */
const FAREWELL_MS = 1_000;
const FAREWELL_STEP_MS = 100;

/** `direct` is looked at first, then the routers in their order. */
export function createHttpServer(options: {
  direct?: DirectRoute;
  routers: Router[];
  logger: Logger;
  maxConnections?: number;
}): HttpServer {
  const { direct, logger } = options;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  let closing = false;
  let answers = 0;
  // Every answer by Node's way passes here. A client that is told so does not send its next request into a closing connection.
  function writeHead(this: ServerResponse, ...parts: unknown[]): ServerResponse {
    answers++;
    if (closing) this.shouldKeepAlive = false;
    return Reflect.apply(ServerResponse.prototype.writeHead, this, parts);
  }
  class Answer extends ServerResponse {}
  Answer.prototype.writeHead = writeHead;
  app.response.writeHead = writeHead as typeof app.response.writeHead;
  for (const router of options.routers) app.use(router);
  app.use((request, response) => {
    sendProblem(response, new ProblemError('not-found', `There is no ${request.method} ${request.path}.`));
  });
  const failure = (error: unknown, request: { method: string; path: string }): ProblemError => {
    const problem = problemOf(error);
    const { method, path } = request;
    if (PROBLEMS[problem.type].status >= 500) logger.error({ err: error, method, path }, 'a request failed');
    return problem;
  };
  const onError: ErrorRequestHandler = (error: unknown, request, response, next) => {
    if (response.headersSent) next(error);
    else {
      const path = request.originalUrl.split('?', 1)[0]!;
      sendProblem(response, failure(error, { method: request.method, path }));
    }
  };
  app.use(onError);

  const server: Server = createServer(
    {
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: 16 * 1024,
      ServerResponse: Answer,
    },
    (request, response) => {
      if (direct === undefined || request.url !== direct.path || request.method !== direct.method) {
        app(request, response);
        return;
      }
      handleDirectly(direct, request, response).catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else sendProblem(response, failure(error, direct));
      });
    },
  );
  const connections =
    direct &&
    serveDirectly(server, direct, {
      onFailure: (error) => problemAnswer(failure(error, direct)),
      onAnswer: () => answers++,
      firstRequestTimeoutMs: REQUEST_TIMEOUT_MS,
      keepAliveTimeoutMs: KEEP_ALIVE_TIMEOUT_MS,
    });
  server.maxConnections = options.maxConnections ?? 20_000;
  server.timeout = SILENCE_TIMEOUT_MS;

  /** Resolves when no more requests come, at the latest after `FAREWELL_MS`. */
  async function requestsCease(): Promise<void> {
    for (let waited = 0; waited < FAREWELL_MS; waited += FAREWELL_STEP_MS) {
      const before = answers;
      await delay(FAREWELL_STEP_MS);
      if (answers === before) break;
    }
    // What lies in the sockets already is read before any is closed: timers come before it in a turn of the loop.
    await new Promise((resolve) => setImmediate(resolve));
  }

  return {
    app,
    listen: ({ port, host }) =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen({ port, host, backlog: 4_096 }, () => {
          server.off('error', reject);
          const address = server.address() as AddressInfo;
          const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
          resolve(`http://${name}:${address.port}`);
        });
      }),
    async close(timeoutMs = 5_000) {
      if (!server.listening || closing) return;
      closing = true;
      connections?.announceEnd();
      await requestsCease();
      await new Promise<void>((resolve) => {
        const giveUp = setTimeout(() => {
          server.closeAllConnections();
          connections?.destroy();
        }, timeoutMs);
        server.close(() => {
          clearTimeout(giveUp);
          resolve();
        });
        connections?.endIdle();
      });
    },
  };
}
