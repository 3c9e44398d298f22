import { afterEach, describe, expect, it } from 'vitest';
import { timestamp } from '../../src/adapters/postgres/timestamp.ts';
import { type AlertingWorld, createAlertingWorld, START } from '../support/alerting-world.ts';

let world: AlertingWorld | undefined;
afterEach(() => world?.close());

const INTERVAL_AND_GRACE_MS = 25_000;

describe('silence on one of 200 streams', () => {
  it('is told within interval + grace + 2 s, once, and resolved once', async () => {
    world = await createAlertingWorld();
    await world.pass({ seconds: 30, step: 5 });
    expect(world.titles()).toEqual([]);
    const victim = world.streams[7]!;
    const from = world.now();
    await world.pass({ seconds: 60, silent: (stream) => stream === victim });
    expect(world.titles()).toEqual([
      expect.stringMatching(/\[Open\] callbacks stopped: play.example.com\/live\/cam0007/),
    ]);
    // The last callback came at most one interval before the silence began.
    expect(world.times[0]! - from).toBeLessThanOrEqual(INTERVAL_AND_GRACE_MS + 2000);
    await world.pass({ seconds: 600, step: 5 });
    expect(world.titles()).toHaveLength(2);
    expect(world.titles()[1]).toMatch(/\[Resolved\] callbacks stopped: play.example.com\/live\/cam0007/);
  }, 120_000);

  it('names the cause in the last word when the audit has confirmed it', async () => {
    world = await createAlertingWorld({ apps: { live: 20 } });
    await world.pass({ seconds: 20, step: 5 });
    const victim = world.streams[3]!;
    const from = world.now();
    await world.pass({ seconds: 40, silent: (stream) => stream === victim });
    await world.pass({ seconds: 30, step: 5 });
    await world.database.db
      .insertInto('gaps')
      .values({
        stream_id: victim.id,
        from_at: timestamp(from),
        to_at: timestamp(from + 40_000),
        session_started_at: timestamp(START),
        verdict: 'callback_missing',
        cause: 'delivery_lost',
        slots: 4,
        open: false,
        reason: null,
        evidence: null,
        audit_id: null,
        updated_at: timestamp(world.now()),
      })
      .execute();
    await world.pass({ seconds: 90, step: 5 });
    expect(world.titles()).toEqual([
      expect.stringContaining('[Open] callbacks stopped'),
      expect.stringContaining('[Resolved] snapshots missing'),
    ]);
    const body = world.endpoint.calls[1]!.body;
    expect(body).toContain('the callback was never delivered');
    expect(body).toContain('OSS has the object; no callback came.');
    expect(body).toContain('4 of 4 missing');
    const { data } = await world.alerting.handle.incidents({});
    expect(data).toHaveLength(1);
    const { transitions } = await world.alerting.handle.incident(data[0]!.id);
    expect(transitions.map(({ kind }) => kind)).toEqual(['opened', 'confirmed', 'resolved']);
  }, 60_000);

  it('is withdrawn when the audit finds that nothing is missing', async () => {
    world = await createAlertingWorld({ apps: { live: 20 } });
    await world.pass({ seconds: 20, step: 5 });
    const victim = world.streams[3]!;
    await world.pass({ seconds: 40, silent: (stream) => stream === victim });
    await world.pass({ seconds: 20 });
    await world.database.db
      .insertInto('watermarks')
      .values({ stream_id: victim.id, audited_until: timestamp(world.now()), last_key: null, state: '{}' })
      .execute();
    await world.pass({ seconds: 60, step: 5 });
    const { data } = await world.alerting.handle.incidents({});
    expect(data).toMatchObject([{ kind: 'silence', status: 'resolved', resolution: 'withdrawn' }]);
    expect(world.endpoint.calls[1]!.body).toContain('nothing is missing');
  }, 60_000);

  it('is not told of a stream whose session has ended', async () => {
    world = await createAlertingWorld({ apps: { live: 20 } });
    await world.pass({ seconds: 20, step: 5 });
    const victim = world.streams[3]!;
    await world.pass({ seconds: 15, silent: (stream) => stream === victim });
    await world.database.db
      .updateTable('sessions')
      .set({ ended_at: timestamp(world.now()) })
      .where('stream_id', '=', victim.id)
      .execute();
    await world.pass({ seconds: 60, silent: (stream) => stream === victim });
    expect(world.titles()).toEqual([]);
  }, 60_000);

  it('is not told of a stream that the vendor says is off air, where nobody announces ends', async () => {
    let asked = 0;
    world = await createAlertingWorld({
      apps: { live: 20 },
      parts: {
        live: {
          onlineStreams: async (domain) => {
            asked++;
            return world!.streams
              .slice(1)
              .map(({ app, stream }) => ({ domain, app, stream, publishedAt: START, publishDomain: null }));
          },
        },
      },
    });
    await world.database.db.updateTable('sessions').set({ certainty: 'listed' }).execute();
    await world.pass({ seconds: 20, step: 5 });
    const silent = world.streams.slice(0, 2);
    await world.pass({ seconds: 60, step: 2, silent: (stream) => silent.includes(stream) });
    expect(world.titles()).toEqual([expect.stringContaining('cam0001')]);
    expect(asked).toBeLessThan(30);
  }, 60_000);
});

describe('an outage of a whole app', () => {
  it('of 200 streams gives one message, and one when it is over', async () => {
    world = await createAlertingWorld({ apps: { live: 200, other: 20 } });
    await world.pass({ seconds: 30, step: 5 });
    const from = world.now();
    await world.pass({ seconds: 45, silent: ({ app }) => app === 'live' });
    await world.pass({ seconds: 75, step: 5, silent: ({ app }) => app === 'live' });
    expect(world.titles()).toEqual([expect.stringMatching(/\[Open\] callbacks stopped: play.example.com\/live$/)]);
    expect(world.times[0]! - from).toBeLessThanOrEqual(INTERVAL_AND_GRACE_MS + 10_000);
    expect(world.endpoint.calls[0]!.body).toMatch(/(1[89]\d|200) of 200 on air/);
    await world.pass({ seconds: 600, step: 5 });
    expect(world.titles().slice(1)).toEqual([
      expect.stringMatching(/\[Resolved\] callbacks stopped: play.example.com\/live$/),
    ]);
    expect(world.endpoint.calls[1]!.body).toContain('200 of 200 on air');
  }, 180_000);
});

describe('flapping', () => {
  it('ten times in ten minutes gives at most three messages', async () => {
    world = await createAlertingWorld({ apps: { live: 20 } });
    await world.pass({ seconds: 30, step: 5 });
    const victim = world.streams[3]!;
    for (let flap = 0; flap < 10; flap++) {
      await world.pass({ seconds: 40, step: 4, silent: (stream) => stream === victim });
      await world.pass({ seconds: 20, step: 4 });
    }
    expect(world.titles().length).toBeLessThanOrEqual(3);
    await world.pass({ seconds: 900, step: 10 });
    expect(world.titles().length).toBeLessThanOrEqual(3);
    expect(world.titles().at(-1)).toContain('[Resolved]');
  }, 180_000);

  it('stays within three even where each calm is long enough to be resolved', async () => {
    world = await createAlertingWorld({
      apps: { live: 20 },
      alerting: { resolveAfter: '5s', auditWait: '5s' },
      watch: { grace: '6s' },
    });
    await world.pass({ seconds: 30, step: 5 });
    const victim = world.streams[3]!;
    for (let flap = 0; flap < 10; flap++) {
      await world.pass({ seconds: 30, step: 3, silent: (stream) => stream === victim });
      await world.pass({ seconds: 30, step: 3 });
    }
    expect(world.titles().map((title) => title.slice(0, 12))).toEqual(['[Open] callb', '[Resolved] c', '[Open again]']);
  }, 180_000);
});

describe('an outage of our own receiver', () => {
  it("is told as ours and never as the vendor's", async () => {
    world = await createAlertingWorld();
    await world.pass({ seconds: 30, step: 5 });
    await world.pass({ seconds: 120, step: 2, receiving: false });
    expect(world.titles()).toEqual([expect.stringContaining('[Open] Snapaudit itself could not receive')]);
    await world.pass({ seconds: 300, step: 5 });
    expect(world.titles()).toEqual([
      expect.stringContaining('[Open] Snapaudit itself could not receive'),
      expect.stringContaining('[Resolved] Snapaudit itself could not receive'),
    ]);
    expect(world.endpoint.calls[0]!.body).toContain('This is our outage and says nothing of the vendor.');
  }, 120_000);

  it('that stopped everything is told after the restart', async () => {
    world = await createAlertingWorld();
    await world.pass({ seconds: 30, step: 5 });
    await world.pass({ seconds: 120, step: 10, receiving: false, alerting: false });
    world.alerting = world.another();
    await world.pass({ seconds: 300, step: 5 });
    expect(world.titles().map((title) => title.slice(0, 20))).toEqual(['[Open] Snapaudit its', '[Resolved] Snapaudit']);
    expect((await world.alerting.handle.incidents({})).data).toHaveLength(1);
  }, 120_000);

  it('is not held against a stream whose next beat has yet to come', async () => {
    world = await createAlertingWorld({ apps: { live: 1 } });
    await world.pass({ seconds: 32, step: 2 });
    await world.pass({ seconds: 60, step: 10, receiving: false, alerting: false });
    await world.pass({ seconds: 20 });
    expect(world.titles()).toEqual([expect.stringContaining('[Open] Snapaudit itself could not receive')]);
  }, 60_000);

  it('does not hide a silence that goes on after it', async () => {
    world = await createAlertingWorld({ apps: { live: 20 } });
    await world.pass({ seconds: 30, step: 5 });
    await world.pass({ seconds: 60, step: 2, receiving: false });
    const victim = world.streams[3]!;
    await world.pass({ seconds: 40, silent: (stream) => stream === victim });
    expect(
      world.titles().some((title) => title.includes('[Open] callbacks stopped: play.example.com/live/cam0003')),
    ).toBe(true);
  }, 60_000);
});
