import { z } from 'zod';
import { SESSION_COOKIE, SESSION_WRITE_HEADER } from '../auth.ts';
import { PROBLEMS } from '../problem.ts';
import type { Route } from './define-route.ts';

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document, made from the same schemas that validate. */
export function openApiDocument(routes: Route[]): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const item = paths[route.path] ?? {};
    item[route.method] = operation(route);
    paths[route.path] = item;
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Snapaudit',
      version: '1',
      description:
        'What was captured, stored and announced, slot by slot. Lists give `{data, next}`: pass `next` as `cursor` ' +
        'for the page after. Times are RFC 3339, ranges half-open; repeated keys are alternatives; unknown parameters ' +
        'are a 400. Errors are application/problem+json.',
    },
    servers: [{ url: '/api/v1' }],
    security: [{ token: [] }, { session: [] }],
    tags: [...new Set(routes.map((route) => route.tag))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'Made by `snapaudit tokens create --scope read`.' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: SESSION_COOKIE,
          description: `Set by \`POST /session\`. A change with it needs the header \`${SESSION_WRITE_HEADER}\`, with any value.`,
        },
      },
      schemas: { Problem: problemSchema() },
    },
  };
}

export function operation(route: Route): Json {
  return {
    operationId: `${route.method}${route.path.replace(/[^A-Za-z]+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`,
    tags: [route.tag],
    summary: route.summary,
    ...(route.description ? { description: route.description } : {}),
    ...(route.scope === 'public' ? { security: [] } : { 'x-scope': route.scope }),
    parameters: [...parameters(route.params, 'path'), ...parameters(route.query, 'query')],
    ...(route.body
      ? { requestBody: { required: true, content: { 'application/json': { schema: jsonSchema(route.body) } } } }
      : {}),
    responses: {
      [route.status]: success(route),
      default: {
        description: 'A problem',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

function success(route: Route): Json {
  if (route.status === 204) return { description: 'Done' };
  const content =
    route.response instanceof z.ZodType
      ? { 'application/json': { schema: jsonSchema(route.response) } }
      : Object.fromEntries(
          route.response.contentTypes.map((type) => [
            type,
            { schema: type.includes('json') ? {} : { type: 'string' } },
          ]),
        );
  return { description: 'Success', content };
}

function parameters(schema: z.ZodObject | null, place: 'path' | 'query'): Json[] {
  if (!schema) return [];
  const whole = jsonSchema(schema) as { properties?: Record<string, Json>; required?: string[] };
  return Object.entries(whole.properties ?? {}).map(([name, property]) => {
    const { description, ...rest } = property;
    return {
      name,
      in: place,
      required: place === 'path' || (whole.required ?? []).includes(name),
      ...(description ? { description } : {}),
      ...(rest.type === 'array' ? { style: 'form', explode: true } : {}),
      schema: rest,
    };
  });
}

/** What goes over the wire: the input side of every codec. */
function jsonSchema(schema: z.ZodType): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-2020-12',
    unrepresentable: 'any',
    override: ({ jsonSchema: made }) => {
      // A number of a query string is validated as text; people read what it means.
      if (made.type === 'integer' || made.type === 'boolean') {
        delete made.pattern;
        delete made.enum;
      }
    },
  }) as Json;
  return rest;
}

function problemSchema(): Json {
  return {
    type: 'object',
    required: ['type', 'title', 'status', 'detail'],
    properties: {
      type: { type: 'string', enum: Object.keys(PROBLEMS).map((name) => `/api/v1/problems/${name}`) },
      title: { type: 'string' },
      status: { type: 'integer' },
      detail: { type: 'string' },
      errors: {
        type: 'array',
        items: { type: 'object', properties: { name: { type: 'string' }, message: { type: 'string' } } },
      },
    },
  };
}
