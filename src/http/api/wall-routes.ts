import { Readable } from 'node:stream';
import { z } from 'zod';
import type { Wall } from '../../usecases/watch-wall.ts';
import { defineRoute, type Route, StreamedBody } from './define-route.ts';
import { wholeNumber } from './schemas.ts';
import { wallChangeSchema } from './wall-schemas.ts';

const PING_EVERY_MS = 5_000;
/** A client that takes in nothing while so much waits for it is let go; it comes back and reads the whole. */
const MOST_WAITING_BYTES = 16 * 1024 * 1024;

export function wallRoutes(wall: Wall): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/wall',
      scope: 'read',
      tag: 'streams',
      summary: 'Show all streams at a glance, and how the service itself does',
      description:
        'Status, last picture and a strip of the last 24 hours for every stream; `/events` tells what changes.',
      query: z.strictObject({
        most: wholeNumber(1, 500)
          .optional()
          .meta({ description: 'Only so many streams, the worst first: a first screen, before all others are read.' }),
      }),
      response: wallChangeSchema,
      handler: ({ query: { most } }) => (most === undefined ? wall.snapshot() : wall.firstScreen(most)),
    }),
    defineRoute({
      method: 'get',
      path: '/events',
      scope: 'read',
      tag: 'streams',
      summary: 'Follow what changes on the wall',
      description:
        'Server-sent events: `hello` at the start, `wall` with the streams that changed since the revision before (as ' +
        '`/wall`), `ping` every few seconds. After a break read `/wall` again.',
      response: { contentTypes: ['text/event-stream'] },
      handler: async ({ signal }) =>
        new StreamedBody({ contentType: 'text/event-stream; charset=utf-8', stream: eventStream(wall, signal) }),
    }),
  ];
}

function eventStream(wall: Wall, signal: AbortSignal): Readable {
  const stream = new Readable({ read() {}, highWaterMark: MOST_WAITING_BYTES });
  const send = (event: string, data: unknown) => {
    if (!stream.push(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)) stream.destroy();
  };
  const pinging = setInterval(() => send('ping', {}), PING_EVERY_MS);
  const leave = wall.subscribe((change) => {
    if (change === null) stream.push(null);
    else send('wall', z.encode(wallChangeSchema, change));
  });
  const end = () => {
    clearInterval(pinging);
    leave();
  };
  stream.once('close', end).once('end', end);
  signal.addEventListener('abort', () => stream.destroy(), { once: true });
  send('hello', {});
  return stream;
}
