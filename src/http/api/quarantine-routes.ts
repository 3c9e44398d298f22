import { z } from 'zod';
import type { QuarantineControl } from '../../usecases/control-quarantine.ts';
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
        settled: flag.optional().meta({ description: 'Whether it was stored by a retry, or dropped.' }),
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

const kinds = z.enum(['rejected', 'unclassified', 'implausible']);

/** What may be done with kept requests. */
export function quarantineControlRoutes(control: QuarantineControl): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: '/quarantine/retry',
      scope: 'operate',
      tag: 'quarantine',
      summary: 'Offer kept requests to the receiver again',
      description:
        'After an alias was added, a key corrected or a domain named. Twice is harmless. Requests of which only a name was kept are left out.',
      body: z.strictObject({ kind: kinds.optional(), reason: name.optional() }),
      response: z.object({
        tried: z.number().int(),
        stored: z.number().int(),
        still: z.record(z.string(), z.number().int()),
      }),
      handler: ({ body, signal }) => control.retry({ kind: body.kind ?? null, reason: body.reason ?? null, signal }),
    }),
    defineRoute({
      method: 'post',
      path: '/quarantine/{id}/drop',
      scope: 'operate',
      tag: 'quarantine',
      summary: 'Give a kept request up: no retry takes it again',
      params: z.strictObject({ id: wholeNumber(0, Number.MAX_SAFE_INTEGER) }),
      status: 204,
      response: z.undefined(),
      handler: async ({ params }) => {
        await control.drop(params.id);
        return undefined;
      },
    }),
  ];
}
