import { readFileSync } from 'node:fs';
import express from 'express';
import request from 'supertest';
import { expect, it } from 'vitest';
import { composeMessage } from '../../src/core/message.ts';
import { fromPathSegment } from '../../src/core/path-segment.ts';
import { dashboardRouter } from '../../src/dashboard/dashboard-router.ts';
import { incidentOf, RULES, silenceCondition, T0 } from '../support/incidents.ts';

const CLIENT = readFileSync(new URL('../../src/dashboard/client/app.tsx', import.meta.url), 'utf8');
const PAGES = [...CLIENT.matchAll(/<Route path="([^"]+)"/g)].map(([, path]) => path!);

/** The pages of the browser code that this path opens. */
function pagesOf(pathname: string): string[] {
  return PAGES.filter((path) => new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}$`).test(pathname));
}

it('every link of a message opens a page, on the server and in the browser code, whatever the stream is called', async () => {
  const app = express().use(dashboardRouter({ pictureOrigins: () => [] }));
  for (const stream of ['cam01', '客厅 1', 'a/b?c#d', '%2e%2e', '.', '..', '~.', '...']) {
    const key = { domain: 'play.example.com', app: 'live', stream };
    const condition = silenceCondition(stream, { facts: { lastGood: { at: T0 - 5_000, stream: key } } });
    const message = composeMessage(incidentOf(condition, { id: 4711 }), 'opened', {
      locale: 'en',
      timeZone: 'UTC',
      publicUrl: 'https://audit.example.com',
      now: T0 + 60_000,
      rules: RULES,
    });
    const picture = new URL(message.lines.find(({ label }) => label === 'Last good picture')!.url!);
    const more = new URL(message.more!.url);
    expect(pagesOf(more.pathname)).toEqual(['/incidents/:id']);
    expect(pagesOf(picture.pathname)).toEqual(['/streams/:domain/:app/:stream']);
    expect(fromPathSegment(decodeURIComponent(picture.pathname.split('/').at(-1)!))).toBe(stream);
    // The page shows the slot of that instant; the picture's own URL is signed when it is opened, and lives for minutes.
    expect([...picture.searchParams]).toEqual([['at', new Date(T0 - 5_000).toISOString()]]);
    for (const { pathname, search } of [picture, more]) {
      const answer = await request(app).get(`${pathname}${search}`);
      expect([answer.status, answer.type]).toEqual([200, 'text/html']);
    }
  }
});
