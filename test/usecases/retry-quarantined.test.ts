import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createQuarantineStore } from '../../src/adapters/postgres/quarantine-store.ts';
import { createSignalStore } from '../../src/adapters/postgres/signal-store.ts';
import { extendAliases } from '../../src/core/callback-aliases.ts';
import { createBodyReader } from '../../src/core/callback-body.ts';
import { signedHostsOf } from '../../src/core/callback-signature.ts';
import { retryQuarantined } from '../../src/usecases/retry-quarantined.ts';
import { TEMPLATE } from '../support/captures.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { HOST, KEY, signedCallback, startTestReceiver, type TestReceiver } from '../support/receiver.ts';

let database: TestDatabase;
let running: TestReceiver;
const forwarded: string[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  running = await startTestReceiver(database);
});
afterAll(async () => {
  await running.close();
  await database.drop();
});

const NEW_KEY = 'newkeynewkeynewkey12';

function retry(aliases: Record<string, string[]>, secret: string, ingestDomains: Record<string, string> = {}) {
  const trust = { keys: [{ name: 'current' as const, secret }], clockWindowSeconds: 300 };
  return retryQuarantined({
    reads: createQuarantineStore({ database }),
    clock: { now: Date.now },
    receive: {
      ...trust,
      hosts: signedHostsOf(`https://${HOST}`),
      reader: createBodyReader(extendAliases(aliases)),
      templatesOf: () => [TEMPLATE],
      captures: {
        accept: async (row) => {
          await running.captures.write([row], { again: false, timeoutMs: 10_000 });
        },
      },
      forward: {
        targetsOf: () => ['https://old.example.com/'],
        sink: { accept: async ({ bodyBase64 }) => void forwarded.push(Buffer.from(bodyBase64, 'base64').toString()) },
      },
    },
    receiveStream: {
      ...trust,
      streamingDomainOf: (pushDomain) => ingestDomains[pushDomain] ?? null,
      signals: {
        accept: async (signal) => {
          await createSignalStore({ database, now: Date.now }).write([signal], { again: false, timeoutMs: 10_000 });
        },
      },
    },
    kind: null,
    reason: null,
  });
}

describe('retrying what lies in quarantine', () => {
  it('stores what is understood or verified now, as received when it came, and says what stands in the way of the rest', async () => {
    const stamp = Math.floor(Date.now() / 1000);
    const body = (stream: string, field: string) => ({
      domain: 'play.example.com',
      app: 'live',
      stream,
      [field]: `snapshot/live/${stream}/${stamp}.jpg`,
    });
    const post = (init: RequestInit) => fetch(`${running.url}/callbacks/snapshot`, init);
    await post(signedCallback(body('cam1', 'picture')));
    await post(signedCallback(body('cam2', 'object'), { key: NEW_KEY }));
    await post(signedCallback('nonsense'));
    // Of this one there was only room for its name.
    const nameOnly = { kind: 'rejected', reason: 'signature-mismatch', object: 'snapshot/live/cam3/1.jpg' } as const;
    const nobody = { remoteAddress: null, headers: {}, domain: null, app: null, stream: null };
    const kept = { ...nobody, ...nameOnly, receivedAt: Date.now(), body: new Uint8Array() };
    await createQuarantineStore({ database }).write([kept], { again: false, timeoutMs: 10_000 });
    const receivedBefore = Date.now();

    expect(await retry({}, KEY)).toEqual({
      tried: 3,
      stored: 0,
      still: { 'missing-object': 1, 'signature-mismatch': 1, 'not-json': 1 },
    });
    expect(await retry({ object: ['picture'] }, KEY)).toMatchObject({ tried: 3, stored: 1 });
    expect(await retry({}, NEW_KEY)).toMatchObject({ tried: 2, stored: 1 });
    const ids = await database.db.selectFrom('streams').select('id').orderBy('stream').execute();
    const rows = (
      await Promise.all(
        ids.map(({ id }) =>
          running.captures.readCallbacks({ streamId: id, from: 0, to: Date.now() + 60_000, limit: 10 }),
        ),
      )
    ).flat();
    expect(rows.map(({ stream, verified, deliveries }) => [stream, verified, deliveries])).toEqual([
      ['cam1', true, 1],
      ['cam2', true, 1],
    ]);
    for (const row of rows) expect(row.receivedAt).toBeLessThanOrEqual(receivedBefore);
    // The others were signed well when they came, and passed on then.
    expect(forwarded).toEqual([expect.stringContaining('cam2')]);
    const outcomes = await database.db.selectFrom('quarantine').select('outcome').orderBy('id').execute();
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['stored', 'stored', 'still-signature-mismatch', null]);
  });

  it('takes a push callback, once its ingest domain is named, as said when it came', async () => {
    await database.db.deleteFrom('quarantine').execute();
    const stamp = Math.floor(Date.now() / 1000);
    const pushed = { action: 'publish', app: 'push2.example.com', appname: 'live', id: 'cam9', time: String(stamp) };
    const { headers } = signedCallback('', { host: 'push2.example.com' });
    await fetch(`${running.url}/callbacks/stream?${new URLSearchParams(pushed)}`, { headers });
    const receivedBefore = Date.now();

    expect(await retry({}, KEY)).toEqual({ tried: 1, stored: 0, still: { 'unknown-push-domain': 1 } });
    expect(await retry({}, NEW_KEY)).toMatchObject({ still: { 'signature-mismatch': 1 } });
    expect(await retry({}, KEY, { 'push2.example.com': 'play.example.com' })).toMatchObject({ tried: 1, stored: 1 });
    const signals = await database.db
      .selectFrom('session_signals')
      .innerJoin('streams', 'streams.id', 'stream_id')
      .select(['domain', 'app', 'stream', 'kind', 'at', 'seen_at', 'push_domain'])
      .execute();
    expect(signals).toEqual([
      {
        domain: 'play.example.com',
        app: 'live',
        stream: 'cam9',
        kind: 'publish',
        at: stamp * 1_000,
        seen_at: expect.any(Number),
        push_domain: 'push2.example.com',
      },
    ]);
    expect(signals[0]!.seen_at).toBeLessThanOrEqual(receivedBefore);
  });
});
