import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signCallback } from '../../src/core/callback-signature.ts';
import { CAPTURE_FLAGS } from '../../src/core/capture-flags.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { KEY, signedCallback, startTestReceiver, type TestReceiver } from '../support/receiver.ts';

let database: TestDatabase;
let running: TestReceiver;
beforeAll(async () => {
  database = await createTestDatabase();
  running = await startTestReceiver(database);
});
afterAll(async () => {
  await running.close();
  await database.drop();
});

const seconds = () => Math.floor(Date.now() / 1000);

function pascal(stream: string, stamp: number) {
  return {
    DomainName: 'play.example.com',
    AppName: 'live',
    StreamName: stream,
    OssEndpoint: 'oss-cn-shanghai.aliyuncs.com',
    OssBucket: 'snap',
    OssObject: `snapshot/live/${stream}/${stamp}.jpg`,
  };
}

const post = (init: RequestInit) => fetch(`${running.url}/callbacks/snapshot`, init);

async function stored(stream: string) {
  const id = await database.db.selectFrom('streams').select('id').where('stream', '=', stream).executeTakeFirst();
  if (!id) return [];
  return running.captures.readCallbacks({ streamId: id.id, from: 0, to: Date.now() + 86_400_000, limit: 10_000 });
}

async function quarantined(reason: string) {
  return database.db.selectFrom('quarantine').selectAll().where('reason', '=', reason).execute();
}

describe('POST /callbacks/snapshot', () => {
  it('stores a signed callback before it answers 200, and gives back what was told', async () => {
    const stamp = seconds();
    const before = Date.now();
    const response = await post(signedCallback(pascal('cam01', stamp)));
    expect(response.status).toBe(200);
    expect(await stored('cam01')).toEqual([
      expect.objectContaining({
        at: stamp * 1000,
        bucket: 'snap',
        object: `snapshot/live/cam01/${stamp}.jpg`,
        capturedAt: null,
        verified: true,
        deliveries: 1,
        sources: ['callback'],
      }),
    ]);
    const [row] = await stored('cam01');
    expect(row!.receivedAt).toBeGreaterThanOrEqual(before);
    expect(row!.receivedAt).toBeLessThanOrEqual(Date.now());
    const raw = await database.db.selectFrom('captures').selectAll().where('rest', '<>', '').execute();
    expect(raw).toEqual([]);
  });

  it('counts a callback that comes twice, also within one batch', async () => {
    const body = pascal('cam02', seconds());
    await Promise.all([1, 2, 3].map(() => post(signedCallback(body))));
    await post(signedCallback(body));
    expect((await stored('cam02')).map((row) => row.deliveries)).toEqual([4]);
  });

  it('reads snake case and an instant in milliseconds', async () => {
    const stamp = seconds();
    const told = stamp * 1000 + 637;
    const body = {
      domain: 'play.example.com',
      app: 'live',
      stream: 'cam03',
      oss_bucket: 'snap',
      oss_object: `snapshot/live/cam03/${stamp}.jpg`,
      create_timestamp: told,
    };
    expect((await post(signedCallback(body))).status).toBe(200);
    expect(await stored('cam03')).toEqual([expect.objectContaining({ at: stamp * 1000, capturedAt: told })]);
  });

  it('accepts the signature over host:port', async () => {
    const body = pascal('cam04', seconds());
    expect((await post(signedCallback(body, { host: 'audit.example.com:443' }))).status).toBe(200);
    expect(await stored('cam04')).toHaveLength(1);
  });

  it('answers 401 to a wrong key, stores nothing, and notes which object was named', async () => {
    const body = pascal('cam05', seconds());
    const response = await post(signedCallback(body, { key: 'wrongkey000000000000' }));
    expect(response.status).toBe(401);
    expect(await stored('cam05')).toEqual([]);
    expect(await quarantined('signature-mismatch')).toEqual([
      expect.objectContaining({
        kind: 'rejected',
        object: body.OssObject,
        stream: 'cam05',
        domain: 'play.example.com',
      }),
    ]);
  });

  it('answers 401 to no signature and to one outside the clock window', async () => {
    const body = JSON.stringify(pascal('cam06', seconds()));
    expect((await post({ method: 'POST', body })).status).toBe(401);
    expect((await post(signedCallback(body, { at: Date.now() - 302_000 }))).status).toBe(401);
    expect((await post(signedCallback(body, { at: Date.now() + 302_000 }))).status).toBe(401);
    expect((await post(signedCallback(body, { at: Date.now() - 298_000 }))).status).toBe(200);
  });

  it('puts what it cannot understand aside, byte for byte, and answers 200', async () => {
    const response = await post(signedCallback('{"event":"something new"}'));
    expect(response.status).toBe(200);
    const [row] = await quarantined('missing-domain');
    expect(row!.body.toString()).toBe('{"event":"something new"}');
    expect(row!.kind).toBe('unclassified');
  });

  it('puts an instant before 2016 or more than a day ahead aside', async () => {
    for (const stamp of [1451606399, seconds() + 86_402]) {
      expect((await post(signedCallback(pascal('cam07', stamp)))).status).toBe(200);
    }
    expect(await stored('cam07')).toEqual([]);
    expect(await quarantined('instant-implausible')).toHaveLength(2);
    for (const stamp of [1451606400, seconds() + 86_398]) await post(signedCallback(pascal('cam07', stamp)));
    expect(await stored('cam07')).toHaveLength(2);
  });

  it('keeps a name that is too long cut to what the index can hold, and between two characters', async () => {
    const response = await post(signedCallback({ ...pascal('cam08', seconds()), OssObject: '图'.repeat(1_500) }));
    expect(response.status).toBe(200);
    const rows = await quarantined('name-too-long');
    expect(rows.map(({ object }) => object)).toEqual(['图'.repeat(341)]);
    expect(JSON.parse(rows[0]!.body.toString()).OssObject).toHaveLength(1_500);
  });

  it('answers 405 to every other method', async () => {
    const response = await fetch(`${running.url}/callbacks/snapshot`, { method: 'PUT', body: '{}' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
    expect(await response.json()).toMatchObject({ type: '/api/v1/problems/method-not-allowed' });
  });

  it('answers 413 over 64 KB', async () => {
    expect((await post(signedCallback('x'.repeat(64 * 1024 + 1)))).status).toBe(413);
    expect((await post(signedCallback('x'.repeat(64 * 1024)))).status).toBe(200);
  });

  it('answers a canary and stores nothing', async () => {
    const before = await database.db.selectFrom('captures').select('stream_id').execute();
    const response = await post(signedCallback({ snapauditCanary: 'a1-b2' }));
    expect(await response.json()).toEqual({ canary: 'a1-b2' });
    expect(await database.db.selectFrom('captures').select('stream_id').execute()).toHaveLength(before.length);
    expect((await post(signedCallback({ snapauditCanary: 'a1-b2' }, { key: 'x' }))).status).toBe(401);
  });
});

describe('a callback whose body comes in chunks', () => {
  it('is answered and kept as one that comes in one piece', async () => {
    const stamp = seconds();
    const inChunks = (init: RequestInit): RequestInit & { duplex: 'half' } => ({
      ...init,
      body: new Blob([init.body as string]).stream(),
      duplex: 'half',
    });
    const answers = async (ways: (init: RequestInit) => RequestInit, stream: string) => {
      const sent = [
        signedCallback(pascal(stream, stamp)),
        signedCallback(pascal(stream, stamp)),
        signedCallback(pascal(stream, stamp + 1), { key: 'wrongkey000000000000' }),
        signedCallback(pascal(stream, 1_451_606_399)),
        signedCallback('no JSON'),
        signedCallback({ snapauditCanary: 'a1-b2' }),
        signedCallback('x'.repeat(64 * 1024 + 1)),
      ];
      const told = [];
      for (const init of sent) {
        const response = await post(ways(init));
        const headers = [...response.headers].filter(([name]) => name !== 'date');
        told.push({ status: response.status, headers, body: await response.json() });
      }
      return told;
    };
    const whole = await answers((init) => init, 'whole');
    expect(whole.map(({ status }) => status)).toEqual([200, 200, 401, 200, 200, 200, 413]);
    expect(await answers(inChunks, 'chunks')).toEqual(whole);
    const kept = async (stream: string) => (await stored(stream)).map(({ at, deliveries }) => ({ at, deliveries }));
    expect(await kept('whole')).toEqual([{ at: stamp * 1000, deliveries: 2 }]);
    expect(await kept('chunks')).toEqual(await kept('whole'));
  });
});

describe('keys', () => {
  it('takes the previous key during a rotation, and notes that it was that one', async () => {
    const previous = 'previouskey123456789';
    const rotating = await startTestReceiver(database, {
      keys: [
        { name: 'current', secret: KEY },
        { name: 'previous', secret: previous },
      ],
    });
    const send = (stream: string, key: string) =>
      fetch(`${rotating.url}/callbacks/snapshot`, signedCallback(pascal(stream, seconds()), { key }));
    expect((await send('rotating1', previous)).status).toBe(200);
    expect((await send('rotating2', KEY)).status).toBe(200);
    expect((await send('rotating3', 'anotherkey1234567890')).status).toBe(401);
    await rotating.close();
    const rows = await database.db
      .selectFrom('captures')
      .innerJoin('streams', 'streams.id', 'captures.stream_id')
      .select(['stream', 'flags'])
      .where('stream', 'like', 'rotating%')
      .orderBy('stream')
      .execute();
    const { fromCallback, verified, previousKey } = CAPTURE_FLAGS;
    expect(rows).toEqual([
      { stream: 'rotating1', flags: fromCallback | verified | previousKey },
      { stream: 'rotating2', flags: fromCallback | verified },
    ]);
  });

  it('lets everything in where none is configured, as an unverified claim', async () => {
    const open = await startTestReceiver(database, { keys: [] });
    const body = JSON.stringify(pascal('keyless', seconds()));
    expect((await fetch(`${open.url}/callbacks/snapshot`, { method: 'POST', body })).status).toBe(200);
    await open.close();
    expect(await stored('keyless')).toEqual([expect.objectContaining({ verified: false, deliveries: 1 })]);
  });

  it('keeps only so much of what strangers send, and says so without a 5xx', async () => {
    const small = await startTestReceiver(database, {
      limits: { stranger: { rowsPerHour: 2, bytesPerHour: 1_000 } },
      keys: [],
    });
    const send = () => fetch(`${small.url}/callbacks/snapshot`, { method: 'POST', body: '{"no":"sense"}' });
    const statuses = [await send(), await send(), await send()].map(({ status }) => status);
    await small.close();
    expect(statuses).toEqual([200, 200, 429]);
  });
});

describe('rejected requests beyond what is kept of them', () => {
  it('leave the name of the object, once, so that the callback they were does not read as lost by the vendor', async () => {
    const small = await startTestReceiver(database, {
      limits: {
        stranger: { rowsPerHour: 1, bytesPerHour: 10_000 },
        named: { rowsPerHour: 2, bytesPerHour: 10_000 },
      },
    });
    const bodies = [1, 2, 3, 4].map((number) => pascal(`beyond${number}`, seconds()));
    const send = (body: unknown) =>
      fetch(`${small.url}/callbacks/snapshot`, signedCallback(body, { key: 'wrongkey000000000000' }));
    for (const body of bodies)
      for (let attempt = 0; attempt < 3; attempt++) expect((await send(body)).status).toBe(401);
    const { notKept } = small.receiver.state();
    await small.close();
    const rows = await database.db
      .selectFrom('quarantine')
      .select(['object', 'kind', 'reason', 'headers', 'body'])
      .where('stream', 'like', 'beyond%')
      .orderBy('id')
      .execute();
    // The first in full, what it was again and the next one by name, then no more.
    expect(rows.map(({ object }) => object)).toEqual([0, 0, 1].map((index) => bodies[index]!.OssObject));
    expect(rows.map(({ body }) => body.length > 0)).toEqual([true, false, false]);
    expect(rows[2]).toMatchObject({ kind: 'rejected', reason: 'signature-mismatch', headers: {} });
    expect(notKept).toBe(6);
  });
});

describe('GET /callbacks/stream', () => {
  const get = (query: Record<string, string>, domain = 'push.example.com') => {
    const timestamp = String(seconds());
    return fetch(`${running.url}/callbacks/stream?${new URLSearchParams(query)}`, {
      headers: { 'ali-live-timestamp': timestamp, 'ali-live-signature': signCallback(domain, timestamp, KEY) },
    });
  };

  it('records publish and publish_done under the streaming domain, signed over the ingest domain', async () => {
    const time = seconds();
    const query = { ip: '192.168.0.1', id: 'world', app: 'push.example.com', appname: 'live', node: 'n1' };
    expect((await get({ ...query, action: 'publish', time: String(time) })).status).toBe(200);
    expect((await get({ ...query, action: 'publish_done', time: String(time + 9) })).status).toBe(200);
    const rows = await database.db
      .selectFrom('session_signals')
      .innerJoin('streams', 'streams.id', 'session_signals.stream_id')
      .select(['domain', 'app', 'stream', 'kind', 'at', 'started_at', 'ended_at', 'push_domain'])
      .orderBy('at')
      .execute();
    expect(rows).toEqual([
      expect.objectContaining({ domain: 'play.example.com', stream: 'world', kind: 'publish', at: time * 1000 }),
      expect.objectContaining({ kind: 'publish_done', at: (time + 9) * 1000, push_domain: 'push.example.com' }),
    ]);
  });

  it('answers 401 to a signature over the callback host', async () => {
    const query = { action: 'publish', id: 'w', app: 'push.example.com', appname: 'live', time: String(seconds()) };
    expect((await get(query, 'audit.example.com')).status).toBe(401);
  });

  it('puts aside what it cannot understand', async () => {
    const query = { action: 'publish', id: 'w', app: 'other.example.com', appname: 'live', time: String(seconds()) };
    expect((await get(query, 'other.example.com')).status).toBe(200);
    expect(await quarantined('unknown-push-domain')).toHaveLength(1);
  });
});

describe('GET /healthz and /readyz', () => {
  it('says ready while callbacks can be kept', async () => {
    expect((await fetch(`${running.url}/healthz`)).status).toBe(200);
    const ready = await fetch(`${running.url}/readyz`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({ status: 'ready', database: 'ok', spool: { entries: 0 } });
  });
});
