import { z } from 'zod';
import type { Queries } from '../../usecases/query-history.ts';
import { defineRoute, type Route } from './define-route.ts';
import { captureSchema, verdict } from './history-schemas.ts';
import { flag, instant, page, paging, scopeFilters, span, window } from './schemas.ts';

/** Filters of captures, for the list and for the export. */
export const captureFilters = {
  verdict: z.array(verdict).max(10).optional(),
  source: z
    .array(z.enum(['callback', 'index', 'object']))
    .max(3)
    .optional()
    .meta({ description: 'Who told of it: the callback, or what backfill found it in.' }),
  verified: flag.optional(),
  minDelay: span.optional().meta({ description: 'Received at least so long after the capture, e.g. `30s`.' }),
  maxDelay: span.optional(),
};

export function captureRoutes(queries: Queries): Route[] {
  const params = z.strictObject({ id: z.string().max(40) });
  return [
    defineRoute({
      method: 'get',
      path: '/captures',
      scope: 'read',
      tag: 'captures',
      summary: 'List captures',
      description: 'By domain, app and stream; within a stream the newest first, or the oldest with `order=oldest`.',
      query: z.strictObject({
        ...paging,
        ...window,
        ...scopeFilters,
        ...captureFilters,
        order: z.enum(['newest', 'oldest']).optional(),
      }),
      response: page(captureSchema),
      handler: ({ query: { minDelay, maxDelay, ...query } }) =>
        queries.captures({ ...query, minDelayMs: minDelay, maxDelayMs: maxDelay }),
    }),
    defineRoute({
      method: 'get',
      path: '/captures/{id}',
      scope: 'read',
      tag: 'captures',
      summary: 'Show one capture',
      params,
      response: captureSchema,
      handler: ({ params: { id } }) => queries.capture(id),
    }),
    defineRoute({
      method: 'get',
      path: '/captures/{id}/url',
      scope: 'read',
      tag: 'captures',
      summary: 'Sign an OSS URL of the snapshot',
      description:
        'It lives five minutes. Whether the object is there shows when it is fetched. A 409 where no config of the app stores there.',
      params,
      response: z.object({ url: z.string(), expiresAt: instant }),
      handler: ({ params: { id } }) => queries.captureUrl(id),
    }),
  ];
}
