import { z } from 'zod';
import { RefusalError } from '../../core/refusal.ts';
import { STREAM_STATUSES } from '../../core/stream-status.ts';
import type { Queries } from '../../usecases/query-history.ts';
import { defineRoute, type Route } from './define-route.ts';
import { streamSchema } from './history-schemas.ts';
import { nameInPath, page, paging, scopeFilters } from './schemas.ts';

export function streamRoutes(queries: Queries): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/domains',
      scope: 'read',
      tag: 'streams',
      summary: 'List the domains that streams were seen on',
      response: z.object({
        data: z.array(z.object({ domain: z.string(), apps: z.number().int(), streams: z.number().int() })),
      }),
      handler: async () => ({ data: await queries.domains() }),
    }),
    defineRoute({
      method: 'get',
      path: '/apps',
      scope: 'read',
      tag: 'streams',
      summary: 'List the apps that streams were seen on',
      query: z.strictObject({ domain: scopeFilters.domain }),
      response: z.object({
        data: z.array(z.object({ domain: z.string(), app: z.string(), streams: z.number().int() })),
      }),
      handler: async ({ query }) => ({ data: await queries.apps(query) }),
    }),
    defineRoute({
      method: 'get',
      path: '/streams',
      scope: 'read',
      tag: 'streams',
      summary: 'List streams with their status',
      description: 'By domain, app, stream.',
      query: z.strictObject({
        ...paging,
        ...scopeFilters,
        status: z.array(z.enum(STREAM_STATUSES)).max(10).optional(),
      }),
      response: page(streamSchema),
      handler: ({ query }) => queries.streams(query),
    }),
    defineRoute({
      method: 'get',
      path: '/streams/counts',
      scope: 'read',
      tag: 'streams',
      summary: 'Count streams by status',
      query: z.strictObject(scopeFilters),
      response: z.object({
        counts: z.object(Object.fromEntries(STREAM_STATUSES.map((status) => [status, z.number().int()]))),
      }),
      handler: async ({ query }) => ({ counts: await queries.statusCounts(query) }),
    }),
    defineRoute({
      method: 'get',
      path: '/streams/{domain}/{app}/{stream}',
      scope: 'read',
      tag: 'streams',
      summary: 'Show one stream',
      params: z.strictObject({ domain: nameInPath, app: nameInPath, stream: nameInPath }),
      response: streamSchema,
      handler: async ({ params }) => {
        const stream = await queries.stream(params);
        if (!stream) throw new RefusalError('not-found', 'This stream was never seen.');
        return stream;
      },
    }),
  ];
}
