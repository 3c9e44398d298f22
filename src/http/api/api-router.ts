import { pipeline } from 'node:stream/promises';
import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Response, Router } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import helmet from 'helmet';
import { z } from 'zod';
import { scopeIncludes } from '../../core/token-scope.ts';
import type { OperatorLog } from '../../ports.ts';
import { sendProblem } from '../answer.ts';
import { type Actor, authenticate, type TokenChecker } from '../auth.ts';
import { PROBLEMS, ProblemError, type ProblemPart, problemOf } from '../problem.ts';
import { sessionRouter } from '../session-router.ts';
import { type Route, StreamedBody } from './define-route.ts';
import { docsPage } from './docs-page.ts';
import { encodeAnswer, packed } from './encode-answer.ts';
import { openApiDocument } from './openapi.ts';
import { serviceRoutes } from './service-routes.ts';
import { SESSION_ROUTES } from './session-description.ts';

export interface ApiOptions {
  routes: Route[];
  tokens: TokenChecker;
  operatorLog: OperatorLog;
  /** Told of what became a 5xx. The error may hold anything but secrets. */
  onError?: (error: unknown, at: { method: string; path: string }) => void;
  /** Per token, or per address where there is none. 1,200 where not given. */
  requestsPerMinute?: number;
}

/** Everything below `/api/v1`: validation, tokens, scopes, rate limit, operator log, problem+json. */
export function createApiRouter(options: ApiOptions): Router {
  const mounted = Router();
  mounted.use('/api/v1/session', sessionRouter(options.tokens));
  mounted.use('/api/v1', apiRouter(options));
  return mounted;
}

function apiRouter(options: ApiOptions): Router {
  const router = Router({ caseSensitive: true });
  const routes: Route[] = [
    ...options.routes,
    ...serviceRoutes(
      () => openApiDocument([...routes, ...SESSION_ROUTES]),
      () => docsPage([...routes, ...SESSION_ROUTES]),
    ),
  ];
  const perMinute = options.requestsPerMinute ?? 1_200;
  router.use(helmet());
  const tokens = identifier(options.tokens);
  const limit = limitRate(perMinute);
  for (const route of routes) {
    const handlers: RequestHandler[] = [tokens(route), limit];
    if (route.body) {
      handlers.push(requireJson, express.json({ limit: route.bodyLimitBytes, strict: true, inflate: false }));
    }
    handlers.push(answer(route, options));
    router[route.method](expressPath(route.path), ...handlers);
  }
  router.use(refuseMethod([...routes, ...SESSION_ROUTES]));
  router.use(asProblem(options.onError));
  return router;
}

const FAILURES_PER_MINUTE = 60;

/** The actor of a request, from `identifier` to `answer`. */
const actors = new WeakMap<Request, Actor>();

/** Finds out who calls and whether they may. An address that tries out tokens is held back; others are not. */
function identifier(tokens: TokenChecker): (route: Route) => RequestHandler {
  const limitFailures = rateLimit({
    windowMs: 60_000,
    limit: FAILURES_PER_MINUTE,
    standardHeaders: false,
    legacyHeaders: false,
    keyGenerator: (request) => ipKeyGenerator(request.ip ?? ''),
    handler: tooMany('Too many requests without a valid token came from this address; wait a minute.'),
  });
  return (route) => async (request, response, next) => {
    response.setHeader('Cache-Control', 'private, no-cache');
    if (route.scope === 'public') return next();
    let actor: Actor;
    try {
      actor = await authenticate(tokens, request);
    } catch (error) {
      return limitFailures(request, response, (limited) => next(limited ?? error));
    }
    if (!scopeIncludes(actor.scope, route.scope)) {
      throw new ProblemError(
        'forbidden',
        `This needs a token of scope ${route.scope}; this one has the scope ${actor.scope}.`,
      );
    }
    actors.set(request, actor);
    next();
  };
}

async function mayCall(route: Route, tokens: TokenChecker, request: Request): Promise<boolean> {
  if (route.scope === 'public') return true;
  try {
    return scopeIncludes((await authenticate(tokens, request)).scope, route.scope);
  } catch (error) {
    // Anything else means that we could not look, which takes nobody's right away.
    if (error instanceof ProblemError) return false;
    throw error;
  }
}

const requireJson: RequestHandler = (request, _response, next) => {
  if (!request.is('application/json')) {
    throw new ProblemError('unsupported-media-type', 'Send the body with Content-Type: application/json.');
  }
  next();
};

function answer(route: Route, options: ApiOptions): RequestHandler {
  return async (request, response) => {
    const aborted = new AbortController();
    response.on('close', () => aborted.abort());
    const result =
      route.method === 'get'
        ? await carryOut(route, options, request, aborted.signal)
        : await recorded(route, options, request, aborted.signal);
    if (result instanceof StreamedBody) {
      await sendStream(response, result, route.status, {
        signal: aborted.signal,
        onFailure: (error) => options.onError?.(error, { method: request.method, path: request.path }),
      });
    } else await sendJson(request, response, route, result);
  };
}

async function carryOut(route: Route, { tokens }: ApiOptions, request: Request, signal: AbortSignal): Promise<unknown> {
  const params = route.params ? parse(route.params, request.params, 'not-found') : {};
  const query = parse(route.query ?? NO_PARAMETERS, queryOf(request, route.query), 'bad-parameter');
  const body = route.body ? parse(route.body, request.body, 'bad-body') : undefined;
  const stillMay = () => mayCall(route, tokens, request);
  return route.handler({ params, query, body, actor: actorOf(request), signal, stillMay });
}

/** A write is answered when it stands in the operator log: one that cannot be recorded is never told as done. */
async function recorded(route: Route, options: ApiOptions, request: Request, signal: AbortSignal): Promise<unknown> {
  const { operatorLog, onError } = options;
  let result: unknown;
  try {
    result = await carryOut(route, options, request, signal);
  } catch (error) {
    const { status } = PROBLEMS[problemOf(error).type];
    // The refusal is what the caller must know; that it is not in the log is ours to know.
    await operatorLog
      .record(entryOf(route, request, status))
      .catch((failure) => onError?.(failure, { method: request.method, path: request.path }));
    throw error;
  }
  await operatorLog.record(entryOf(route, request, route.status));
  return result;
}

function actorOf(request: Request): Actor {
  return actors.get(request) ?? { kind: 'local', name: 'public', scope: 'read' };
}

const NO_PARAMETERS = z.strictObject({});

function entryOf(route: Route, request: Request, status: number): Parameters<OperatorLog['record']>[0] {
  // Only a body that the route takes: others may hold what no database does.
  const keepsBody = route.body?.safeParse(request.body).success && !route.secretBody && isStorable(request.body);
  return {
    actor: actorOf(request).name,
    action: `${route.method.toUpperCase()} ${route.path}`,
    target: request.originalUrl.split('?')[0] ?? '',
    detail: keepsBody ? request.body : null,
    status,
    remoteAddress: request.socket.remoteAddress ?? null,
  };
}

async function sendJson(request: Request, response: Response, route: Route, result: unknown): Promise<void> {
  if (route.status === 204) {
    response.status(204).end();
    return;
  }
  if (!(route.response instanceof z.ZodType)) throw new Error(`${route.path} answers with a stream`);
  const answer = encodeAnswer(route.response, result);
  response.status(route.status).type('application/json');
  // Express answers 304 to an If-None-Match that holds this ETag.
  if (route.method === 'get') response.setHeader('ETag', answer.etag);
  response.vary('Accept-Encoding');
  const gzipped = request.acceptsEncodings('gzip') ? await packed(answer) : null;
  if (gzipped) response.setHeader('Content-Encoding', 'gzip');
  response.send(gzipped ?? answer.body);
}

/** A client that has gone is no failure. One of ours breaks the connection, which the client sees. */
async function sendStream(
  response: Response,
  body: StreamedBody,
  status: number,
  { signal, onFailure }: { signal: AbortSignal; onFailure(error: unknown): void },
): Promise<void> {
  response.status(status).setHeader('Content-Type', body.contentType);
  if (body.fileName) response.attachment(body.fileName).setHeader('Content-Type', body.contentType);
  // Which came first must be seen now: afterwards both ends are closed either way.
  let failed = false;
  body.stream.once('error', () => {
    failed = !signal.aborted;
  });
  try {
    await pipeline(body.stream, response);
  } catch (error) {
    // `pipeline` leaves it open where the client had gone before it began.
    body.stream.destroy();
    if (failed) onFailure(error);
    response.destroy();
  }
}

/** One value a key, or an array where the schema takes repeated keys. */
function queryOf(request: Request, schema: z.ZodObject | null): Record<string, string | string[]> {
  const search = new URLSearchParams(request.originalUrl.split('?').slice(1).join('?'));
  const query: Record<string, string | string[]> = Object.create(null);
  for (const key of new Set(search.keys())) {
    const values = search.getAll(key);
    const first = values[0] ?? '';
    if (isRepeatable(schema?.shape[key])) query[key] = values;
    else if (values.length > 1) {
      throw new ProblemError('bad-parameter', 'A parameter is given more than once.', {
        parts: [{ name: key.slice(0, 100), message: 'may be given once only' }],
      });
    } else query[key] = first;
  }
  return { ...query };
}

/** True for an array schema, also inside optional, default and the like. */
function isRepeatable(schema: unknown): boolean {
  let current: unknown = schema;
  while (current instanceof z.ZodOptional || current instanceof z.ZodDefault || current instanceof z.ZodPrefault) {
    current = current.unwrap();
  }
  return current instanceof z.ZodArray;
}

const DETAILS = {
  'bad-parameter': 'A parameter is unknown, malformed or out of range.',
  'bad-body': 'The body is not what this route takes.',
  'not-found': 'There is no such thing.',
} as const;

function parse(schema: z.ZodType, value: unknown, type: keyof typeof DETAILS): unknown {
  const result = schema.safeParse(value);
  if (!result.success)
    throw new ProblemError(type, DETAILS[type], { parts: result.error.issues.slice(0, 20).map(partOf) });
  if (!isStorable(value)) {
    throw new ProblemError(type, DETAILS[type], {
      parts: [{ name: '', message: 'must hold no NUL character and no half of a surrogate pair' }],
    });
  }
  return result.data;
}

/** PostgreSQL holds neither a NUL nor half of a surrogate pair in a text: all routes refuse them here. As deep as the schema goes. */
function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0');
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every((entry) => entry.every(isStorable));
}

function partOf(issue: z.core.$ZodIssue): ProblemPart {
  const name = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => key.slice(0, 100)).join(', ') : '';
  return {
    name: name || issue.path.join('.').slice(0, 200),
    message: issue.code === 'unrecognized_keys' ? 'is not a parameter here' : issue.message,
  };
}

function expressPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}

function refuseMethod(routes: Route[]): RequestHandler {
  const known = routes.map((route) => ({
    method: route.method.toUpperCase(),
    pattern: new RegExp(`^${route.path.replace(/\./g, '\\.').replace(/\{\w+\}/g, '[^/]+')}/?$`),
  }));
  return (request, response) => {
    const methods = known.filter(({ pattern }) => pattern.test(request.path)).map(({ method }) => method);
    if (methods.length === 0) throw new ProblemError('not-found', 'There is no such path below /api/v1.');
    response.setHeader('Allow', [...new Set(methods)].join(', '));
    throw new ProblemError('method-not-allowed', `This path takes ${methods.join(', ')}.`);
  };
}

function asProblem(onError: ApiOptions['onError']): ErrorRequestHandler {
  return (error, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const problem = problemOf(error);
    if (PROBLEMS[problem.type].status >= 500) onError?.(error, { method: request.method, path: request.path });
    if (problem.type === 'unauthenticated') response.setHeader('WWW-Authenticate', 'Bearer realm="snapaudit"');
    sendProblem(response, problem);
  };
}

/** A token, or an address where there is none: people behind one address do not use up each other's share. */
function limitRate(perMinute: number): RequestHandler {
  return rateLimit({
    windowMs: 60_000,
    limit: perMinute,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    keyGenerator: (request) => {
      const actor = actors.get(request);
      return actor?.kind === 'token' || actor?.kind === 'environment' ? actor.name : ipKeyGenerator(request.ip ?? '');
    },
    handler: tooMany(`At most ${perMinute} requests a minute.`),
  });
}

function tooMany(detail: string): RequestHandler {
  return (_request, response, next) => {
    const retryAfterSeconds = Number(response.getHeader('Retry-After') ?? 60);
    next(new ProblemError('too-many-requests', detail, { retryAfterSeconds }));
  };
}
