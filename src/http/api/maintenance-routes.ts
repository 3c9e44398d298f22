import { z } from 'zod';
import { resolveClosedWindow } from '../../core/time-window.ts';
import type { Clock } from '../../ports.ts';
import type { AlertingHandle } from '../../usecases/manage-alerting.ts';
import { defineRoute, type Route } from './define-route.ts';
import { idParam, reasonText, scopeNames } from './incident-routes.ts';
import { flag, instant, window } from './schemas.ts';

const spanSchema = z.object({
  id: z.number().int(),
  from: instant,
  to: instant,
  domain: z.string().nullable(),
  app: z.string().nullable(),
  stream: z.string().nullable(),
  reason: z.string(),
  author: z.string(),
  createdAt: instant,
  cancelledAt: instant.nullable(),
});

const scheduleSchema = z.object({
  id: z.number().int(),
  name: z.string().nullable().describe('Of the settings file; null for one made by command or API.'),
  cron: z.string(),
  timeZone: z.string(),
  durationSeconds: z.number().int(),
  domain: z.string().nullable(),
  app: z.string().nullable(),
  stream: z.string().nullable(),
  reason: z.string(),
  author: z.string(),
  createdAt: instant,
  endedAt: instant.nullable(),
});

const WEEK_MS = 7 * 86_400_000;

export function maintenanceRoutes(alerting: AlertingHandle, clock: Clock): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/excused-spans',
      scope: 'read',
      tag: 'maintenance',
      summary: 'List excused spans in force',
      description: 'Those that share an instant with the window; the last and the next seven days where none is given.',
      query: z.strictObject({ ...window }),
      response: z.object({ data: z.array(spanSchema) }),
      handler: async ({ query }) => {
        const now = clock.now();
        const isOpen = query.from === undefined && query.to === undefined && query.last === undefined;
        const { from, to } = isOpen
          ? { from: now - WEEK_MS, to: now + WEEK_MS }
          : resolveClosedWindow(query, now, WEEK_MS);
        return { data: await alerting.excusedSpans(from, to) };
      },
    }),
    defineRoute({
      method: 'post',
      path: '/excused-spans',
      scope: 'operate',
      tag: 'maintenance',
      summary: 'Excuse a span of time, also after the fact',
      description: 'Bad slots inside become `excused`; what was judged before is judged again.',
      body: z.strictObject({ ...scopeNames, from: instant, to: instant, reason: reasonText }),
      status: 201,
      response: spanSchema,
      handler: ({ body, actor }) => alerting.excuse({ ...body, author: actor.name }),
    }),
    defineRoute({
      method: 'delete',
      path: '/excused-spans/{id}',
      scope: 'operate',
      tag: 'maintenance',
      summary: 'Take an excused span back, also its effect on the past',
      params: idParam,
      response: spanSchema,
      handler: ({ params }) => alerting.cancelExcused(params.id),
    }),
    defineRoute({
      method: 'get',
      path: '/maintenance',
      scope: 'read',
      tag: 'maintenance',
      summary: 'List maintenance schedules',
      query: z.strictObject({ all: flag.optional().meta({ description: 'With those that have ended.' }) }),
      response: z.object({ data: z.array(scheduleSchema) }),
      handler: async ({ query }) => ({ data: await alerting.maintenance(query.all ?? false) }),
    }),
    defineRoute({
      method: 'post',
      path: '/maintenance',
      scope: 'operate',
      tag: 'maintenance',
      summary: 'Schedule maintenance that comes again',
      body: z.strictObject({
        ...scopeNames,
        cron: z.string().min(9).max(200).describe('Five fields.'),
        timeZone: z.string().min(1).max(64).default('UTC'),
        durationSeconds: z.number().int().min(60).max(604_800),
        reason: reasonText,
      }),
      status: 201,
      response: scheduleSchema,
      handler: ({ body, actor }) => alerting.scheduleMaintenance({ ...body, author: actor.name }),
    }),
    defineRoute({
      method: 'delete',
      path: '/maintenance/{id}',
      scope: 'operate',
      tag: 'maintenance',
      summary: 'End a schedule, with the windows that have not begun',
      params: idParam,
      response: scheduleSchema,
      handler: ({ params }) => alerting.endMaintenance(params.id),
    }),
  ];
}
