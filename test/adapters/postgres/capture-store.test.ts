import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CaptureStore, createCaptureStore } from '../../../src/adapters/postgres/capture-store.ts';
import { openDatabase } from '../../../src/adapters/postgres/database.ts';
import { CAPTURE_FLAGS } from '../../../src/core/capture-flags.ts';
import type { IncomingCapture } from '../../../src/ports.ts';
import { incomingCapture } from '../../support/captures.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const NOW = Date.UTC(2026, 10, 24, 3);
const FIRST = { again: false, timeoutMs: 20_000 };
const AGAIN = { again: true, timeoutMs: 20_000 };
const UNVERIFIED = CAPTURE_FLAGS.fromCallback;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase({ maxConnections: 8 });
});
afterAll(() => database.drop());

function open(over: Partial<Parameters<typeof createCaptureStore>[0]> = {}): CaptureStore {
  return createCaptureStore({ database, now: () => NOW, lateEvidenceAfterMs: 48_000, ...over });
}

async function read(store: CaptureStore, stream: string) {
  const { id } = await database.db
    .selectFrom('streams')
    .select('id')
    .where('stream', '=', stream)
    .executeTakeFirstOrThrow();
  return store.readCallbacks({ streamId: id, from: 0, to: NOW + 86_400_000, limit: 1_000 });
}

describe('storing captures', () => {
  it('counts deliveries, within a batch, across batches and across receivers, and keeps the first receipt', async () => {
    const [one, other] = [open(), open()];
    const at = NOW - 10_000;
    const capture = (receivedAt: number) => incomingCapture('twice', at, { receivedAt });
    await one.write([capture(at + 3_000), capture(at + 2_000)], FIRST);
    await other.write([capture(at + 7_000)], FIRST);
    await one.write([capture(at + 1_000)], FIRST);
    expect(await read(one, 'twice')).toEqual([
      expect.objectContaining({ deliveries: 4, receivedAt: at + 1_000, object: `snapshot/live/twice/${at}.jpg` }),
    ]);
  });

  it('does not count a batch twice that may have been committed before', async () => {
    const store = open();
    const batch = [incomingCapture('again', NOW - 10_000), incomingCapture('again', NOW - 5_000)];
    await store.write(batch, FIRST);
    await store.write(batch, AGAIN);
    expect((await read(store, 'again')).map(({ deliveries }) => deliveries)).toEqual([1, 1]);
  });

  it('takes a batch for new as a whole, until one of it was not: then it looks for redeliveries for a minute', async () => {
    const own = openDatabase({ url: database.url, maxConnections: 1 });
    const statements: string[] = [];
    own.pool.on('connect', (client) => {
      const query = client.query.bind(client) as (...parameters: unknown[]) => unknown;
      client.query = ((...parameters: [{ name?: string }]) => {
        if (parameters[0].name) statements.push(parameters[0].name);
        return query(...parameters);
      }) as typeof client.query;
    });
    let now = NOW;
    const store = createCaptureStore({ database: own, now: () => now, lateEvidenceAfterMs: 300_000 });
    const write = async (...captures: IncomingCapture[]) => {
      statements.length = 0;
      expect(await store.write(captures, FIRST)).toEqual([]);
      return statements.splice(0);
    };
    const capture = (seconds: number) => incomingCapture('new', NOW - 20_000 + seconds * 1_000);
    expect(await write(capture(1))).toEqual(['store-new-captures']);
    // Twice within the batch is one row that was delivered twice.
    expect(await write(capture(2), capture(2), capture(3))).toEqual(['store-new-captures']);
    expect(await write(capture(4), capture(3), capture(5))).toEqual(['store-new-captures', 'store-captures']);
    expect(await write(capture(6))).toEqual(['store-captures']);
    now += 59_999;
    expect(await write(capture(6), capture(7))).toEqual(['store-captures']);
    now += 1;
    expect(await write(capture(8))).toEqual(['store-new-captures']);
    const stored = (await read(store, 'new')).map(({ at, deliveries }) => [(at - NOW + 20_000) / 1_000, deliveries]);
    await own.close();
    const deliveries = [1, 2, 2, 1, 1, 2, 1, 1];
    expect(stored).toEqual(deliveries.map((count, index) => [index + 1, count]));
  });

  it('keeps two captures of one instant apart', async () => {
    const store = open();
    const at = NOW - 10_000;
    await store.write(
      [incomingCapture('apart', at), { ...incomingCapture('apart', at, { object: 'x.jpg' }), capturedAt: at }],
      FIRST,
    );
    expect((await read(store, 'apart')).map(({ object }) => object).sort()).toEqual([
      `snapshot/live/apart/${at}.jpg`,
      'x.jpg',
    ]);
  });

  it('refuses the one item that the database cannot take, and stores the others', async () => {
    const store = open();
    const good = Array.from({ length: 9 }, (_, index) => incomingCapture('around', NOW - 60_000 + index * 5_000));
    const bad: IncomingCapture = { ...incomingCapture('around', NOW - 1_000), toldMs: 99_999 };
    expect(await store.write([...good.slice(0, 4), bad, ...good.slice(4)], FIRST)).toEqual([
      { item: bad, reason: 'not-storable-22003' },
    ]);
    expect(await read(store, 'around')).toHaveLength(9);
  });

  it('survives receivers that store the same captures in another order at the same time', async () => {
    const stores = [open(), open(), open()];
    const batch = Array.from({ length: 200 }, (_, index) =>
      incomingCapture(`busy${index % 20}`, NOW - 100_000 + Math.floor(index / 20) * 5_000),
    );
    await Promise.all(
      stores.flatMap((store) => [batch, [...batch].reverse(), batch].map((items) => store.write(items, FIRST))),
    );
    const rows = await database.db
      .selectFrom('captures')
      .innerJoin('streams', 'streams.id', 'captures.stream_id')
      .select('deliveries')
      .where('stream', 'like', 'busy%')
      .execute();
    expect(rows.map(({ deliveries }) => deliveries)).toEqual(Array(200).fill(9));
  });

  it('marks what comes after its slot may have been judged as late evidence, in the same commit', async () => {
    const store = open();
    await store.write(
      [
        incomingCapture('late', NOW - 48_001),
        incomingCapture('late', NOW - 90_000),
        incomingCapture('punctual', NOW - 48_000),
      ],
      FIRST,
    );
    const rows = await database.db
      .selectFrom('late_evidence')
      .innerJoin('streams', 'streams.id', 'late_evidence.stream_id')
      .select(['stream', 'from_at', 'reason'])
      .where('stream', 'in', ['late', 'punctual'])
      .execute();
    expect(rows).toEqual([{ stream: 'late', from_at: NOW - 90_000, reason: 'late-callback' }]);
  });

  it('pages through a stream without leaving out or repeating a row', async () => {
    const store = open();
    const at = NOW - 500_000;
    const batch = Array.from({ length: 25 }, (_, index) => ({
      ...incomingCapture('paged', at + Math.floor(index / 2) * 1_000, { object: `p/${index}.jpg` }),
      capturedAt: at + Math.floor(index / 2) * 1_000,
    }));
    await store.write(batch, FIRST);
    const streamId = (await read(store, 'paged'))[0]!.streamId;
    const objects: string[] = [];
    for (let after = null; ; ) {
      const page = await store.readCallbacks({ streamId, from: at, to: NOW, after, limit: 4 });
      objects.push(...page.map(({ object }) => object));
      if (page.length < 4) break;
      after = page.at(-1)! as never;
    }
    expect(objects.length).toBe(25);
    expect(new Set(objects).size).toBe(25);
  });
});

describe('backfill', () => {
  it('restores rows that no callback speaks for, and the callback that comes later fills them in', async () => {
    const store = open();
    const at = NOW - 200_000;
    const restored = (flags: number): IncomingCapture => ({
      ...incomingCapture('restored', at, { receivedAt: at, flags }),
      deliveries: 0,
    });
    expect(await store.restoreCaptures([restored(CAPTURE_FLAGS.fromIndex)])).toBe(1);
    expect(await store.restoreCaptures([restored(CAPTURE_FLAGS.fromObject)])).toBe(0);
    expect(await read(store, 'restored')).toEqual([
      expect.objectContaining({ receivedAt: null, deliveries: 0, verified: false, sources: ['index', 'object'] }),
    ]);
    await store.write([incomingCapture('restored', at, { receivedAt: at + 150_000 })], FIRST);
    await store.restoreCaptures([restored(CAPTURE_FLAGS.fromIndex)]);
    expect(await read(store, 'restored')).toEqual([
      expect.objectContaining({
        receivedAt: at + 150_000,
        deliveries: 1,
        verified: true,
        sources: ['callback', 'index', 'object'],
      }),
    ]);
  });

  it('reaches back a year', async () => {
    const store = open();
    const at = NOW - 365 * 86_400_000;
    await store.restoreCaptures([{ ...incomingCapture('year', at), flags: CAPTURE_FLAGS.fromIndex, deliveries: 0 }]);
    expect((await read(store, 'year')).map((row) => row.at)).toEqual([at]);
  });
});

describe('strangers', () => {
  it('may add only so many streams; known ones stay open to them, and whoever holds a key may add more', async () => {
    let now = NOW;
    const store = open({ strangers: { atOnce: 3, perMinute: 2 }, now: () => now });
    const from = (stream: string, flags?: number) => incomingCapture(stream, NOW - 1_000, flags ? { flags } : {});
    const refused = await store.write(
      [1, 2, 3, 4, 5].map((number) => from(`stranger${number}`, UNVERIFIED)),
      FIRST,
    );
    expect(refused.map(({ reason }) => reason)).toEqual(['too-many-new-streams', 'too-many-new-streams']);
    expect(await store.write([from('stranger1', UNVERIFIED), from('signed1'), from('signed2')], FIRST)).toEqual([]);
    now += 30_000;
    expect(await store.write([from('stranger6', UNVERIFIED), from('stranger7', UNVERIFIED)], FIRST)).toHaveLength(1);
  });

  it('may not make a table for every day since 2016', async () => {
    const store = open();
    const days = Array.from({ length: 60 }, (_, index) =>
      incomingCapture('old', NOW - (100 + index) * 86_400_000, { flags: UNVERIFIED }),
    );
    const refused = await store.write(days, { again: false, timeoutMs: 60_000 });
    expect(refused).toHaveLength(60 - 31);
    expect(refused[0]!.reason).toBe('too-many-new-days');
  });
});
