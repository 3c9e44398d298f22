import { z } from 'zod';
import type { Queries } from '../../usecases/query-history.ts';
import { defineRoute, type Route } from './define-route.ts';
import { configVersionSchema } from './history-schemas.ts';
import { scopeFilters } from './schemas.ts';

export function configVersionRoutes(queries: Queries): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/configs/versions',
      scope: 'read',
      tag: 'configs',
      summary: 'List config versions, newest first',
      description: 'Every version of every (domain, app), with from when to when it stood.',
      query: z.strictObject({ domain: scopeFilters.domain, app: scopeFilters.app }),
      response: z.object({ data: z.array(configVersionSchema) }),
      handler: async ({ query }) => ({ data: await queries.configVersions(query) }),
    }),
  ];
}
