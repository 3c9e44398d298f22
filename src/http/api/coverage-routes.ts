import { z } from 'zod';
import { COVERAGE_GROUPS, COVERAGE_UNITS } from '../../ports.ts';
import type { Queries } from '../../usecases/query-history.ts';
import { defineRoute, type Route } from './define-route.ts';
import { coverageSchema, exclusionSchema } from './history-schemas.ts';
import { instant, page, paging, scopeFilters, window } from './schemas.ts';

export const coverageFilters = {
  per: z.enum(COVERAGE_UNITS).optional().meta({ description: 'One row per hour, day or month, or `total` (default).' }),
  by: z
    .enum(COVERAGE_GROUPS)
    .optional()
    .meta({ description: 'One row per `stream` (default), app, domain, or `all`.' }),
};

export function coverageRoutes(queries: Queries): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/coverage',
      scope: 'read',
      tag: 'coverage',
      summary: 'Show coverage',
      description:
        'Good slots / slots that count, with the slots by verdict beside it. Slots are counted by the hour, so the window ' +
        'is widened to whole hours; without one it is the last 24 hours. `exclusions` lists maintenance and pauses.',
      query: z.strictObject({ ...paging, ...window, ...scopeFilters, ...coverageFilters }),
      response: page(coverageSchema).extend({ from: instant, to: instant, exclusions: z.array(exclusionSchema) }),
      handler: ({ query }) => queries.coverage(query),
    }),
  ];
}
