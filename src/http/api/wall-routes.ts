import { Readable } from 'node:stream';
import { z } from 'zod';
import type { Wall } from '../../usecases/watch-wall.ts';
import { defineRoute, type Route, StreamedBody } from './define-route.ts';
import { wholeNumber } from './schemas.ts';
import { wallChangeSchema } from './wall-schemas.ts';

const PING_EVERY_MS = 5_000;
/** A client that takes in nothing while so much waits for it is let go; it comes back and reads the whole. */
const MOST_WAITING_BYTES = 16 * 1024 * 1024;

export function wallRoutes(wall: Wall, pingEveryMs = PING_EVERY_MS): Route[] {
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
        '`/wall`), `ping` every few seconds. After a break read `/wall` again. It ends with the token: one that was ' +
        'revoked or has expired is told nothing more.',
      response: { contentTypes: ['text/event-stream'] },
      handler: async ({ signal, stillMay }) =>
        new StreamedBody({
          contentType: 'text/event-stream; charset=utf-8',
          stream: eventStream({ wall, signal, stillMay, pingEveryMs }),
        }),
    }),
  ];
}

interface Watching {
  wall: Wall;
  signal: AbortSignal;
  stillMay: () => Promise<boolean>;
  pingEveryMs: number;
}

function eventStream({ wall, signal, stillMay, pingEveryMs }: Watching): Readable {
  const stream = new Readable({ read() {}, highWaterMark: MOST_WAITING_BYTES });
  let over = false;
  const send = (event: string, data: unknown) => {
    if (!over && !stream.push(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)) stream.destroy();
  };
  const finish = () => {
    if (!over) stream.push(null);
    over = true;
  };
  const ping = async () => {
    // While nobody can say whether the token still holds, as with the database away, it does.
    if (await stillMay().catch(() => true)) send('ping', {});
    else finish();
  };
  const pinging = setInterval(() => void ping(), pingEveryMs);
  const leave = wall.subscribe((change) => {
    if (change === null) finish();
    else send('wall', z.encode(wallChangeSchema, change));
  });
  stream.once('close', () => {
    over = true;
    clearInterval(pinging);
    leave();
  });
  signal.addEventListener('abort', () => stream.destroy(), { once: true });
  send('hello', {});
  return stream;
}
