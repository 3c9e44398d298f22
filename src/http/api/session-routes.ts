import { z } from 'zod';
import type { Queries } from '../../usecases/query-history.ts';
import { defineRoute, type Route } from './define-route.ts';
import { askedMode, sessionSchema, slotSchema } from './history-schemas.ts';
import { flag, page, paging, scopeFilters, window } from './schemas.ts';

export function sessionRoutes(queries: Queries): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/sessions',
      scope: 'read',
      tag: 'sessions',
      summary: 'List sessions, newest start first',
      description: 'Those that share an instant with the window, with their slots by verdict.',
      query: z.strictObject({ ...paging, ...window, ...scopeFilters, onAir: flag.optional() }),
      response: page(sessionSchema),
      handler: ({ query }) => queries.sessions(query),
    }),
    defineRoute({
      method: 'get',
      path: '/sessions/{id}',
      scope: 'read',
      tag: 'sessions',
      summary: 'Show one session',
      params: z.strictObject({ id: z.string().max(40) }),
      response: sessionSchema,
      handler: ({ params }) => queries.session(params.id),
    }),
    defineRoute({
      method: 'get',
      path: '/sessions/{id}/slots',
      scope: 'read',
      tag: 'sessions',
      summary: 'List the slots of one session, oldest first',
      description: 'Every expected capture with its verdict, and unexpected captures among them.',
      params: z.strictObject({ id: z.string().max(40) }),
      query: z.strictObject({ ...paging, mode: askedMode }),
      response: page(slotSchema),
      handler: ({ params, query }) => queries.sessionSlots(params.id, query),
    }),
  ];
}
