import { z } from 'zod';
import type { ConfigState } from '../../core/config-diff.ts';
import { STREAM_STATUSES } from '../../core/stream-status.ts';
import { CAUSES, VERDICTS } from '../../core/verdict.ts';
import { instant, streamNames } from './schemas.ts';

/** What the rows of the history look like outside. */

const count = z.number().int().min(0);
export const verdict = z.enum(VERDICTS);
export const cause = z.enum(CAUSES);
export const mode = z.enum(['sequence', 'overwrite']);
export const askedMode = mode
  .optional()
  .meta({ description: 'Where not given, one that the config in force has; `sequence` where it has both.' });
const slotCounts = z.object(
  Object.fromEntries(VERDICTS.map((each) => [each, count])) as Record<(typeof VERDICTS)[number], typeof count>,
);
const share = z.number().min(0).max(1).nullable().describe('Good slots / slots that count; null where none counts.');

export const streamSchema = z.object({
  ...streamNames,
  status: z
    .enum(STREAM_STATUSES)
    .describe('`unknown` where no receiver of ours was alive, or where nothing is due (`intervalSeconds` is null).'),
  onAir: z.boolean(),
  startedAt: instant.nullable(),
  endedAt: instant.nullable(),
  intervalSeconds: z.number().nullable(),
  lastCaptureAt: instant.nullable(),
  openGap: z.object({ from: instant, to: instant, slots: count, verdict, cause: cause.nullable() }).nullable(),
  excused: z.object({ to: instant, reason: z.string() }).nullable(),
  auditedUntil: instant.nullable().describe('Judged up to here; later slots are pending.'),
  firstSeenAt: instant,
});

export const sessionSchema = z.object({
  id: z.string(),
  ...streamNames,
  startedAt: instant,
  endedAt: instant.nullable().describe('null while on air.'),
  certainty: z.enum(['announced', 'listed', 'inferred']),
  endCertain: z.boolean(),
  slots: slotCounts,
  coverage: share,
});

export const captureSchema = z.object({
  id: z.string().describe('Also where an export goes on from.'),
  ...streamNames,
  capturedAt: instant,
  receivedAt: instant.nullable().describe('null where no callback came and backfill found the capture.'),
  delayMs: z.number().nullable(),
  verdict,
  cause: cause.nullable(),
  bucket: z.string().nullable(),
  endpoint: z.string().nullable(),
  object: z.string(),
  sources: z.array(z.enum(['callback', 'index', 'object'])),
  verified: z.boolean().describe('A callback with a valid signature told of it.'),
  deliveries: count,
  mode,
});

export const gapSchema = z.object({
  id: z.string(),
  ...streamNames,
  from: instant,
  to: instant,
  slots: count,
  verdict,
  cause: cause.nullable(),
  mode,
  open: z.boolean().describe('The run may still grow or change.'),
  sessionStartedAt: instant.nullable(),
  reason: z.string().nullable(),
  evidence: z.unknown(),
});

export const slotSchema = z.object({
  at: instant,
  verdict,
  cause: cause.nullable(),
  captureId: z.string().nullable().describe('null where no capture is known.'),
});

export const exclusionSchema = z.object({
  from: instant,
  to: instant,
  domain: z.string().nullable(),
  app: z.string().nullable(),
  stream: z.string().nullable(),
  reason: z.string(),
});

export const coverageSchema = z.object({
  from: instant,
  to: instant,
  domain: z.string().nullable(),
  app: z.string().nullable(),
  stream: z.string().nullable(),
  slots: slotCounts,
  counted: count,
  coverage: share,
});

export const auditSchema = z.object({
  id: count,
  domain: z.string(),
  app: z.string().nullable(),
  kind: z.enum(['audit', 'backfill']),
  from: instant,
  to: instant,
  startedAt: instant,
  finishedAt: instant.nullable(),
  status: z.enum(['running', 'done', 'failed']),
  error: z.string().nullable(),
  streams: count,
  listCalls: count,
  headCalls: count,
  indexCalls: count,
  keys: count,
  captures: count,
  restored: count,
  seconds: z.number().nullable(),
});

export const configVersionSchema = z.object({
  domain: z.string(),
  app: z.string(),
  validFrom: instant,
  validTo: instant.nullable(),
  exists: z.boolean(),
  intervalSeconds: z.number().nullable(),
  bucket: z.string().nullable(),
  endpoint: z.string().nullable(),
  sequenceObject: z.string().nullable(),
  overwriteObject: z.string().nullable(),
  callback: z.string().nullable().describe('Of another receiver without the values of its query.'),
  source: z.enum(['observed', 'applied']),
  recordedAt: instant,
});

export const CONFIG_STATES = [
  'in_sync',
  'drifted',
  'pending_reingest',
  'missing',
  'unmanaged',
  'unknown',
] as const satisfies ConfigState[];

const difference = z.union([z.string(), z.number()]).nullable();

export const configStateSchema = z.object({
  domain: z.string(),
  app: z.string().nullable(),
  kind: z.enum(['config', 'callback_auth', 'push_notify']),
  state: z.enum(CONFIG_STATES),
  since: instant,
  lookedAt: instant.nullable(),
  driftedSince: instant.nullable(),
  stoppedAt: instant.nullable(),
  differences: z.array(z.object({ field: z.string(), desired: difference, actual: difference })),
});

export const quarantineSchema = z.object({
  id: count,
  receivedAt: instant,
  kind: z.enum(['rejected', 'unclassified', 'implausible']),
  reason: z.string(),
  remoteAddress: z.string().nullable(),
  domain: z.string().nullable(),
  app: z.string().nullable(),
  stream: z.string().nullable(),
  object: z.string().nullable(),
  bodyBytes: count,
  retriedAt: instant.nullable(),
  outcome: z.string().nullable(),
});
