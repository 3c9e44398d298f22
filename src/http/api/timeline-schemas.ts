import { z } from 'zod';
import { VERDICTS, type Verdict } from '../../core/verdict.ts';
import { captureSchema, configVersionSchema, gapSchema, mode, slotSchema } from './history-schemas.ts';
import { instant } from './schemas.ts';

/** What timelines and single slots look like outside. */

const span = z.object({ from: instant, to: instant });
const share = z.number().min(0);
const slotShares = z.object(
  Object.fromEntries(VERDICTS.map((verdict) => [verdict, share])) as Record<Verdict, typeof share>,
);

export const timelineSchema = span.extend({
  mode: mode.describe('The mode whose slots these are.'),
  modes: z.array(mode).describe('Those of the configs in force in the window.'),
  partMs: z.number().int().describe('Length of one part; whole hours where it is an hour or more.'),
  parts: z
    .array(z.object({ at: instant, slots: slotShares }))
    .describe('Parts that hold a slot. Slots are counted where parts are hours, else runs are shared out by time.'),
  slots: z.array(slotSchema).nullable().describe('Every slot, where they are few enough to be told apart.'),
  sessions: z.array(
    z.object({
      startedAt: instant,
      endedAt: instant.nullable(),
      certainty: z.enum(['announced', 'listed', 'inferred']),
      endCertain: z.boolean(),
    }),
  ),
  configs: z.array(
    configVersionSchema.omit({ exists: true }).extend({
      absent: z.boolean().optional(),
      intervalSeconds: z.number(),
      bucket: z.string(),
      endpoint: z.string(),
    }),
  ),
  blind: z.array(span),
  excused: z.array(span.extend({ reason: z.string() })),
  auditedUntil: instant.nullable(),
  intervalSeconds: z.number().nullable(),
});

export const slotViewSchema = z.object({
  slot: slotSchema,
  mode,
  intervalSeconds: z.number().nullable(),
  capture: captureSchema
    .extend({
      toldAt: instant.nullable(),
      body: z
        .string()
        .nullable()
        .describe('What the callback said, field for field, as JSON text; null where no callback came.'),
    })
    .nullable(),
  gap: gapSchema.nullable(),
  place: z.object({ bucket: z.string(), endpoint: z.string(), object: z.string() }).nullable(),
  previous: slotSchema.nullable(),
  next: slotSchema.nullable(),
  previousCapture: captureSchema.nullable(),
  nextCapture: captureSchema.nullable(),
  auditedUntil: instant.nullable(),
  blind: z.array(span).describe('Times without a living receiver while the callback was due.'),
});

export const objectLookSchema = z.object({
  bucket: z.string(),
  endpoint: z.string(),
  object: z.string(),
  lookedAt: instant,
  found: z.object({ lastModified: instant, sizeBytes: z.number() }).nullable().describe('null: proven absent.'),
  url: z.string().nullable(),
});

export const indexLookSchema = z.object({
  lookedAt: instant,
  rows: z.array(z.object({ object: z.string(), createdAt: instant, overlay: z.boolean().nullable() })),
});
