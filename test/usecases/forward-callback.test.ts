import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createCallbackForwarder } from '../../src/adapters/notify/callback-forwarder.ts';
import { createForwardQueue } from '../../src/adapters/postgres/forward-queue.ts';
import { composeForwarding } from '../../src/compose/forwarding.ts';
import { parseSettings } from '../../src/config/load-settings.ts';
import type { Settings } from '../../src/config/settings.ts';
import type { ForwardedCallback } from '../../src/ports.ts';
import {
  FORWARD_TASK,
  forwardCallback,
  forwardedCallback,
  forwardsToOurselves,
  forwardTargets,
} from '../../src/usecases/forward-callback.ts';
import { prepareWorker, startWorker } from '../../src/worker/start-worker.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { signedCallback, startTestReceiver } from '../support/receiver.ts';

interface Arrival {
  headers: IncomingHttpHeaders;
  body: string;
}

let database: TestDatabase;
let arrivals: Arrival[];
let answers: number[];
let target: string;
let close: () => Promise<void>;
beforeAll(async () => {
  database = await createTestDatabase({ maxConnections: 10 });
  await prepareWorker(database.url);
});
afterAll(() => database.drop());
beforeEach(async () => {
  arrivals = [];
  answers = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    arrivals.push({ headers: request.headers, body });
    response.writeHead(answers.shift() ?? 200, { location: 'http://127.0.0.1:1/' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  target = `http://127.0.0.1:${(server.address() as AddressInfo).port}/old/receiver?x=1`;
  close = () => new Promise((resolve) => server.close(() => resolve()));
});
afterEach(() => close());

const NOW = Date.UTC(2026, 10, 24);
const clock = { now: () => NOW };
const forwarder = createCallbackForwarder({ allowPrivate: ['127.0.0.0/8'], timeoutMs: 2000 });
const callback = (changes: Partial<ForwardedCallback> = {}): ForwardedCallback => ({
  target,
  headers: { 'content-type': 'application/json', 'ali-live-signature': 'abc' },
  bodyBase64: Buffer.from('{"a": 1}').toString('base64'),
  receivedAt: NOW,
  ...changes,
});
const forward = (changes: Partial<ForwardedCallback> = {}, allowed = forwarder) =>
  forwardCallback({ forwarder: allowed, clock }, callback(changes));

describe('passing a callback on', () => {
  it('sends body and headers as they came', async () => {
    expect(await forward()).toEqual({ outcome: 'delivered' });
    expect(arrivals).toEqual([
      {
        body: '{"a": 1}',
        headers: expect.objectContaining({ 'content-type': 'application/json', 'ali-live-signature': 'abc' }),
      },
    ]);
  });

  it.each([500, 503, 429, 408])('asks for another try after HTTP %i', async (status) => {
    answers = [status];
    await expect(forward()).rejects.toThrow(`HTTP ${status}`);
  });

  it.each([400, 401, 404, 302])('drops it after HTTP %i: trying again would not help', async (status) => {
    answers = [status];
    expect(await forward()).toMatchObject({ outcome: 'dropped' });
    expect(arrivals).toHaveLength(1);
  });

  it('asks for another try where nobody listens, for a day', async () => {
    const nobody = 'http://127.0.0.1:1/';
    await expect(forward({ target: nobody, receivedAt: NOW - 86_400_000 })).rejects.toThrow('ECONNREFUSED');
    expect(await forward({ target: nobody, receivedAt: NOW - 86_400_001 })).toMatchObject({ outcome: 'dropped' });
  });

  it.each([
    'http://10.0.0.1/',
    'http://169.254.169.254/latest/meta-data',
    'http://[::1]/',
    'http://localhost/',
    'ftp://example.com/',
  ])('refuses %s unless it is allowed', async (url) => {
    const strict = createCallbackForwarder({ allowPrivate: false });
    expect(await forward({ target: url }, strict)).toMatchObject({ outcome: 'dropped' });
  });

  it('names in the log whom it did not reach, not what gives access there', async () => {
    const logged: string[] = [];
    const { run } = composeForwarding({
      settings: { callbacks: { forwardAllowPrivate: false } } as unknown as Settings,
      clock,
      logger: pino({}, { write: (line) => void logged.push(line) }),
      sink: { report: async () => {} },
      onOutcome: () => {},
    });
    await run(callback({ target: 'http://me:s3cret@127.0.0.1:1/old?token=s3cret' }), new AbortController().signal);
    expect(logged).toEqual([expect.stringContaining('"target":"http://…@127.0.0.1:1/old?token=…"')]);
    expect(logged.join()).not.toContain('s3cret');
  });

  it('names the setting that allows a private range', async () => {
    const strict = createCallbackForwarder({ allowPrivate: false });
    expect(await forward({}, strict)).toMatchObject({
      reason: expect.stringContaining('callbacks.forwardAllowPrivate'),
    });
    expect(arrivals).toEqual([]);
  });
});

describe('where callbacks go on to', () => {
  it('is what the app names, its own entry before that of all apps', () => {
    const app = (name: string, forwardLine: string) =>
      `      - { app: "${name}", interval: 10s, bucket: bbb, endpoint: oss-cn-shanghai.aliyuncs.com, sequenceObject: "{Sequence}.jpg"${forwardLine} }`;
    const text = [
      'domains:',
      '  - domain: play.example.com',
      '    apps:',
      app('*', ', forward: "https://all.example.com/"'),
      app('own', ', forward: "https://own.example.com/"'),
      app('none', ''),
    ].join('\n');
    const targetsOf = forwardTargets(parseSettings(text, 'test.yaml'));
    expect(['own', 'none', 'else'].map((name) => targetsOf('play.example.com', name))).toEqual([
      ['https://own.example.com/'],
      [],
      ['https://all.example.com/'],
    ]);
    expect(targetsOf('other.example.com', 'own')).toEqual([]);
    // Names that could not be read may be any.
    const both = ['https://all.example.com/', 'https://own.example.com/'];
    expect(targetsOf('play.example.com', null)).toEqual(both);
    expect(targetsOf(null, null)).toEqual(both);
    expect(targetsOf('other.example.com', null)).toEqual([]);
  });

  it.each([
    ['https://audit.example.com', 'https://audit.example.com/callbacks/snapshot', true],
    ['https://audit.example.com', 'https://AUDIT.example.com:443/callbacks/snapshot/?x=1', true],
    ['https://audit.example.com/base', 'https://audit.example.com/base/callbacks/snapshot', true],
    ['https://audit.example.com', 'https://audit.example.com/old', false],
    ['https://audit.example.com', 'https://audit.example.com:8443/callbacks/snapshot', false],
  ])('may not be ourselves: under %s, %s', (publicUrl, forward, isOurs) => {
    const apps = [{ app: 'live', forward }];
    const settings = { domains: [{ domain: 'play.example.com', apps }] } as unknown as Settings;
    expect(forwardsToOurselves(settings, publicUrl)).toEqual(
      isOurs ? [expect.stringContaining('play.example.com/live: forward leads to this service itself')] : [],
    );
  });
});

describe('a receiver with a predecessor', () => {
  const body = (stream: string) => ({
    DomainName: 'play.example.com',
    AppName: 'live',
    StreamName: stream,
    OssBucket: 'snap',
    OssEndpoint: 'oss-cn-shanghai.aliyuncs.com',
    OssObject: `snapshot/live/${stream}/${Math.floor(Date.now() / 1000)}.jpg`,
  });

  it('passes on what it accepted, nothing else, though the predecessor is away at first', async () => {
    answers = [503];
    const receiver = await startTestReceiver(database, {
      forwardTargetsOf: (_domain, app) => (app === 'other' ? [] : [target]),
      forwards: createForwardQueue({ database, task: FORWARD_TASK }),
    });
    const worker = await startWorker({
      connectionString: database.url,
      jobs: [],
      tasks: [
        {
          name: FORWARD_TASK,
          run: async (payload) =>
            void (await forwardCallback({ forwarder, clock: { now: Date.now } }, payload as ForwardedCallback)),
        },
      ],
      onError: () => {},
    });
    try {
      const accepted = signedCallback(body('cam01'));
      const post = async (request: RequestInit) =>
        (await fetch(`${receiver.url}/callbacks/snapshot`, { method: 'POST', ...request })).status;
      expect(await post(accepted)).toBe(200);
      expect(await post(signedCallback(body('cam02'), { key: 'wrongkeywrongkey0000' }))).toBe(401);
      expect(await post(signedCallback({ ...body('cam03'), AppName: 'other' }))).toBe(200);
      await expect.poll(() => arrivals.length, { timeout: 20_000 }).toBe(2);
      expect(arrivals.map((arrival) => arrival.body)).toEqual([accepted.body, accepted.body]);
      const sent = new Headers(accepted.headers);
      for (const name of ['ali-live-timestamp', 'ali-live-signature']) {
        expect(arrivals[1]?.headers[name]).toBe(sent.get(name));
      }
    } finally {
      await worker.close();
      await receiver.close();
    }
  });

  const collecting = async (
    run: (receive: (request: RequestInit) => Promise<number>, bodies: () => string[]) => Promise<void>,
  ) => {
    const queued: ForwardedCallback[] = [];
    const receiver = await startTestReceiver(database, {
      forwardTargetsOf: () => [target],
      forwards: {
        async write(callbacks) {
          queued.push(...callbacks);
          return [];
        },
      },
    });
    const receive = async (request: RequestInit) =>
      (await fetch(`${receiver.url}/callbacks/snapshot`, { method: 'POST', ...request })).status;
    const bodies = () => queued.map(({ bodyBase64 }) => Buffer.from(bodyBase64, 'base64').toString());
    await run(receive, bodies).finally(() => receiver.close());
  };

  it('passes on what the vendor signed, though it is not understood here', () =>
    collecting(async (receive, bodies) => {
      expect(await receive(signedCallback('a form of its own'))).toBe(200);
      expect(await receive(signedCallback('a forgery', { key: 'wrongkeywrongkey0000' }))).toBe(401);
      expect(bodies()).toEqual(['a form of its own']);
    }));

  it('does not pass on again what a Snapaudit passed on: two that name each other would never stop', () =>
    collecting(async (receive, bodies) => {
      const passedOn = forwardedCallback(target, { body: Buffer.from(''), headers: {} }, 0).headers;
      for (const [stream, marks] of [
        ['cam04', passedOn],
        ['cam05', {}],
      ] as const) {
        const request = signedCallback(body(stream));
        expect(await receive({ ...request, headers: { ...request.headers, ...marks } })).toBe(200);
      }
      expect(bodies()).toEqual([expect.stringContaining('cam05')]);
    }));
});
