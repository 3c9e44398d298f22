import { z } from 'zod';
import { SCOPES } from '../../core/token-scope.ts';
import { SESSION_COOKIE, SESSION_WRITE_HEADER } from '../auth.ts';
import type { Route } from './define-route.ts';

export const signInBody = z.strictObject({ token: z.string().regex(/^[\x21-\x7e]{1,200}$/, 'is not a token') });

export const sessionSchema = z.object({
  required: z.boolean().describe('Whether a token is needed.'),
  actor: z
    .object({ name: z.string(), scope: z.enum(SCOPES) })
    .nullable()
    .describe('null where nobody is signed in.'),
});

type Described = Pick<Route, 'method' | 'summary' | 'description' | 'body' | 'response' | 'status'>;

/** `/session` as the OpenAPI document and the page tell of it; `session-router.ts` answers, for it works with cookies. */
export const SESSION_ROUTES: Route[] = (
  [
    {
      method: 'get',
      summary: 'Say who is signed in, and whether one must be',
      description: 'By the cookie or the token that comes along. Wrong ones are held back by address.',
      body: null,
      response: sessionSchema,
      status: 200,
    },
    {
      method: 'post',
      summary: 'Sign in from a browser',
      description: `Sets the cookie ${SESSION_COOKIE} for twelve hours. A change with it needs the header ${SESSION_WRITE_HEADER}.`,
      body: signInBody,
      response: sessionSchema,
      status: 200,
    },
    {
      method: 'delete',
      summary: 'Sign out',
      description: 'Takes the cookie back; the token stays valid.',
      body: null,
      response: z.undefined(),
      status: 204,
    },
  ] satisfies Described[]
).map((each) => ({
  ...each,
  path: '/session',
  scope: 'public',
  tag: 'tokens',
  params: null,
  query: null,
  bodyLimitBytes: 4_096,
  secretBody: true,
  handler: async () => {
    throw new Error('session-router.ts answers this');
  },
}));
