import { z } from 'zod';
import { RefusalError } from '../../core/refusal.ts';
import type { SlotInspector } from '../../usecases/inspect-slot.ts';
import { defineRoute, type Route } from './define-route.ts';
import { mode } from './history-schemas.ts';
import { instant, name, wholeNumber } from './schemas.ts';
import { indexLookSchema, objectLookSchema, slotViewSchema, timelineSchema } from './timeline-schemas.ts';

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
