import { z } from 'zod';
import type { Queries } from '../../usecases/query-history.ts';
import { defineRoute, type Route } from './define-route.ts';
import { cause, gapSchema, verdict } from './history-schemas.ts';
import { flag, page, paging, scopeFilters, window } from './schemas.ts';

export const gapFilters = {
  verdict: z.array(verdict).max(10).optional(),
  cause: z.array(cause).max(20).optional(),
  open: flag.optional().meta({ description: 'Whether the run may still grow or change.' }),
};

export function gapRoutes(queries: Queries): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/gaps',
      scope: 'read',
      tag: 'gaps',
      summary: 'List gaps, newest start first',
      description:
        'Runs of slots of one session with one verdict and cause that share an instant with the window; runs of unknown ' +
        'and excused slots and of unexpected captures are among them.',
      query: z.strictObject({ ...paging, ...window, ...scopeFilters, ...gapFilters }),
      response: page(gapSchema),
      handler: ({ query }) => queries.gaps(query),
    }),
    defineRoute({
      method: 'get',
      path: '/gaps/{id}',
      scope: 'read',
      tag: 'gaps',
      summary: 'Show one gap',
      params: z.strictObject({ id: z.string().max(60) }),
      response: gapSchema,
      handler: ({ params }) => queries.gap(params.id),
    }),
  ];
}
