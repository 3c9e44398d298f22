import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createHeartbeatStore, type HeartbeatStore } from '../../src/adapters/postgres/heartbeat-store.ts';
import { createHttpProbe } from '../../src/adapters/probe/http-probe.ts';
import { UNREACHABLE, watchReachability } from '../../src/usecases/watch-reachability.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { KEY, signedCallback, startTestReceiver, type TestReceiver } from '../support/receiver.ts';

let database: TestDatabase;
let running: TestReceiver;
let spans: HeartbeatStore;
const clock = { now: Date.now };
const probe = createHttpProbe();

beforeAll(async () => {
  database = await createTestDatabase();
  spans = createHeartbeatStore({ database });
});
beforeEach(async () => {
  await database.pool.query('truncate heartbeats, blind_spans');
  running = await startTestReceiver(database, { publicUrl: 'http://127.0.0.1:1' });
});
afterAll(() => database.drop());

const watch = (callbackUrl: string) =>
  watchReachability({ callbackUrl, key: KEY, probe, spans, clock, pause: async () => {} });
const blindSpans = () => database.db.selectFrom('blind_spans').selectAll().orderBy('id').execute();

describe('watchReachability', () => {
  it('is content while the canary comes back, and leaves the proof in the heartbeat', async () => {
    const begun = Date.now();
    expect(await watch(`${running.url}/callbacks/snapshot`)).toEqual({ reachable: true });
    await running.close();
    expect(await blindSpans()).toEqual([]);
    expect((await spans.lastProof()).provenAt).toBeGreaterThanOrEqual(begun);
  });

  it('opens one blind span with its reason, from the last proof on, and closes it when the canary comes back', async () => {
    const unreachable = 'http://127.0.0.1:1/callbacks/snapshot';
    const first = await watch(unreachable);
    expect(first).toMatchObject({ reachable: false, detail: expect.any(String) });
    await watch(unreachable);
    const [open, ...others] = await blindSpans();
    expect(others).toEqual([]);
    expect(open).toMatchObject({ reason: UNREACHABLE, to_at: null });
    const [beat] = await spans.alive(0, Date.now() + 1_000);
    expect(open!.from_at).toBe(beat!.fromAt);

    await watch(`${running.url}/callbacks/snapshot`);
    expect((await blindSpans())[0]!.to_at).toBeGreaterThan(open!.from_at);
    await running.close();
  });

  it('opens it from the last proof on, though another receiver has been started since', async () => {
    await running.close();
    await database.pool.query('truncate heartbeats');
    const now = Date.now();
    const provenAt = now - 60_000;
    await spans.beat(
      [
        { receiverId: randomUUID(), fromAt: now - 3_600_000, toAt: now - 500, host: 'first', provenAt },
        { receiverId: randomUUID(), fromAt: now - 5_000, toAt: now, host: 'second', provenAt: null },
      ],
      5_000,
    );
    expect(await watch('http://127.0.0.1:1/callbacks/snapshot')).toMatchObject({ reachable: false, since: provenAt });
    expect(await blindSpans()).toMatchObject([{ from_at: provenAt, to_at: null }]);
  });

  it('does not call us blind while callbacks come in from outside', async () => {
    await fetch(`${running.url}/callbacks/snapshot`, signedCallback(bodyNow(), { host: '127.0.0.1' }));
    const deadline = Date.now() + 10_000;
    while ((await spans.lastProof()).provenAt === null && Date.now() < deadline) await new Promise(setImmediate);
    expect(await watch('http://127.0.0.1:1/callbacks/snapshot')).toEqual({ reachable: true });
    expect(await blindSpans()).toEqual([]);
    await running.close();
  });

  it('does not take another answer for the canary', async () => {
    expect(await watch(`${running.url}/healthz`)).toMatchObject({
      reachable: false,
      detail: 'HTTP 404 without the canary',
    });
    await running.close();
  });
});

function bodyNow() {
  return {
    DomainName: 'play.example.com',
    AppName: 'live',
    StreamName: 'cam01',
    OssBucket: 'snap',
    OssObject: `snapshot/live/cam01/${Math.floor(Date.now() / 1000)}.jpg`,
  };
}
