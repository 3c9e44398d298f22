import { Readable } from 'node:stream';
import { z } from 'zod';
import { PROBLEMS } from '../problem.ts';
import { defineRoute, type Route, StreamedBody } from './define-route.ts';

const problemType = z.object({ type: z.string(), status: z.number().int(), title: z.string() });

/** The API about itself: its OpenAPI document and its problem types. */
export function serviceRoutes(document: () => unknown, docs: () => string): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/openapi.json',
      scope: 'public',
      tag: 'service',
      summary: 'The OpenAPI 3.1 document of this API',
      response: z.record(z.string(), z.unknown()),
      handler: async () => document() as Record<string, unknown>,
    }),
    defineRoute({
      method: 'get',
      path: '/docs',
      scope: 'public',
      tag: 'service',
      summary: 'This API as a page to read',
      response: { contentTypes: ['text/html; charset=utf-8'] },
      handler: async () =>
        new StreamedBody({ contentType: 'text/html; charset=utf-8', stream: Readable.from([docs()]) }),
    }),
    defineRoute({
      method: 'get',
      path: '/problems',
      scope: 'public',
      tag: 'service',
      summary: 'List the problem types',
      response: z.object({ data: z.array(problemType) }),
      handler: async () => ({ data: Object.keys(PROBLEMS).map((name) => described(name as keyof typeof PROBLEMS)) }),
    }),
    defineRoute({
      method: 'get',
      path: '/problems/{name}',
      scope: 'public',
      tag: 'service',
      summary: 'Explain one problem type',
      params: z.strictObject({ name: z.enum(Object.keys(PROBLEMS) as (keyof typeof PROBLEMS)[]) }),
      response: problemType,
      handler: async ({ params }) => described(params.name),
    }),
  ];
}

function described(name: keyof typeof PROBLEMS): z.output<typeof problemType> {
  return { type: `/api/v1/problems/${name}`, ...PROBLEMS[name] };
}
