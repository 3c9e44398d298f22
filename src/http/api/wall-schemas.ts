import { z } from 'zod';
import { INCIDENT_KINDS, SEVERITIES } from '../../core/incident.ts';
import { STREAM_STATUSES } from '../../core/stream-status.ts';
import { cause, verdict } from './history-schemas.ts';
import { instant, streamNames } from './schemas.ts';

/** What the dashboard's wall looks like outside. */

const count = z.number().int().min(0);

export const wallStreamSchema = z.object({
  ...streamNames,
  status: z.enum(STREAM_STATUSES),
  lastCaptureAt: instant.nullable(),
  intervalSeconds: z.number().nullable(),
  gap: z.object({ from: instant, slots: count, verdict, cause: cause.nullable() }).nullable(),
  coverage: z.number().min(0).max(1).nullable().describe('Of the strip.'),
  strip: z
    .string()
    .describe(
      'One character an hour, oldest first, for its worst verdict: n not_captured, o object_missing, c callback_missing, ' +
        'm misnamed, l late, u unknown, e excused, p pending, k ok, `.` nothing due.',
    ),
  bad: z.string().describe('One digit an hour: how many ninths of the slots that count are bad.'),
});

export const liveIncidentSchema = z.object({
  id: count,
  kind: z.enum(INCIDENT_KINDS),
  severity: z.enum(SEVERITIES),
  status: z.enum(['open', 'acknowledged']),
  scope: z.object({ domain: z.string().nullable(), app: z.string().nullable(), stream: z.string().nullable() }),
  since: instant,
  cause: z.string().nullable(),
});

const wallSummarySchema = z.object({
  at: instant,
  account: z.string().nullable().describe('What the settings call the account whose streams these are.'),
  own: z.object({
    aliveUntil: instant.nullable().describe('Until when a callback could be kept; long ago: blind.'),
    databaseDownSince: instant.nullable(),
    spool: z.object({ entries: count, oldestAt: instant.nullable() }).nullable(),
  }),
  today: z.object({ ok: count, counted: count, excused: count, unknown: count }).describe('Since midnight UTC.'),
  domains: z.array(z.object({ domain: z.string(), apps: count, streams: count })),
  statuses: z.record(z.enum(STREAM_STATUSES), count).describe('How many of all streams stand how.'),
  audits: z.array(
    z.object({
      domain: z.string(),
      status: z.enum(['running', 'done', 'failed']),
      startedAt: instant,
      error: z.string().nullable(),
      doneAt: instant.nullable(),
    }),
  ),
  incidents: z.array(liveIncidentSchema),
});

export const wallChangeSchema = z.object({
  revision: count,
  stripFrom: instant.describe('Start of the first hour of the strips.'),
  summary: wallSummarySchema,
  streams: z.array(wallStreamSchema),
});
