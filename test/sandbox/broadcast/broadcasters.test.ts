import { createHash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Jimp } from 'jimp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BroadcastStream } from '../../../src/sandbox/broadcast/broadcaster.ts';
import type { ScheduledFault } from '../../../src/sandbox/broadcast/scheduled-fault.ts';
import { startBroadcasters } from '../../../src/sandbox/broadcast/start-broadcasters.ts';
import { VendorState } from '../../../src/sandbox/live/vendor-state.ts';
import { MemoryObjectStore } from '../../../src/sandbox/oss/object-store.ts';

const KEY = 'abcdefghijklmnop1234';
const DOMAIN = 'play.example.com';
const PUSH = 'push.example.com';
/** Far below what the vendor allows, to be quick. */
const BEAT_MS = 200;

interface Received {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A receiver of callbacks that answers as told, else 200. */
class Receiver {
  readonly received: Received[] = [];
  answers: (number | 'hang')[] = [];
  #server!: Server;
  port = 0;

  async start(): Promise<void> {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const url = new URL(request.url ?? '/', 'http://receiver');
        const body = Buffer.concat(chunks).toString();
        this.received.push({
          method: request.method ?? '',
          path: url.pathname,
          query: url.searchParams,
          headers: request.headers,
          body,
        });
        const answer = request.method === 'POST' ? (this.answers.shift() ?? 200) : 200;
        if (answer !== 'hang') response.writeHead(answer).end();
      });
    });
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.port = (this.#server.address() as AddressInfo).port;
  }

  get posts(): Received[] {
    return this.received.filter(({ method }) => method === 'POST');
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

describe('broadcasters', () => {
  const receiver = new Receiver();
  let state: VendorState;
  let store: MemoryObjectStore;

  beforeEach(async () => {
    receiver.received.length = 0;
    receiver.answers = [];
    await receiver.start();
    state = new VendorState();
    store = new MemoryObjectStore();
    state.addDomain({ domain: DOMAIN, pushDomains: [PUSH] });
    state.setCallbackAuth(DOMAIN, { enabled: true, key: KEY });
    const url = `http://127.0.0.1:${receiver.port}/callbacks/stream`;
    state.setPushNotify(PUSH, { url, auth: { enabled: true, key: KEY }, exceptionUrl: null });
    captureEvery(BEAT_MS / 1_000);
  });
  afterEach(() => receiver.stop());

  const captureEvery = (intervalSeconds: number, change: { overwriteObject?: string; sequenceObject?: null } = {}) =>
    state.putConfig({
      domain: DOMAIN,
      app: 'live',
      intervalSeconds,
      bucket: 'snap',
      endpoint: 'oss-cn-shanghai.aliyuncs.com',
      sequenceObject: 'snapshot/{AppName}/{StreamName}/{UnixTimestamp}.jpg',
      overwriteObject: null,
      callback: `http://127.0.0.1:${receiver.port}/callbacks/snapshot`,
      ...change,
    });

  /** Plays one session of at least `captures` captures to its end; the first falls on a whole second. */
  async function play(captures: number, faults: ScheduledFault[] = [], stream: Partial<BroadcastStream> = {}) {
    const broadcasters = startBroadcasters({
      state,
      storeOf: () => store,
      jitter: 0,
      announceAfterMs: 100,
      noticeEndAfterMs: 100,
      delivery: { timeoutMs: 1_500, retries: 5, pauseMs: 50 },
      faults,
      streams: [
        {
          domain: DOMAIN,
          app: 'live',
          stream: 'cam01',
          timestamps: 'milliseconds',
          publishes: [{ startMs: 0, lengthMs: 1_200 + captures * BEAT_MS }],
          ...stream,
        },
      ],
    });
    await broadcasters.finished();
    return broadcasters;
  }

  /** Plays a session that is far over before its second capture, however slow the machine. */
  const playOneCapture = () => {
    captureEvery(60);
    return play(1);
  };
  const objects = () => store.list('', '', 1_000).map(({ key }) => key);
  const timeOf = (name: string) => Number(/(\d+)\.jpg$/.exec(name)![1]);
  const announced = () => receiver.posts.map(({ body }) => JSON.parse(body).OssObject as string);
  const rows = () => state.indexRows({ domain: DOMAIN, app: 'live', stream: 'cam01' }).map(({ object }) => object);
  const order = { stream: 'cam01', session: 1, first: 2, last: 2, afterMs: 200 };

  it('store, announce and list every capture under the name of the template', async () => {
    await play(2);
    expect(objects().length).toBeGreaterThanOrEqual(2);
    expect(objects()[0]).toMatch(/^snapshot\/live\/cam01\/\d{13}\.jpg$/);
    // On a slow machine the vendor may tell one twice.
    expect([...new Set(announced())].sort()).toEqual(objects());
    expect(rows()).toEqual(objects());
  });

  it('store and announce the picture of overwrite mode too, in the same place each time', async () => {
    captureEvery(BEAT_MS / 1_000, { overwriteObject: '{AppName}/{StreamName}.jpg' });
    await play(3, [{ fault: 'object_not_stored', ...order }]);
    const overlays = receiver.posts
      .map(({ body }) => JSON.parse(body) as { OssObject: string; IsOverlay: boolean })
      .filter(({ IsOverlay }) => IsOverlay);
    expect(overlays.length).toBeGreaterThanOrEqual(3);
    expect(new Set(overlays.map(({ OssObject }) => OssObject))).toEqual(new Set(['live/cam01.jpg']));
    expect(store.get('live/cam01.jpg')).not.toBeNull();
    const listed = state.indexRows({ domain: DOMAIN, app: 'live', stream: 'cam01' });
    expect(new Set(listed.map(({ object, overlay }) => [object.startsWith('snapshot/'), overlay].join()))).toEqual(
      new Set(['true,false', 'false,true']),
    );
  });

  it('harm the picture of overwrite mode where it is the only one', async () => {
    captureEvery(60, { sequenceObject: null, overwriteObject: '{AppName}/{StreamName}.jpg' });
    await play(1, [{ fault: 'object_not_stored', ...order, first: 1, last: 1 }]);
    expect(objects()).toEqual([]);
    expect(new Set(announced())).toEqual(new Set(['live/cam01.jpg']));
  });

  it('write pictures that are JPEG', async () => {
    await play(1);
    const picture = await Jimp.read(store.get(objects()[0]!)!.body);
    expect([picture.mime, picture.width, picture.height]).toEqual(['image/jpeg', 160, 90]);
  });

  it('sign snapshots with the host of the URL, and publishes with the ingest domain', async () => {
    await play(1);
    const signed = (domain: string, timestamp: unknown) =>
      createHash('md5').update(`${domain}|${timestamp}|${KEY}`).digest('hex');
    const [snapshot] = receiver.posts;
    expect(snapshot!.headers['ali-live-signature']).toBe(signed('127.0.0.1', snapshot!.headers['ali-live-timestamp']));
    const publish = receiver.received.find(({ query }) => query.get('action') === 'publish');
    expect(publish!.headers['ali-live-signature']).toBe(signed(PUSH, publish!.headers['ali-live-timestamp']));
  });

  it('tell the start and the end of a publish, the ingest domain as the app', async () => {
    await play(1);
    const told = receiver.received
      .filter(({ method }) => method === 'GET')
      .map(({ query }) => Object.fromEntries(query));
    expect(told.map(({ action, id, app, appname }) => ({ action, id, app, appname }))).toEqual([
      { action: 'publish', id: 'cam01', app: PUSH, appname: 'live' },
      { action: 'publish_done', id: 'cam01', app: PUSH, appname: 'live' },
    ]);
    expect(state.sessions()[0]!.endedAtMs).not.toBeNull();
  });

  it('try again after 5xx and after no answer in time, and give up after five retries', async () => {
    receiver.answers = [503, 'hang', 200];
    await playOneCapture();
    expect(announced()).toHaveLength(3);
    expect(new Set(announced()).size).toBe(1);
    receiver.received.length = 0;
    receiver.answers = [500, 500, 500, 500, 500, 500, 200];
    const { counts } = await playOneCapture();
    expect(announced()).toHaveLength(6);
    expect(counts().callbacksLost).toBe(1);
  });

  it('do not try again after 401', async () => {
    receiver.answers = [401];
    await playOneCapture();
    expect(announced()).toHaveLength(1);
  });

  it('make each fault happen to the ordered capture and to no other', async () => {
    const seen = {
      callback_dropped: { stored: true, told: 0, listed: true },
      callback_twice: { stored: true, told: 2, listed: true },
      callback_delayed: { stored: true, told: 1, listed: true },
      callback_forged: { stored: false, told: 1, listed: false },
      object_not_stored: { stored: false, told: 1, listed: false },
      object_deleted: { stored: false, told: 1, listed: true },
      capture_skipped: { stored: false, told: 0, listed: false },
    } as const;
    const kinds = Object.keys(seen) as (keyof typeof seen)[];
    const broadcasters = await play(
      10,
      kinds.map((fault, index) => ({ fault, ...order, first: index + 2, last: index + 2 })),
    );
    const touched = new Set<string>();
    for (const row of broadcasters.injected()) {
      expect(row).toMatchObject({ stream: 'cam01', captures: 1 });
      const object = `snapshot/live/cam01/${row.from}.jpg`;
      touched.add(object);
      expect({
        fault: row.fault,
        stored: objects().includes(object),
        told: announced().filter((name) => name === object).length,
        listed: rows().includes(object),
      }).toEqual({ fault: row.fault, ...seen[row.fault as keyof typeof seen] });
    }
    expect(touched.size).toBe(kinds.length);
    expect(broadcasters.notInjected()).toEqual([]);
    const others = [...new Set([...objects(), ...announced(), ...rows()])].filter((name) => !touched.has(name));
    expect(others.length).toBeGreaterThanOrEqual(3);
    expect(others.every((name) => objects().includes(name) && announced().includes(name))).toBe(true);
  });

  it('store and announce a misnamed capture under another name', async () => {
    const broadcasters = await play(4, [{ fault: 'object_misnamed', ...order }]);
    const name = `misplaced/snapshot/live/cam01/${broadcasters.injected()[0]!.from}.jpg`;
    expect(objects()).toContain(name);
    expect(announced()).toContain(name);
  });

  it('sign badly when told to', async () => {
    const broadcasters = await play(3, [{ fault: 'callback_badly_signed', ...order }]);
    const object = `snapshot/live/cam01/${broadcasters.injected()[0]!.from}.jpg`;
    for (const { headers, body } of receiver.posts) {
      const right = createHash('md5').update(`127.0.0.1|${headers['ali-live-timestamp']}|${KEY}`).digest('hex');
      expect(headers['ali-live-signature'] === right).toBe(JSON.parse(body).OssObject !== object);
    }
  });

  it('tell which faults were ordered and never happened', async () => {
    const late: ScheduledFault = { fault: 'capture_skipped', ...order, session: 2 };
    const broadcasters = await play(3, [{ fault: 'capture_skipped', ...order }, late]);
    expect(broadcasters.injected()).toHaveLength(1);
    expect(broadcasters.notInjected()).toEqual([late]);
  });

  it('keep another beat for a session', async () => {
    const broadcasters = await play(8, [{ fault: 'beat_slower', stream: 'cam01', session: 1, factor: 2 }]);
    const gaps = objects()
      .slice(1)
      .map((name, index) => timeOf(name) - timeOf(objects()[index]!));
    expect(new Set(gaps)).toEqual(new Set([2 * BEAT_MS]));
    expect(broadcasters.injected()).toMatchObject([{ fault: 'beat_slower', captures: objects().length }]);
  });

  it('follow a changed config only from the next session on', async () => {
    await play(4, [{ fault: 'callback_url_changed', app: 'live', atMs: 300 }]);
    // On a slow machine the vendor may tell one twice.
    expect([...new Set(announced())].sort()).toEqual(objects());
    expect(state.config(DOMAIN, 'live')!.callback).not.toContain(`:${receiver.port}/`);
  });

  it('stop at once, whatever is under way', async () => {
    receiver.answers = Array.from({ length: 20 }, () => 'hang' as const);
    const broadcasters = startBroadcasters({
      state,
      storeOf: () => store,
      // Waiting for the answer would take longer than this test may.
      delivery: { timeoutMs: 3_600_000, retries: 5, pauseMs: 50 },
      streams: [{ domain: DOMAIN, app: 'live', stream: 'cam01', publishes: [{ startMs: 0, lengthMs: 3_600_000 }] }],
    });
    await expect.poll(() => receiver.posts.length, { timeout: 10_000 }).toBeGreaterThan(0);
    await broadcasters.stop();
    const asked = receiver.received.length;
    await broadcasters.finished();
    expect(receiver.received).toHaveLength(asked);
  });
});
