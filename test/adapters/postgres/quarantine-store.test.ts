import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAuditStore } from '../../../src/adapters/postgres/audit-store.ts';
import { createQuarantineStore } from '../../../src/adapters/postgres/quarantine-store.ts';
import type { QuarantineEntry } from '../../../src/ports.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const WRITE = { again: false, timeoutMs: 10_000 };
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(() => database.pool.query('truncate quarantine'));
afterAll(() => database.drop());

function entry(receivedAt: number, over: Partial<QuarantineEntry> = {}): QuarantineEntry {
  return {
    receivedAt,
    kind: 'unclassified',
    reason: 'not-json',
    remoteAddress: '127.0.0.1',
    headers: { 'user-agent': 'x"\\\u0001' },
    body: Buffer.from([0, 255, 39, 92]),
    domain: null,
    app: null,
    stream: null,
    object: null,
    ...over,
  };
}
const kept = async () =>
  (await database.db.selectFrom('quarantine').select('received_at').orderBy('received_at').execute()).map(
    (row) => row.received_at,
  );

describe('the quarantine', () => {
  it('keeps bytes and headers as they came', async () => {
    const store = createQuarantineStore({ database });
    await store.write([entry(1_000), entry(2_000, { object: 'ä.jpg' })], WRITE);
    const rows = await database.db.selectFrom('quarantine').selectAll().orderBy('id').execute();
    expect([...rows[0]!.body]).toEqual([0, 255, 39, 92]);
    expect(rows[0]!.headers).toEqual({ 'user-agent': 'x"\\\u0001' });
    expect(rows[1]!.object).toBe('ä.jpg');
  });

  it('refuses an entry that the database cannot take, and keeps the others', async () => {
    const store = createQuarantineStore({ database });
    const bad = entry(2_000, { stream: 'a\u0000b' });
    expect(await store.write([entry(1_000), bad, entry(3_000)], WRITE)).toEqual([
      { item: bad, reason: 'not-storable-22021' },
    ]);
    expect(await kept()).toEqual([1_000, 3_000]);
  });

  it('drops what is old, and beyond the bound rejected requests before those that may be understood one day', async () => {
    const store = createQuarantineStore({ database });
    await store.write(
      [1, 2, 3, 4, 5].map((second) => entry(second * 1_000, second === 4 ? { kind: 'rejected' } : {})),
      WRITE,
    );
    const bytes = 1_000;
    expect(await store.prune({ before: 1_001, maxRows: 2, maxBytes: bytes })).toBe(3);
    expect(await kept()).toEqual([3_000, 5_000]);
    expect(await store.prune({ before: 0, maxRows: 2, maxBytes: bytes })).toBe(0);
  });

  it('is bounded by the bytes of its bodies, too', async () => {
    const store = createQuarantineStore({ database });
    const sized = (second: number, bytes: number, kind: QuarantineEntry['kind'] = 'unclassified') =>
      entry(second * 1_000, { kind, body: Buffer.alloc(bytes) });
    await store.write([sized(1, 400), sized(2, 400), sized(3, 0), sized(4, 400, 'rejected'), sized(5, 400)], WRITE);
    expect(await store.prune({ before: 0, maxRows: 10, maxBytes: 1_200 })).toBe(1);
    expect(await kept()).toEqual([1_000, 2_000, 3_000, 5_000]);
    expect(await store.prune({ before: 0, maxRows: 10, maxBytes: 800 })).toBe(1);
    expect(await kept()).toEqual([2_000, 3_000, 5_000]);
  });

  it('remembers of the minutes whose rejected captures it drops that there were such, once a minute', async () => {
    const store = createQuarantineStore({ database });
    const audits = createAuditStore(database);
    const minute = 60_000;
    const named = (at: number) => entry(at, { kind: 'rejected', object: `${at}.jpg` });
    await store.write(
      [
        named(0),
        named(1),
        named(minute - 1),
        named(minute),
        entry(2 * minute, { kind: 'rejected' }),
        named(9 * minute),
      ],
      WRITE,
    );
    expect(await audits.unkeptSpans(0, 10 * minute)).toEqual([]);
    expect(await store.prune({ before: 0, maxRows: 5, maxBytes: 1_000 })).toBe(1);
    expect(await audits.unkeptSpans(0, 10 * minute)).toEqual([{ from: 0, to: minute }]);
    expect(await store.prune({ before: 0, maxRows: 1, maxBytes: 1_000 })).toBe(4);
    expect(await audits.unkeptSpans(0, 10 * minute)).toEqual([{ from: 0, to: 2 * minute }]);
    expect(await kept()).toEqual([0, minute, 9 * minute]);
    expect(await store.prune({ before: 0, maxRows: 1, maxBytes: 1_000 })).toBe(0);
    // Whoever asks for a part of a minute is told of it; who asks from its end on is not.
    expect(await audits.unkeptSpans(2 * minute - 1, 3 * minute)).toEqual([{ from: minute, to: 2 * minute }]);
    expect(await audits.unkeptSpans(2 * minute, 3 * minute)).toEqual([]);
  });

  it('prunes no further when it is told to end', async () => {
    const store = createQuarantineStore({ database });
    await store.write([entry(1_000)], WRITE);
    expect(await store.prune({ before: 5_000, maxRows: 0, maxBytes: 0 }, AbortSignal.abort())).toBe(0);
    expect(await kept()).toEqual([1_000]);
  });
});
