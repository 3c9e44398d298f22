import { z } from 'zod';
import { RefusalError } from '../../core/refusal.ts';
import { VERDICTS, type Verdict } from '../../core/verdict.ts';
import type { SlotInspector } from '../../usecases/inspect-slot.ts';
import { defineRoute, type Route } from './define-route.ts';
import { captureSchema, configVersionSchema, gapSchema, mode, slotSchema } from './history-schemas.ts';
import { instant, name, wholeNumber } from './schemas.ts';

const span = z.object({ from: instant, to: instant });
const share = z.number().min(0);
const slotShares = z.object(
  Object.fromEntries(VERDICTS.map((verdict) => [verdict, share])) as Record<Verdict, typeof share>,
);

export const timelineSchema = span.extend({
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
  intervalSeconds: z.number().nullable(),
  capture: captureSchema.extend({ toldAt: instant.nullable() }).nullable(),
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

const LONGEST_MS = 400 * 86_400_000;
const INDEX_REACH_MS = 60_000;
const MODE = 'sequence';

export function timelineRoutes(inspector: SlotInspector): Route[] {
  const params = z.strictObject({ domain: name, app: name, stream: name });
  const slotQuery = z.strictObject({ at: instant, mode: mode.optional() });
  return [
    defineRoute({
      method: 'get',
      path: '/streams/{domain}/{app}/{stream}/timeline',
      scope: 'read',
      tag: 'streams',
      summary: 'Show one stream over a window, in as many parts as a screen can show',
      description: 'The answer does not grow with the window: single slots for short spans, slots per part for all.',
      params,
      query: z.strictObject({
        from: instant,
        to: instant,
        parts: wholeNumber(1, 2_000).optional().meta({ description: 'About how many parts; 600 where not given.' }),
        mode: mode.optional(),
      }),
      response: timelineSchema,
      handler: async ({ params: key, query }) => {
        if (query.from >= query.to) throw new RefusalError('bad-parameter', 'from must be before to.');
        if (query.to - query.from > LONGEST_MS) throw new RefusalError('bad-parameter', 'At most 400 days at once.');
        const { from, to, parts = 600 } = query;
        return inspector.timeline({ ...key, from, to, parts, mode: query.mode ?? MODE });
      },
    }),
    defineRoute({
      method: 'get',
      path: '/streams/{domain}/{app}/{stream}/slot',
      scope: 'read',
      tag: 'streams',
      summary: 'Show one slot with what its verdict rests on',
      description: 'The slot at the instant, or the one nearest to it.',
      params,
      query: slotQuery,
      response: slotViewSchema,
      handler: ({ params: key, query }) => inspector.slot({ ...key, at: query.at, mode: query.mode ?? MODE }),
    }),
    defineRoute({
      method: 'get',
      path: '/streams/{domain}/{app}/{stream}/slot/object',
      scope: 'read',
      tag: 'streams',
      summary: 'Ask OSS now for the object of one slot',
      params,
      query: slotQuery,
      response: objectLookSchema,
      handler: ({ params: key, query }) => inspector.lookAtObject({ ...key, at: query.at, mode: query.mode ?? MODE }),
    }),
    defineRoute({
      method: 'get',
      path: '/streams/{domain}/{app}/{stream}/slot/index',
      scope: 'read',
      tag: 'streams',
      summary: "Ask the vendor's index now for a minute before and after one slot",
      description: 'The vendor allows few such calls.',
      params,
      query: z.strictObject({ at: instant }),
      response: indexLookSchema,
      handler: ({ params: key, query }) =>
        inspector.lookAtIndex(key, query.at - INDEX_REACH_MS, query.at + INDEX_REACH_MS),
    }),
  ];
}
