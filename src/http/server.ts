import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler, type Express, type Router } from 'express';
import type { Logger } from 'pino';
import { PROBLEMS, ProblemError, problemOf } from './problem.ts';
import { sendProblem } from './send-problem.ts';

export interface HttpServer {
  app: Express;
  /** Resolves with the base URL, e.g. `http://127.0.0.1:8080`. */
  listen(address: { port: number; host: string }): Promise<string>;
  /** Takes no new connection, answers what is in flight, ends what is idle; gives up after `timeoutMs`. */
  close(timeoutMs?: number): Promise<void>;
}

/** A client has this long to send a whole request; the vendor itself gives up after 5 s. */
const REQUEST_TIMEOUT_MS = 10_000;
/** Longer than the idle timeout of the usual load balancers, so that they and not we end a connection. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;

/** Routers are asked in their order; the callback routes belong first, for they carry the load. */
export function createHttpServer(options: { routers: Router[]; logger: Logger; maxConnections?: number }): HttpServer {
  const { logger } = options;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  for (const router of options.routers) app.use(router);
  app.use((request, response) => {
    sendProblem(response, new ProblemError('not-found', `There is no ${request.method} ${request.path}.`));
  });
  app.use(onError(logger));

  const server: Server = createServer(
    {
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: 16 * 1024,
    },
    app,
  );
  server.maxConnections = options.maxConnections ?? 20_000;
  server.maxRequestsPerSocket = 0;

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
    close(timeoutMs = 8_000) {
      if (!server.listening) return Promise.resolve();
      return new Promise((resolve) => {
        const giveUp = setTimeout(() => server.closeAllConnections(), timeoutMs);
        server.close(() => {
          clearTimeout(giveUp);
          resolve();
        });
        server.closeIdleConnections();
      });
    },
  };
}

function onError(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error);
    const problem = problemOf(error);
    if (PROBLEMS[problem.type].status >= 500) {
      logger.error({ err: error, method: request.method, path: request.path }, 'a request failed');
    }
    sendProblem(response, problem);
  };
}
