import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import type { Broadcasters } from '../../src/sandbox/broadcast/start-broadcasters.ts';
import { createSandboxService, type SandboxService, steadyStreams } from '../support/sandbox-service.ts';

/**
 * Alerting in the sandbox, in real time: the vendor's stand-in pushes streams, stores pictures and calls back over HTTP; the
 * service is the real process with its jobs; messages arrive at a local chat endpoint.
 */

const INTERVAL_SECONDS = 5;
/** Above what a busy machine keeps a callback waiting. */
const GRACE_SECONDS = 8;
/** The audit speaks after the watchdog, as in every sensible configuration: it settles later than interval + grace. */
const SETTINGS = {
  audit: { settle: '14s', lateAfter: '12s', every: '2s', pollEvery: '5s' },
  watch: { grace: `${GRACE_SECONDS}s` },
  alerting: { allowPrivate: true, resolveAfter: '4s', auditWait: '40s' },
};
const PATIENCE = { timeout: 120_000, interval: 100 };

let service: SandboxService | undefined;
afterEach(async () => {
  await service?.close();
  service = undefined;
});

async function onAir(
  counts: Record<string, number>,
  audit: Partial<typeof SETTINGS.audit> = {},
): Promise<{ world: SandboxService; broadcasters: Broadcasters }> {
  const world = await createSandboxService({
    apps: Object.keys(counts),
    intervalSeconds: INTERVAL_SECONDS,
    settings: { ...SETTINGS, audit: { ...SETTINGS.audit, ...audit } },
  });
  service = world;
  await world.start();
  const broadcasters = world.broadcast(
    Object.entries(counts).flatMap(([app, count]) => steadyStreams(world.sandbox.domain, app, count, INTERVAL_SECONDS)),
  );
  const streams = Object.values(counts).reduce((sum, count) => sum + count, 0);
  // Everybody has been heard, and nobody was told of anything.
  await expect
    .poll(() => [...broadcasters.progress().values()].filter(({ capture }) => capture >= 1).length, PATIENCE)
    .toBe(streams);
  expect(world.titles()).toEqual([]);
  return { world, broadcasters };
}

/** The callbacks of these streams stop, for that many captures from the next one on. */
function silence(broadcasters: Broadcasters, streams: string[], captures: number): void {
  for (const stream of streams) {
    const { session, capture } = broadcasters.progress().get(stream)!;
    broadcasters.inject({
      fault: 'callback_dropped',
      stream,
      session,
      first: capture + 1,
      last: capture + captures,
      afterMs: 0,
    });
  }
}

/** A busy machine may not get a new connection up in time. */
async function numberOf({ database }: SandboxService, text: string, values: unknown[]): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    try {
      const { rows } = await database.pool.query<{ number: number }>(text, values);
      return rows[0]!.number;
    } catch (error) {
      if (attempt === 5) throw error;
    }
  }
}

/** When the last callback came in before the instant. */
function lastHeardAt(world: SandboxService, stream: string, before: number): Promise<number> {
  return numberOf(
    world,
    `select max(extract(epoch from captured_at) * 1000 + delay_ms)::float8 as number
     from captures join streams on streams.id = stream_id
     where stream = $1 and captured_at < to_timestamp($2::float8 / 1000) and flags & 8 <> 0`,
    [stream, before],
  );
}

/** How long the slowest callback of the minute before was on its way; the instants of the pictures are whole seconds. */
async function slowestCallbackMs(world: SandboxService, before: number): Promise<number> {
  const delay = await numberOf(
    world,
    `select coalesce(max(delay_ms), 0)::float8 as number from captures
     where captured_at between to_timestamp($1::float8 / 1000 - 60) and to_timestamp($1::float8 / 1000) and flags & 8 <> 0`,
    [before],
  );
  return Math.max(0, delay - 1_000);
}

it('silence on one of 200 streams is told within interval + grace + 2 s, once, and resolved once', async () => {
  const { world, broadcasters } = await onAir({ live: 200 });
  const victim = 'live0020';
  silence(broadcasters, [victim], 4);
  world.stallMs();
  await expect.poll(() => world.titles().length, PATIENCE).toBeGreaterThan(0);
  const toldAt = world.messages[0]!.at;
  const toldAfter = toldAt - (await lastHeardAt(world, victim, toldAt));
  const stall = world.stallMs() + (await slowestCallbackMs(world, toldAt));
  const promised = (INTERVAL_SECONDS + GRACE_SECONDS) * 1000;
  console.log(
    `told ${Math.round(toldAfter)} ms after the last callback (interval + grace: ${promised} ms), stall ${stall} ms`,
  );
  expect(world.titles()).toEqual([`[Open] callbacks stopped: ${world.sandbox.domain}/live/${victim}`]);
  expect(toldAfter).toBeGreaterThanOrEqual(promised);
  // What the machine itself stood still is not ours.
  expect(toldAfter).toBeLessThanOrEqual(promised + 2_000 + stall);

  await expect.poll(() => world.titles().length, PATIENCE).toBe(2);
  expect(world.titles()[1]).toMatch(new RegExp(`^\\[Resolved\\] .*${victim}$`));
  // The audit, with OSS as its witness, had the last word on the cause.
  expect(world.messages[1]!.body).toContain('the callback was never delivered');
  await sleep(5_000);
  expect(world.titles()).toHaveLength(2);
}, 240_000);

it('an outage of a whole app of 200 streams gives one message, and one when it is over', async () => {
  const { world, broadcasters } = await onAir({ live: 200, other: 10 });
  silence(
    broadcasters,
    [...broadcasters.progress().keys()].filter((stream) => stream.startsWith('live')),
    5,
  );
  await expect.poll(() => world.titles().length, PATIENCE).toBe(2);
  await sleep(5_000);
  expect(world.titles()).toEqual([
    `[Open] callbacks stopped: ${world.sandbox.domain}/live`,
    expect.stringMatching(/^\[Resolved\] .*\/live$/),
  ]);
  const [opened, resolved] = world.messages.map(({ body }) => Number(/(\d+) of 200 on air/.exec(body)?.[1]));
  console.log(`streams told of: ${opened}, then ${resolved} of 200`);
  // The first message does not wait for the last streams; the last one tells how large the outage was.
  expect(opened).toBeGreaterThan(100);
  expect(resolved).toBe(200);
}, 240_000);

it("an outage of our own receiver is told as ours and never as the vendor's", async () => {
  // The audit judges before it can know of the outage: the heartbeats of the last 20 s may still be on their way.
  const { world } = await onAir({ live: 40 }, { settle: '8s' });
  await world.kill();
  await sleep(15_000);
  await world.start();
  await expect.poll(() => world.titles().length, PATIENCE).toBeGreaterThan(0);
  // The audit comes to the outage, and backfill to its cause.
  await expect.poll(() => gapsOf(world), PATIENCE).toContainEqual(['callback_missing', 'receiver_down']);
  await settled(world);
  expect(world.titles()).toEqual(['[Open] Snapaudit itself could not receive: all domains']);
  expect(world.messages[0]!.body).toContain('This is our outage and says nothing of the vendor.');
}, 240_000);

it('a public address that nobody can reach is our outage, though the process is well', async () => {
  const { world } = await onAir({ live: 40 });
  world.ingress.refuse();
  await expect.poll(() => world.titles().length, PATIENCE).toBeGreaterThan(0);
  await sleep((INTERVAL_SECONDS + GRACE_SECONDS) * 1000);
  world.ingress.restore();
  await settled(world);
  expect(world.titles()).toEqual(['[Open] Snapaudit itself could not receive: all domains']);
}, 240_000);

async function gapsOf({ database }: SandboxService): Promise<[string, string | null][]> {
  const { rows } = await database.pool.query<{ verdict: string; cause: string | null }>(
    'select distinct verdict, cause from gaps order by 1, 2',
  );
  return rows.map(({ verdict, cause }) => [verdict, cause]);
}

/** An audit has looked at everything up to now, and alerting had time to speak of it. */
async function settled({ database }: SandboxService): Promise<void> {
  const now = Date.now();
  const audited = async () => {
    const { rows } = await database.pool.query<{ at: number }>(
      'select (extract(epoch from min(audited_until)) * 1000)::float8 as at from watermarks',
    );
    return rows[0]!.at;
  };
  await expect.poll(audited, PATIENCE).toBeGreaterThan(now);
  await sleep(3_000);
}
