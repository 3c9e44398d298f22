import { z } from 'zod';
import { RefusalError } from '../../core/refusal.ts';
import { resolveClosedWindow } from '../../core/time-window.ts';
import type { Clock } from '../../ports.ts';
import type { SlotInspector } from '../../usecases/inspect-slot.ts';
import { defineRoute, type Route } from './define-route.ts';
import { askedMode } from './history-schemas.ts';
import { instant, nameInPath, wholeNumber, window } from './schemas.ts';
import { indexLookSchema, objectLookSchema, slotViewSchema, timelineSchema } from './timeline-schemas.ts';

const LONGEST_MS = 400 * 86_400_000;
const DAY_MS = 86_400_000;
const INDEX_REACH_MS = 60_000;

export function timelineRoutes(inspector: SlotInspector, clock: Clock): Route[] {
  const stream = { domain: nameInPath, app: nameInPath, stream: nameInPath };
  const params = z.strictObject(stream);
  const ofSlot = z.strictObject({ ...stream, at: instant });
  const slotQuery = z.strictObject({ mode: askedMode });
  return [
    defineRoute({
      method: 'get',
      path: '/streams/{domain}/{app}/{stream}/timeline',
      scope: 'read',
      tag: 'streams',
      summary: 'Show one stream over a window, in as many parts as a screen can show',
      description:
        'The last 24 hours where no window is given. The answer does not grow with the window: single slots for short ' +
        'spans, slots per part for all.',
      params,
      query: z.strictObject({
        ...window,
        parts: wholeNumber(1, 2_000).optional().meta({ description: 'About how many parts; 600 where not given.' }),
        mode: askedMode,
      }),
      response: timelineSchema,
      handler: async ({ params: key, query: { parts = 600, mode, ...words } }) => {
        const { from, to } = resolveClosedWindow(words, clock.now(), DAY_MS);
        if (to - from > LONGEST_MS) throw new RefusalError('bad-parameter', 'At most 400 days at once.');
        return inspector.timeline({ ...key, from, to, parts, mode });
      },
    }),
    defineRoute({
      method: 'get',
      path: '/streams/{domain}/{app}/{stream}/slots/{at}',
      scope: 'read',
      tag: 'streams',
      summary: 'Show one slot with what its verdict rests on',
      description: 'The slot at the instant, or the one nearest to it.',
      params: ofSlot,
      query: slotQuery,
      response: slotViewSchema,
      handler: ({ params: key, query }) => inspector.slot({ ...key, ...query }),
    }),
    defineRoute({
      method: 'get',
      path: '/streams/{domain}/{app}/{stream}/slots/{at}/object',
      scope: 'read',
      tag: 'streams',
      summary: 'Ask OSS now for the object of one slot',
      params: ofSlot,
      query: slotQuery,
      response: objectLookSchema,
      handler: ({ params: key, query }) => inspector.lookAtObject({ ...key, ...query }),
    }),
    defineRoute({
      method: 'get',
      path: '/streams/{domain}/{app}/{stream}/slots/{at}/index',
      scope: 'read',
      tag: 'streams',
      summary: "Ask the vendor's index now for a minute before and after one slot",
      description: 'The vendor allows few such calls.',
      params: ofSlot,
      response: indexLookSchema,
      handler: ({ params: { at, ...key } }) => inspector.lookAtIndex(key, at - INDEX_REACH_MS, at + INDEX_REACH_MS),
    }),
  ];
}
