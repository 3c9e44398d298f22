import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createQuarantineStore } from '../../src/adapters/postgres/quarantine-store.ts';
import { openSpool } from '../../src/adapters/spool/sqlite-spool.ts';
import { extendAliases } from '../../src/core/callback-aliases.ts';
import { createBodyReader } from '../../src/core/callback-body.ts';
import { signedHostsOf } from '../../src/core/callback-signature.ts';
import { CAPTURE_FLAGS } from '../../src/core/capture-flags.ts';
import type { BatchStore, IncomingCapture, SessionSignal } from '../../src/ports.ts';
import { drainSpool } from '../../src/usecases/drain-spool.ts';
import { createReceiveCallback } from '../../src/usecases/receive-callback.ts';
import { createReceiveStreamCallback } from '../../src/usecases/receive-stream-callback.ts';
import { retryQuarantined } from '../../src/usecases/retry-quarantined.ts';
import { encodeSpooled } from '../../src/usecases/spool-codec.ts';
import { TEMPLATE } from '../support/captures.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { HOST, KEY, signedCallback } from '../support/receiver.ts';

let database: TestDatabase;
let spoolDirectory: string;
beforeAll(async () => {
  database = await createTestDatabase();
  spoolDirectory = mkdtempSync(path.join(os.tmpdir(), 'snapaudit-spool-'));
});
afterAll(async () => {
  rmSync(spoolDirectory, { recursive: true, force: true });
  await database.drop();
});

let hoursLater = 0;
const clock = { now: () => Date.now() + hoursLater * 3_600_000 };
const trust = { keys: [{ name: 'current' as const, secret: KEY }], clockWindowSeconds: 300 };
const snapshots = {
  ...trust,
  hosts: signedHostsOf(`https://${HOST}`),
  reader: createBodyReader(extendAliases({})),
  templatesOf: () => [TEMPLATE],
};
const streams = { ...trust, streamingDomainOf: () => 'play.example.com' };
const quarantine = { accept: async () => true };

function refusing<T>(): BatchStore<T> {
  return { write: async (items) => items.map((item) => ({ item, reason: 'too-many-new-streams' })) };
}

const captures: IncomingCapture[] = [];
const signals: SessionSignal[] = [];
const stored: { captures: IncomingCapture[]; signals: SessionSignal[] } = { captures: [], signals: [] };
const forwarded: string[] = [];

function retry() {
  return retryQuarantined({
    reads: createQuarantineStore({ database }),
    clock,
    receive: {
      ...snapshots,
      captures: { accept: async (row) => void stored.captures.push(row) },
      forward: {
        targetsOf: () => ['https://old.example.com/'],
        sink: { accept: async ({ target }) => void forwarded.push(target) },
      },
    },
    receiveStream: { ...streams, signals: { accept: async (signal) => void stored.signals.push(signal) } },
    kind: null,
    reason: null,
  });
}

const signed = (init: RequestInit) => {
  const headers = init.headers as Record<string, string>;
  return {
    timestamp: headers['ali-live-timestamp'],
    signature: headers['ali-live-signature'],
    headers: () => headers,
    remoteAddress: null,
  };
};

describe('what the database refused out of the spool', () => {
  beforeEach(async () => {
    await database.db.deleteFrom('quarantine').execute();
    for (const list of [captures, signals, stored.captures, stored.signals, forwarded]) list.splice(0);
    hoursLater = 0;
  });

  it('is stored by a retry as it was received, as verified as it came and passed on to nobody again, though its signature is gone', async () => {
    const stamp = Math.floor(Date.now() / 1_000);
    const body = {
      domain: 'play.example.com',
      app: 'live',
      stream: 'cam1',
      object: `snapshot/live/cam1/${stamp}.jpg`,
    };
    const init = signedCallback(body);
    const receive = createReceiveCallback({
      ...snapshots,
      clock,
      quarantine,
      captures: { accept: async (row) => void captures.push(row) },
    });
    expect(await receive({ ...signed(init), body: Buffer.from(JSON.stringify(body)) })).toEqual({ outcome: 'stored' });
    const query = { action: 'publish', app: 'push.example.com', appname: 'live', id: 'cam1', time: String(stamp) };
    const receiveStream = createReceiveStreamCallback({
      ...streams,
      clock,
      quarantine,
      signals: { accept: async (signal) => void signals.push(signal) },
    });
    const target = `/callbacks/stream?${new URLSearchParams(query)}`;
    expect(await receiveStream({ ...signed(signedCallback('', { host: 'push.example.com' })), target })).toEqual({
      outcome: 'stored',
    });

    // The same, told before there was a key.
    captures.push({ ...captures[0]!, flags: CAPTURE_FLAGS.fromCallback });
    hoursLater = 3;

    const spool = openSpool({ directory: spoolDirectory, maxBytes: 1024 ** 2, now: clock.now });
    spool.append([
      ...captures.map((row) => ({ kind: 'capture' as const, payload: encodeSpooled('capture', row), again: false })),
      { kind: 'signal', payload: encodeSpooled('signal', signals[0]), again: false },
    ]);
    const kept = createQuarantineStore({ database });
    await drainSpool(spool, { captures: refusing(), signals: refusing(), quarantine: kept }, clock.now);
    expect(spool.depth().entries).toBe(0);
    spool.close();

    expect(await retry()).toEqual({ tried: 3, stored: 3, still: {} });
    expect(stored).toEqual({ captures, signals });
    expect(forwarded).toEqual([]);
  });

  it('is told from what only claims so: a request without a signature is not let in', async () => {
    const entry = {
      receivedAt: Date.now(),
      kind: 'rejected',
      reason: 'signature-missing',
      remoteAddress: null,
      headers: { 'snapaudit-accepted': '3' },
      body: Buffer.from('{"domain":"play.example.com","app":"live","stream":"cam1","object":"a.jpg"}'),
      domain: null,
      app: null,
      stream: null,
      object: null,
    } as const;
    await createQuarantineStore({ database }).write([entry], { again: false, timeoutMs: 10_000 });
    expect(await retry()).toEqual({ tried: 1, stored: 0, still: { 'signature-missing': 1 } });
  });
});
