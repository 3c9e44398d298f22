import { z } from 'zod';
import type { Queries } from '../../usecases/query-history.ts';
import { defineRoute, type Route } from './define-route.ts';
import { quarantineSchema } from './history-schemas.ts';
import { flag, name, page, paging, scopeFilters, wholeNumber, window } from './schemas.ts';

export function quarantineRoutes(queries: Queries): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/quarantine',
      scope: 'read',
      tag: 'quarantine',
      summary: 'List requests that were rejected or not understood, newest first',
      query: z.strictObject({
        ...paging,
        ...window,
        ...scopeFilters,
        kind: z
          .array(z.enum(['rejected', 'unclassified', 'implausible']))
          .max(3)
          .optional(),
        reason: z.array(name).max(20).optional(),
        settled: flag.optional().meta({ description: 'Whether it was retried or dropped.' }),
      }),
      response: page(quarantineSchema),
      handler: ({ query }) => queries.quarantined(query),
    }),
    defineRoute({
      method: 'get',
      path: '/quarantine/{id}',
      scope: 'read',
      tag: 'quarantine',
      summary: 'Show one request with headers and body',
      params: z.strictObject({ id: wholeNumber(0, Number.MAX_SAFE_INTEGER) }),
      response: quarantineSchema.extend({
        headers: z.record(z.string(), z.unknown()),
        bodyBase64: z.string(),
        bodyText: z.string().nullable(),
      }),
      handler: ({ params }) => queries.quarantinedRequest(params.id),
    }),
  ];
}
