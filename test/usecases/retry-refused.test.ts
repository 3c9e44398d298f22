import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createQuarantineStore, type QuarantineStore } from '../../src/adapters/postgres/quarantine-store.ts';
import { extendAliases } from '../../src/core/callback-aliases.ts';
import { createBodyReader } from '../../src/core/callback-body.ts';
import { signedHostsOf } from '../../src/core/callback-signature.ts';
import type { QuarantineEntry } from '../../src/ports.ts';
import { RefusedError } from '../../src/usecases/group-commit.ts';
import { createReceiveCallback } from '../../src/usecases/receive-callback.ts';
import { retryQuarantined } from '../../src/usecases/retry-quarantined.ts';
import { TEMPLATE } from '../support/captures.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { HOST } from '../support/receiver.ts';

let database: TestDatabase;
let quarantine: QuarantineStore;
beforeAll(async () => {
  database = await createTestDatabase();
  quarantine = createQuarantineStore({ database });
});
afterAll(() => database.drop());

const clock = { now: Date.now };
/** Without keys: every callback is let in. */
const trust = { keys: [], clockWindowSeconds: 300 };
let stored: string[];
let forwarded: string[];
/** What goes wrong where a stream is stored. */
let troubles: Map<string, Error>;
beforeEach(async () => {
  await database.pool.query('truncate quarantine');
  stored = [];
  forwarded = [];
  troubles = new Map();
});

const receive = {
  ...trust,
  clock,
  hosts: signedHostsOf(`https://${HOST}`),
  reader: createBodyReader(extendAliases({})),
  templatesOf: () => [TEMPLATE],
  captures: {
    accept: async ({ key }: { key: { stream: string } }) => {
      const trouble = troubles.get(key.stream);
      if (trouble) throw trouble;
      stored.push(key.stream);
    },
  },
  forward: {
    targetsOf: () => ['https://old.example.com/'],
    sink: {
      accept: async ({ bodyBase64 }: { bodyBase64: string }) => {
        forwarded.push(JSON.parse(Buffer.from(bodyBase64, 'base64').toString()).stream);
      },
    },
  },
};

function bodyOf(stream: string): Buffer {
  const object = `snapshot/live/${stream}/${Math.floor(Date.now() / 1000)}.jpg`;
  return Buffer.from(JSON.stringify({ domain: 'play.example.com', app: 'live', stream, object }));
}

const keep = (entries: QuarantineEntry[]) => quarantine.write(entries, { again: false, timeoutMs: 10_000 });

function retry() {
  const signals = { accept: async () => {} };
  const receiveStream = { ...trust, streamingDomainOf: () => null, signals };
  return retryQuarantined({ reads: quarantine, clock, receive, receiveStream, kind: null, reason: null });
}

describe('retrying without keys', () => {
  it('does not pass on again what was passed on when the database refused it', async () => {
    troubles.set('cam1', new RefusedError('too-many-new-streams'));
    const answer = await createReceiveCallback({
      ...receive,
      quarantine: { accept: async (entry) => (await keep([entry])).length === 0 },
    })({
      body: bodyOf('cam1'),
      timestamp: undefined,
      signature: undefined,
      headers: () => ({}),
      remoteAddress: null,
    });
    expect(answer).toEqual({ outcome: 'quarantined', reason: 'too-many-new-streams' });
    expect(forwarded).toEqual(['cam1']);

    troubles.clear();
    expect(await retry()).toEqual({ tried: 1, stored: 1, still: {} });
    expect({ stored, forwarded }).toEqual({ stored: ['cam1'], forwarded: ['cam1'] });
  });
});

describe('a retry that fails in the middle', () => {
  it('notes what it has stored: the next one stores and passes on only the rest', async () => {
    const kept = (stream: string): QuarantineEntry => ({
      receivedAt: Date.now(),
      kind: 'unclassified',
      reason: 'missing-object',
      remoteAddress: null,
      headers: {},
      body: bodyOf(stream),
      domain: null,
      app: null,
      stream: null,
      object: null,
    });
    await keep([kept('cam1'), kept('cam2'), kept('cam3')]);
    troubles.set('cam2', new Error('the connection ended'));
    await expect(retry()).rejects.toThrow('the connection ended');
    expect(stored).toEqual(['cam1', 'cam3']);

    troubles.clear();
    expect(await retry()).toEqual({ tried: 1, stored: 1, still: {} });
    expect({ stored, forwarded }).toEqual({ stored: ['cam1', 'cam3', 'cam2'], forwarded: ['cam1', 'cam3', 'cam2'] });
  });
});
