import { z } from 'zod';
import { INCIDENT_KINDS, INCIDENT_STATUSES, type Incident, RESOLUTIONS, SEVERITIES } from '../../core/incident.ts';
import type { AlertingHandle } from '../../usecases/manage-alerting.ts';
import { defineRoute, type Route } from './define-route.ts';
import { domainName, instant, name, page, paging, scopeFilters, wholeNumber, window } from './schemas.ts';

export const idParam = z.strictObject({ id: wholeNumber(1, 2_147_483_647) });
/** Whoever writes by API is named by the token; a person may add who asked for it. */
export const reasonText = z
  .string()
  .trim()
  .min(1)
  .max(500)
  .regex(/^\P{Cc}+$/u, 'must hold no control characters');
export const scopeNames = {
  domain: domainName.nullable().default(null).describe('Main streaming domain; null: all.'),
  app: name.nullable().default(null).describe('Needs the domain.'),
  stream: name.nullable().default(null).describe('Needs the app.'),
};

const incidentSchema = z.object({
  id: z.number().int(),
  kind: z.enum(INCIDENT_KINDS),
  domain: z.string().nullable().describe('null: it concerns all of them.'),
  app: z.string().nullable(),
  stream: z.string().nullable(),
  key: z.string().describe('Tells incidents of one kind and scope apart; mostly empty.'),
  status: z.enum(INCIDENT_STATUSES),
  severity: z.enum(SEVERITIES),
  since: instant.describe('When the trouble began, by the facts.'),
  openedAt: instant,
  updatedAt: instant,
  clearSince: instant.nullable().describe('Since when the facts are good again.'),
  resolvedAt: instant.nullable(),
  resolution: z.enum(RESOLUTIONS).nullable(),
  confirmedAt: instant.nullable().describe('When the audit confirmed it.'),
  affectedStreams: z.number().int(),
  totalStreams: z.number().int(),
  missedSlots: z.number().int().nullable(),
  expectedSlots: z.number().int().nullable(),
  cause: z.string().nullable(),
  verdict: z.string().nullable(),
  lastGoodAt: instant.nullable(),
  streams: z.array(z.string()).describe('The first affected streams, `app/stream`.'),
  detail: z.string().nullable(),
  foldedInto: z.number().int().nullable().describe('The wider incident that tells of this one.'),
  acknowledgedAt: instant.nullable(),
  acknowledgedBy: z.string().nullable(),
  acknowledgedUntil: instant.nullable(),
  acknowledgeReason: z.string().nullable(),
});

function incidentView(incident: Incident): z.output<typeof incidentSchema> {
  const { scope, affected, total, missed, expected, facts, reopenings: _, ...rest } = incident;
  return {
    ...rest,
    ...scope,
    affectedStreams: affected,
    totalStreams: total,
    missedSlots: missed,
    expectedSlots: expected,
    verdict: facts.verdict ?? null,
    lastGoodAt: facts.lastGood?.at ?? null,
    streams: facts.streams ?? [],
    detail: facts.detail ?? null,
  };
}

const transitionSchema = z.object({
  id: z.number().int(),
  at: instant,
  kind: z.string().describe('opened, reopened, confirmed, acknowledged, acknowledge-expired, folded or resolved.'),
  actor: z.string(),
  reason: z.string().nullable(),
});

export function incidentRoutes(alerting: AlertingHandle): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/incidents',
      scope: 'read',
      tag: 'incidents',
      summary: 'List incidents, newest first',
      description: 'The window is that of the opening.',
      query: z.strictObject({
        ...paging,
        ...window,
        ...scopeFilters,
        status: z.array(z.enum(INCIDENT_STATUSES)).max(3).optional(),
        kind: z.array(z.enum(INCIDENT_KINDS)).max(INCIDENT_KINDS.length).optional(),
        severity: z.array(z.enum(SEVERITIES)).max(3).optional(),
      }),
      response: page(incidentSchema),
      handler: async ({ query }) => {
        const { data, next } = await alerting.incidents(query);
        return { data: data.map(incidentView), next };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/incidents/{id}',
      scope: 'read',
      tag: 'incidents',
      summary: 'Read an incident with its transitions',
      params: idParam,
      response: incidentSchema.extend({ transitions: z.array(transitionSchema) }),
      handler: async ({ params }) => {
        const { incident, transitions } = await alerting.incident(params.id);
        return { ...incidentView(incident), transitions };
      },
    }),
    defineRoute({
      method: 'post',
      path: '/incidents/{id}/ack',
      scope: 'operate',
      tag: 'incidents',
      summary: 'Acknowledge an incident: nobody is told again',
      params: idParam,
      body: z.strictObject({
        reason: reasonText.nullable().default(null),
        until: instant.nullable().default(null).describe('null: until it is resolved.'),
      }),
      response: incidentSchema,
      handler: async ({ params, body, actor }) =>
        incidentView(await alerting.acknowledge({ id: params.id, by: actor.name, ...body })),
    }),
  ];
}
