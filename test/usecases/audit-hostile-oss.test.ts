import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OssCall } from '../../src/adapters/oss/oss-bucket.ts';
import { OSS_FAULT_MODES, type OssFaultMode, type OssRequestKind } from '../../src/sandbox/oss/faults.ts';
import { createAuditor } from '../../src/usecases/audit-window.ts';
import { type Pair, startPair } from '../adapters/oss/start-pair.ts';
import { type AuditWorld, BUCKET, createAuditWorld, DOMAIN, T0 } from '../support/audit-world.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** So many that a listing of all takes more than one page. */
const BACKLOG = 1_100;

/** The real client against the stand-in for OSS, which answers in each of the ways that must not be believed. */
describe('a hostile OSS', () => {
  let database: TestDatabase;
  let world: AuditWorld;
  let pair: Pair;
  let told = 0;
  let afterCall: (call: OssCall) => void = () => {};

  /** Captures every 10 s up to the instant; every 50th is announced but was never stored. */
  async function broadcastUntil(to: number): Promise<void> {
    const written = world.lines.length;
    for (; T0 + (told + 1) * 10 * SECOND < to; told++) {
      await world.capture('cam01', T0 + (told + 1) * 10 * SECOND, {
        object: told % 50 !== 49,
        index: told % 50 !== 49,
      });
    }
    await world.flush();
    for (const line of world.lines.slice(written)) {
      if (line.type !== 'object') continue;
      pair.server.store(BUCKET).put({ key: line.key, body: Buffer.alloc(5), lastModified: line.lastModified });
    }
  }

  async function audit() {
    await world.flush();
    return createAuditor({ ...world.parts, buckets: pair.buckets })({ domain: DOMAIN });
  }

  beforeAll(async () => {
    database = await createTestDatabase({ maxConnections: 10 });
    world = await createAuditWorld(database);
    pair = await startPair({ timeoutMs: 1_500, onCall: (call) => afterCall(call) }, { buckets: [BUCKET] });
    world.config();
    await world.alive([T0 - MINUTE, T0 + 600 * MINUTE]);
    await world.session('cam01', T0, null);
    await broadcastUntil(T0 + BACKLOG * 10 * SECOND);
    world.clock.at = T0 + BACKLOG * 10 * SECOND + MINUTE;
  });
  afterAll(async () => {
    await pair?.close();
    await database?.drop();
  });

  async function isUnknownThenRecovers(kind: OssRequestKind, mode: OssFaultMode): Promise<void> {
    const before = await world.stored();
    world.clock.at += 10 * MINUTE;
    await broadcastUntil(world.clock.at);
    pair.server.faults.set({ kind, mode });
    const outcome = await audit();
    pair.server.faults.clear();
    expect(outcome.error, mode).toContain(BUCKET);
    const during = await world.stored();
    // What was known stays; of the rest nothing is said to be missing.
    expect(during.slots.unknown, mode).toBeGreaterThanOrEqual(50);
    expect(during.slots.object_missing + during.slots.not_captured, mode).toBe(
      before.slots.object_missing + before.slots.not_captured,
    );
    expect(during.gaps.filter((gap) => gap.verdict === 'unknown').map((gap) => gap.cause)).toContain('listing_failed');
    expect((await world.auditRows()).at(-1)).toMatchObject({ status: 'failed', error: outcome.error });

    expect((await audit()).error, mode).toBeNull();
    expect(await world.stored(), mode).toEqual(await world.judged(world.clock.at - MINUTE));
  }

  it.each(['repeated-token', ...OSS_FAULT_MODES.filter((mode) => mode !== 'repeated-token')] as const)(
    'whose listing is answered with %s leaves slots unknown, and they are judged once it answers again',
    (mode) => isUnknownThenRecovers('list', mode),
  );

  it('whose HEAD says 404 without a body, for the bucket is gone, does not make an object missing', async () => {
    world.clock.at += 10 * MINUTE;
    await broadcastUntil(world.clock.at);
    const before = await world.stored();
    // The listing is read in full; the bucket goes away before the HEAD for what the listing did not hold.
    const calls: string[] = [];
    afterCall = ({ kind, keys, failure }) => {
      if (keys === 1_000) return;
      calls.push(failure === null ? kind : `${kind}: ${failure}`);
      if (calls.length > 1) return;
      for (const gone of ['head', 'list'] as const) pair.server.faults.set({ kind: gone, mode: '404-no-body' });
    };
    const outcome = await audit();
    pair.server.faults.clear();
    afterCall = () => {};
    expect(calls).toEqual(['list', 'head', expect.stringMatching(/^list: /)]);
    expect(outcome.error).not.toBeNull();
    expect((await world.stored()).slots.object_missing).toBe(before.slots.object_missing);
    expect((await audit()).error).toBeNull();
    expect(await world.stored()).toEqual(await world.judged(world.clock.at - MINUTE));
  });

  it('that refuses HEAD still audits, for the right to list is enough', async () => {
    world.clock.at += 10 * MINUTE;
    await broadcastUntil(world.clock.at);
    pair.server.faults.set({ kind: 'head', mode: 'access-denied' });
    expect((await audit()).error).toBeNull();
    pair.server.faults.clear();
    expect(await world.stored()).toEqual(await world.judged(world.clock.at - MINUTE));
  });
});
