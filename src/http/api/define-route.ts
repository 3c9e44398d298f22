import type { Readable } from 'node:stream';
import type { z } from 'zod';
import type { Scope } from '../../core/token-scope.ts';
import type { Actor } from '../auth.ts';

/** One line per kind of thing; groups the routes in the documentation. */
export type Tag =
  | 'streams'
  | 'sessions'
  | 'captures'
  | 'gaps'
  | 'coverage'
  | 'configs'
  | 'audits'
  | 'quarantine'
  | 'incidents'
  | 'notifications'
  | 'maintenance'
  | 'exports'
  | 'tokens'
  | 'service';

/** A body that is streamed as it comes, at constant memory. */
export class StreamedBody {
  readonly contentType: string;
  /** Offered as a download under this name where given. */
  readonly fileName: string | null;
  readonly stream: Readable;
  constructor(options: { contentType: string; fileName?: string; stream: Readable }) {
    this.contentType = options.contentType;
    this.fileName = options.fileName ?? null;
    this.stream = options.stream;
  }
}

export interface RouteRequest<Params, Query, Body> {
  params: Params;
  query: Query;
  body: Body;
  actor: Actor;
  /** Aborted when the client has gone. */
  signal: AbortSignal;
  /** Whether the caller may still call this, for an answer that goes on: false once the token was revoked or has expired. */
  stillMay: () => Promise<boolean>;
}

/**
 * One route, described once: the schemas validate, type the handler and make the OpenAPI document.
 * A query schema lists every parameter; others are a 400. An array in it takes repeated keys (`verdict=late&verdict=ok`),
 * anything else a single one.
 * Responses are encoded through their schema: fields that it does not name never leave, instants become RFC 3339.
 */
export interface RouteDefinition<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
  Response extends z.ZodType,
> {
  method: 'get' | 'post' | 'put' | 'delete';
  /** Below `/api/v1`, OpenAPI style: `/captures/{id}`. */
  path: `/${string}`;
  /** The least scope that may call it; `public` needs no token. Anything but `get` needs `operate` or `admin`. */
  scope: Scope | 'public';
  tag: Tag;
  /** One line, imperative: `List captures`. */
  summary: string;
  description?: string;
  params?: Params;
  query?: Query;
  body?: Body;
  /** Largest body in bytes, 64 KiB where not given. */
  bodyLimitBytes?: number;
  /** True where the body may hold a secret: the operator log then keeps nothing of it. */
  secretBody?: boolean;
  /** What a success answers: a schema for JSON, or the content types of a stream. */
  response: Response | { contentTypes: string[] };
  /** 200 where not given. */
  status?: 200 | 201 | 202 | 204;
  handler(
    request: RouteRequest<z.output<Params>, z.output<Query>, z.output<Body>>,
  ): Promise<z.output<Response> | StreamedBody>;
}

/** A route as the router, the OpenAPI document and the table-driven tests see it. */
export interface Route {
  method: 'get' | 'post' | 'put' | 'delete';
  path: `/${string}`;
  scope: Scope | 'public';
  tag: Tag;
  summary: string;
  description: string | null;
  params: z.ZodObject | null;
  query: z.ZodObject | null;
  body: z.ZodType | null;
  bodyLimitBytes: number;
  secretBody: boolean;
  response: z.ZodType | { contentTypes: string[] };
  status: 200 | 201 | 202 | 204;
  handler(request: RouteRequest<unknown, unknown, unknown>): Promise<unknown>;
}

export function defineRoute<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
  Response extends z.ZodType,
>(definition: RouteDefinition<Params, Query, Body, Response>): Route {
  if (definition.method !== 'get' && (definition.scope === 'read' || definition.scope === 'public')) {
    throw new Error(`${definition.method} ${definition.path}: a write needs the scope operate or admin`);
  }
  return {
    method: definition.method,
    path: definition.path,
    scope: definition.scope,
    tag: definition.tag,
    summary: definition.summary,
    description: definition.description ?? null,
    params: definition.params ?? null,
    query: definition.query ?? null,
    body: definition.body ?? null,
    bodyLimitBytes: definition.bodyLimitBytes ?? 64 * 1024,
    secretBody: definition.secretBody ?? false,
    response: definition.response,
    status: definition.status ?? 200,
    // The router hands in what these very schemas have parsed.
    handler: (request) =>
      definition.handler(request as RouteRequest<z.output<Params>, z.output<Query>, z.output<Body>>),
  };
}
