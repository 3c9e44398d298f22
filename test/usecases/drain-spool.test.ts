import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createCaptureStore } from '../../src/adapters/postgres/capture-store.ts';
import { createQuarantineStore, type QuarantineStore } from '../../src/adapters/postgres/quarantine-store.ts';
import { createSignalStore } from '../../src/adapters/postgres/signal-store.ts';
import { openSpool } from '../../src/adapters/spool/sqlite-spool.ts';
import type { BatchStore, ForwardedCallback, Spool, SpoolKind } from '../../src/ports.ts';
import { drainSpool } from '../../src/usecases/drain-spool.ts';
import { encodeSpooled } from '../../src/usecases/spool-codec.ts';
import { incomingCapture } from '../support/captures.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let quarantine: QuarantineStore;
beforeAll(async () => {
  database = await createTestDatabase();
  quarantine = createQuarantineStore({ database });
});
afterAll(() => database.drop());

let directory: string;
let spool: Spool;
beforeEach(async () => {
  await database.pool.query('truncate quarantine');
  directory = mkdtempSync(path.join(os.tmpdir(), 'snapaudit-spool-'));
  spool = openSpool({ directory, maxBytes: 16 * 1024 ** 2, now: Date.now });
});
afterEach(() => {
  spool.close();
  rmSync(directory, { recursive: true, force: true });
});

const AT = Math.floor(Date.now() / 1000) * 1000;
const spooled = (kind: SpoolKind, item: unknown) => ({ kind, payload: encodeSpooled(kind, item), again: false });

describe('a queue of forwards that takes nothing', () => {
  const MANY = 1_200;
  let queued: string[];
  let isBroken: boolean;
  const forwards: BatchStore<ForwardedCallback> = {
    async write(callbacks) {
      if (isBroken) throw new Error('the queue is broken');
      queued.push(...callbacks.map(({ bodyBase64 }) => bodyBase64));
      return [];
    },
  };
  /** Every second is a forward, so that they fill more than one page. */
  const numbers = Array.from({ length: MANY }, (_, number) => number);
  const append = (among: number[]) =>
    spool.append(
      among.flatMap((number) => [
        spooled('forward', { target: 'https://old.example.com/', headers: {}, bodyBase64: `${number}`, receivedAt: 0 }),
        spooled('capture', incomingCapture(`cam${number}`, AT)),
      ]),
    );
  const stores = () => {
    const captures = createCaptureStore({ database, now: Date.now, lateEvidenceAfterMs: 48_000 });
    const signals = createSignalStore({ database, now: Date.now });
    return { captures, signals, quarantine, forwards };
  };
  const stored = async () => {
    const { rows } = await database.pool.query<{ captures: number; deliveries: number }>(
      'select count(*)::int as captures, coalesce(sum(deliveries), 0)::int as deliveries from captures',
    );
    return rows[0]!;
  };
  /** As the receiver does it, until nothing is left that can be moved. */
  async function drainAll(): Promise<number> {
    let failures = 0;
    for (;;) {
      const page = await drainSpool(spool, stores(), Date.now, { leaveForwards: failures > 0 });
      if (page.entries === 0) return failures;
      if (page.forwardFailure !== null) failures++;
    }
  }
  beforeEach(async () => {
    await database.pool.query('truncate captures');
    queued = [];
    isBroken = true;
  });

  it('keeps no capture out of the database; the forwards wait, and go in their order when it is well', async () => {
    append(numbers.slice(0, 700));
    expect(await drainAll()).toBe(1);
    expect(await stored()).toEqual({ captures: 700, deliveries: 700 });
    expect(spool.depth().entries).toBe(700);
    // More of both come behind those that wait.
    append(numbers.slice(700));
    expect(await drainAll()).toBe(1);
    expect(await stored()).toEqual({ captures: MANY, deliveries: MANY });
    expect(queued).toEqual([]);

    isBroken = false;
    expect(await drainAll()).toBe(0);
    expect(queued).toEqual(numbers.map(String));
    expect(await stored()).toEqual({ captures: MANY, deliveries: MANY });
    expect(spool.depth().entries).toBe(0);
  });

  it('loses none of them, and counts no capture twice, where the receiver dies before it can note what it moved', async () => {
    append(numbers);
    const dying: Spool = {
      ...spool,
      removeOthersThrough() {
        throw new Error('killed');
      },
    };
    await expect(drainSpool(dying, stores(), Date.now)).rejects.toThrow('killed');
    expect((await stored()).captures).toBeGreaterThan(0);
    spool.close();
    spool = openSpool({ directory, maxBytes: 16 * 1024 ** 2, now: Date.now });
    await drainAll();
    expect(await stored()).toEqual({ captures: MANY, deliveries: MANY });
    isBroken = false;
    await drainAll();
    expect(queued).toEqual(numbers.map(String));
  });
});
