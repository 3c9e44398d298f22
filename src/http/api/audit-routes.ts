import { z } from 'zod';
import type { Queries } from '../../usecases/query-history.ts';
import { defineRoute, type Route } from './define-route.ts';
import { auditSchema } from './history-schemas.ts';
import { page, paging, scopeFilters, window } from './schemas.ts';

export function auditRoutes(queries: Queries): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/audits',
      scope: 'read',
      tag: 'audits',
      summary: 'List audits with what they cost, newest first',
      query: z.strictObject({
        ...paging,
        ...window,
        domain: scopeFilters.domain,
        status: z
          .array(z.enum(['running', 'done', 'failed']))
          .max(3)
          .optional(),
      }),
      response: page(auditSchema),
      handler: ({ query }) => queries.audits(query),
    }),
  ];
}
