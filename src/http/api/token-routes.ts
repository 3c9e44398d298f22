import { z } from 'zod';
import { SCOPES } from '../../core/token-scope.ts';
import type { Clock, OperatorLog } from '../../ports.ts';
import type { Tokens } from '../../usecases/manage-tokens.ts';
import { readOperations } from '../../usecases/query-operations.ts';
import { defineRoute, type Route } from './define-route.ts';
import { instant, page, paging, wholeNumber, window } from './schemas.ts';

const tokenSchema = z.object({
  id: z.number().int(),
  name: z.string(),
  scope: z.enum(SCOPES),
  hint: z.string(),
  createdAt: instant,
  expiresAt: instant.nullable(),
  lastUsedAt: instant.nullable(),
  revokedAt: instant.nullable(),
});

/** Tokens over the API: list and revoke. They are made on the command line only, where nobody listens in. */
export function tokenRoutes(tokens: Tokens, operatorLog: OperatorLog, clock: Clock): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/tokens',
      scope: 'admin',
      tag: 'tokens',
      summary: 'List tokens',
      response: z.object({ data: z.array(tokenSchema) }),
      handler: async () => ({ data: await tokens.list() }),
    }),
    defineRoute({
      method: 'delete',
      path: '/tokens/{id}',
      scope: 'admin',
      tag: 'tokens',
      summary: 'Revoke a token',
      params: z.strictObject({ id: wholeNumber(1, 2_147_483_647) }),
      status: 204,
      response: z.undefined(),
      handler: async ({ params }) => {
        await tokens.revoke(params.id);
        return undefined;
      },
    }),
    defineRoute({
      method: 'get',
      path: '/operator-log',
      scope: 'admin',
      tag: 'tokens',
      summary: 'List who changed what, newest first',
      query: z.strictObject({ ...paging, ...window }),
      response: page(
        z.object({
          id: z.number().int(),
          at: instant,
          actor: z.string(),
          action: z.string(),
          target: z.string(),
          detail: z.unknown(),
          status: z.number().int().nullable(),
          remoteAddress: z.string().nullable(),
        }),
      ),
      handler: ({ query }) => readOperations(operatorLog, clock, query),
    }),
  ];
}
