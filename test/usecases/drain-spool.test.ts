import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createQuarantineStore, type QuarantineStore } from '../../src/adapters/postgres/quarantine-store.ts';
import { openSpool } from '../../src/adapters/spool/sqlite-spool.ts';
import { extendAliases } from '../../src/core/callback-aliases.ts';
import { createBodyReader } from '../../src/core/callback-body.ts';
import { signedHostsOf } from '../../src/core/callback-signature.ts';
import { CAPTURE_FLAGS } from '../../src/core/capture-flags.ts';
import type { BatchStore, IncomingCapture, SessionSignal, Spool, SpoolKind } from '../../src/ports.ts';
import { drainSpool } from '../../src/usecases/drain-spool.ts';
import { retryQuarantined } from '../../src/usecases/retry-quarantined.ts';
import { encodeSpooled } from '../../src/usecases/spool-codec.ts';
import { incomingCapture, TEMPLATE } from '../support/captures.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { HOST } from '../support/receiver.ts';

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
  spool = openSpool({ directory, maxBytes: 4 * 1024 ** 2, now: Date.now });
});
afterEach(() => {
  spool.close();
  rmSync(directory, { recursive: true, force: true });
});

const spooled = (kind: SpoolKind, item: unknown) => ({ kind, payload: encodeSpooled(kind, item), again: false });

describe('what the database refuses out of the spool', () => {
  const refusing: BatchStore<never> = {
    write: async (items) => items.map((item) => ({ item, reason: 'too-many-new-streams' })),
  };

  it('can be retried: captures and push signals are stored as they were received, hours later', async () => {
    const at = Math.floor(Date.now() / 1000) * 1000;
    const capture = incomingCapture('cam1', at, {
      object: `snapshot/live/cam1/${at / 1000}.jpg`,
      flags: CAPTURE_FLAGS.fromCallback,
    });
    const signal: SessionSignal = {
      domain: 'play.example.com',
      app: 'live',
      stream: 'cam1',
      at,
      kind: 'publish_done',
      seenAt: at + 300,
      startedAt: null,
      endedAt: at,
      pushDomain: 'push.example.com',
    };
    spool.append([spooled('capture', capture), spooled('signal', signal)]);
    const hoursLater = at + 3 * 3_600_000;
    await drainSpool(spool, { captures: refusing, signals: refusing, quarantine }, () => hoursLater);
    expect(spool.depth().entries).toBe(0);

    const captures: IncomingCapture[] = [];
    const signals: SessionSignal[] = [];
    const trust = { keys: [], clockWindowSeconds: 300 };
    const counts = await retryQuarantined({
      reads: quarantine,
      clock: { now: () => hoursLater },
      receive: {
        ...trust,
        hosts: signedHostsOf(`https://${HOST}`),
        reader: createBodyReader(extendAliases({})),
        templatesOf: () => [TEMPLATE],
        captures: { accept: async (row) => void captures.push(row) },
      },
      receiveStream: {
        ...trust,
        streamingDomainOf: (pushDomain) => (pushDomain === 'push.example.com' ? 'play.example.com' : null),
        signals: { accept: async (each) => void signals.push(each) },
      },
      kind: null,
      reason: null,
    });
    expect(counts).toEqual({ tried: 2, stored: 2, still: {} });
    expect({ captures, signals }).toEqual({ captures: [capture], signals: [signal] });
  });
});
