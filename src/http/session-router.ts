import express, { type ErrorRequestHandler, type Request, Router } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import helmet from 'helmet';
import { sendProblem } from './answer.ts';
import { signInBody } from './api/session-description.ts';
import { authenticate, isCrossSite, SESSION_COOKIE, sessionToken, type TokenChecker } from './auth.ts';
import { ProblemError, problemOf } from './problem.ts';

const SESSION_HOURS = 12;
/** The cookie goes to the API only: neither pages nor scripts need it. */
const COOKIE_PATH = '/api/v1';

/**
 * Signing in from a browser: `POST` takes a token and answers with a cookie, `GET` says who is signed in and whether one
 * must be, `DELETE` signs out. Wrong tokens are held back by address.
 */
export function sessionRouter(tokens: TokenChecker): Router {
  const router = Router();
  router.use(helmet());
  router.use((request, response, next) => {
    response.setHeader('Cache-Control', 'no-store');
    const unknown = Object.keys(request.query);
    if (unknown.length > 0) {
      const parts = unknown
        .slice(0, 20)
        .map((name) => ({ name: name.slice(0, 100), message: 'is not a parameter here' }));
      throw new ProblemError('bad-parameter', 'A parameter is unknown.', { parts });
    }
    next();
  });
  const limit = limitWrongTokens();
  router.get('/', limit, async (request, response) => {
    response.json(await describe(tokens, request));
  });
  router.post('/', limit, express.json({ limit: '4kb', inflate: false }), async (request, response) => {
    refuseOtherSites(request);
    const body = signInBody.safeParse(request.body);
    const actor = body.success ? await tokens.check(body.data.token) : null;
    if (!body.success || actor === null) throw new ProblemError('unauthenticated', 'This token is not valid.');
    response.cookie(SESSION_COOKIE, body.data.token, {
      ...attributesOf(request),
      maxAge: SESSION_HOURS * 3_600_000,
    });
    response.json({ required: true, actor: { name: actor.name, scope: actor.scope } });
  });
  router.delete('/', (request, response) => {
    refuseOtherSites(request);
    response.clearCookie(SESSION_COOKIE, attributesOf(request));
    response.status(204).end();
  });
  router.use(asProblem);
  return router;
}

async function describe(tokens: TokenChecker, request: Request) {
  const required = await tokens.required();
  try {
    const { name, scope } = await authenticate(tokens, request);
    return { required, actor: { name, scope } };
  } catch (error) {
    if (problemOf(error).type !== 'unauthenticated') throw error;
    if (carriesToken(request)) wrong.add(request);
    return { required, actor: null };
  }
}

/** Requests that asked who is signed in, with a token that is not valid: the answer is no error, but it is a try. */
const wrong = new WeakSet<Request>();

function carriesToken(request: Request): boolean {
  return request.headers.authorization !== undefined || sessionToken(request) !== null;
}

function refuseOtherSites(request: Request): void {
  if (isCrossSite(request)) throw new ProblemError('forbidden', 'Another site may not sign in here.');
}

function attributesOf(request: Request) {
  const secure = request.secure || request.headers['x-forwarded-proto'] === 'https';
  return { httpOnly: true, sameSite: 'strict', path: COOKIE_PATH, secure } as const;
}

function limitWrongTokens() {
  return rateLimit({
    windowMs: 60_000,
    limit: 20,
    standardHeaders: false,
    legacyHeaders: false,
    keyGenerator: (request) => ipKeyGenerator(request.ip ?? ''),
    skip: (request) => request.method === 'GET' && !carriesToken(request),
    skipSuccessfulRequests: true,
    requestWasSuccessful: (request, response) => response.statusCode < 400 && !wrong.has(request),
    handler: (_request, _response, next) =>
      next(
        new ProblemError('too-many-requests', 'Too many wrong tokens came from this address; wait a minute.', {
          retryAfterSeconds: 60,
        }),
      ),
  });
}

const asProblem: ErrorRequestHandler = (error, _request, response, next) => {
  if (response.headersSent) next(error);
  else sendProblem(response, problemOf(error));
};
