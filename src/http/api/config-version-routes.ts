import { z } from 'zod';
import type { Queries } from '../../usecases/query-history.ts';
import { defineRoute, type Route } from './define-route.ts';
import { CONFIG_STATES, configStateSchema, configVersionSchema } from './history-schemas.ts';
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
    defineRoute({
      method: 'get',
      path: '/configs/states',
      scope: 'read',
      tag: 'configs',
      summary: 'Show drift: how each config stood at the last look',
      description:
        'Desired and actual of every field that differs. Asks nobody: `/configs/plan` looks at the vendor now. `stoppedAt`: ' +
        'enforcing has stopped because somebody else keeps changing it.',
      query: z.strictObject({
        domain: scopeFilters.domain,
        app: scopeFilters.app,
        state: z.array(z.enum(CONFIG_STATES)).max(10).optional(),
      }),
      response: z.object({ data: z.array(configStateSchema) }),
      handler: async ({ query }) => ({ data: await queries.configStates(query) }),
    }),
  ];
}
