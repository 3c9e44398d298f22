import { z } from 'zod';
import { INCIDENT_KINDS } from '../../core/incident.ts';
import { NOTIFICATION_STATUSES } from '../../core/notification-status.ts';
import { ChannelError } from '../../ports.ts';
import type { AlertingHandle } from '../../usecases/manage-alerting.ts';
import { defineRoute, type Route } from './define-route.ts';
import { idParam, reasonText, scopeNames } from './incident-routes.ts';
import { instant, name, page, paging, wholeNumber, window } from './schemas.ts';

const notificationSchema = z.object({
  id: z.number().int(),
  channel: z.string(),
  incidentId: z.number().int().nullable(),
  event: z.enum(['opened', 'reopened', 'updated', 'resolved', 'repeat', 'test']),
  status: z.enum(NOTIFICATION_STATUSES),
  createdAt: instant,
  dueAt: instant,
  attempts: z.number().int(),
  messageId: z.string().nullable().describe('Rows of one digest share it.'),
  sentAt: instant.nullable(),
  error: z.string().nullable(),
  summary: z.string().nullable(),
});

const silenceSchema = z.object({
  id: z.number().int(),
  kind: z.string().nullable(),
  domain: z.string().nullable(),
  app: z.string().nullable(),
  stream: z.string().nullable(),
  from: instant,
  until: instant,
  reason: z.string(),
  author: z.string(),
  createdAt: instant,
  endedAt: instant.nullable(),
});

export function notificationRoutes(alerting: AlertingHandle): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/notifications',
      scope: 'read',
      tag: 'notifications',
      summary: 'List deliveries, newest first',
      query: z.strictObject({
        ...paging,
        ...window,
        channel: z.array(name).max(100).optional(),
        status: z.array(z.enum(NOTIFICATION_STATUSES)).max(NOTIFICATION_STATUSES.length).optional(),
        incident: wholeNumber(1, 2_147_483_647).optional(),
      }),
      response: page(notificationSchema),
      handler: ({ query }) => alerting.notifications(query),
    }),
    defineRoute({
      method: 'get',
      path: '/channels',
      scope: 'read',
      tag: 'notifications',
      summary: 'List channels, and why one is switched off',
      response: z.object({
        data: z.array(
          z.object({
            name: z.string(),
            type: z.string(),
            disabledAt: instant.nullable(),
            disabledReason: z.string().nullable(),
          }),
        ),
      }),
      handler: async () => ({ data: await alerting.channels() }),
    }),
    defineRoute({
      method: 'post',
      path: '/channels/{name}/test',
      scope: 'operate',
      tag: 'notifications',
      summary: 'Send a test message over a channel',
      description: 'A test that gets through switches the channel on again.',
      params: z.strictObject({ name }),
      response: z.object({ sent: z.boolean(), error: z.string().nullable() }),
      handler: async ({ params }) => {
        try {
          await alerting.testChannel(params.name);
          return { sent: true, error: null };
        } catch (error) {
          if (error instanceof ChannelError) return { sent: false, error: error.message };
          throw error;
        }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/silences',
      scope: 'read',
      tag: 'notifications',
      summary: 'List silences, newest first',
      query: z.strictObject({ ...paging }),
      response: page(silenceSchema),
      handler: ({ query }) => alerting.silences(query),
    }),
    defineRoute({
      method: 'post',
      path: '/silences',
      scope: 'operate',
      tag: 'notifications',
      summary: 'Send no notifications for what matches',
      body: z.strictObject({
        ...scopeNames,
        kind: z.enum(INCIDENT_KINDS).nullable().default(null).describe('null: all. silence and gap are one story.'),
        from: instant.nullable().default(null).describe('null: now.'),
        until: instant,
        reason: reasonText,
      }),
      status: 201,
      response: silenceSchema,
      handler: ({ body, actor }) => alerting.silence({ ...body, author: actor.name }),
    }),
    defineRoute({
      method: 'delete',
      path: '/silences/{id}',
      scope: 'operate',
      tag: 'notifications',
      summary: 'End a silence',
      params: idParam,
      response: silenceSchema,
      handler: ({ params, actor }) => alerting.endSilence(params.id, actor.name),
    }),
  ];
}
