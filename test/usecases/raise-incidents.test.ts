import { afterEach, describe, expect, it } from 'vitest';
import { timestamp } from '../../src/adapters/postgres/timestamp.ts';
import type { Cause, Verdict } from '../../src/core/verdict.ts';
import { type AlertingWorld, createAlertingWorld, DOMAIN, START, type WorldStream } from '../support/alerting-world.ts';
import { addGap } from '../support/history.ts';

let world: AlertingWorld | undefined;
afterEach(() => world?.close());

/** A gap that the audit found, two minutes ago, over by now. */
async function gap(
  stream: WorldStream,
  verdict: Verdict,
  cause: Cause,
  change: { slots?: number; open?: boolean } = {},
): Promise<void> {
  const { database, now } = world!;
  const from = now() - 120_000;
  await addGap(database, { streamId: stream.id, from, to: from + 30_000, slots: 3, verdict, cause, ...change });
  await database.db
    .updateTable('gaps')
    .set({ updated_at: timestamp(now()) })
    .where('stream_id', '=', stream.id)
    .execute();
}

async function audit(
  status: 'running' | 'done' | 'failed',
  change: { at?: number; error?: string } = {},
): Promise<number> {
  const at = timestamp(change.at ?? world!.now());
  const { id } = await world!.database.db
    .insertInto('audits')
    .values({
      domain: DOMAIN,
      app: null,
      from_at: at,
      to_at: at,
      started_at: at,
      finished_at: status === 'running' ? null : at,
      status,
      error: change.error ?? null,
      seconds: null,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

const kinds = async () => (await world!.alerting.handle.incidents({ limit: 500 })).data.map(({ kind }) => kind).sort();

describe('a gap that only the audit saw', () => {
  it('is told with its cause and the last good picture, though it is over, and resolved', async () => {
    world = await createAlertingWorld({ apps: { live: 20 } });
    await world.pass({ seconds: 200, step: 5 });
    await gap(world.streams[3]!, 'object_missing', 'object_deleted');
    await world.pass({ seconds: 90, step: 5 });
    expect(world.titles()).toEqual([
      '[Open] snapshots missing: play.example.com/live/cam0003',
      '[Resolved] snapshots missing: play.example.com/live/cam0003',
    ]);
    const body = world.endpoint.calls[0]!.body;
    expect(body).toContain('deleted from the bucket');
    expect(body).toContain('3 of 3 missing');
    expect(body).toMatch(
      /Last good picture.*https:\/\/audit.example.com\/streams\/play.example.com\/live\/cam0003\?at=/,
    );
  }, 60_000);

  it('that grew by the audit that saw its end is resolved with all its slots', async () => {
    world = await createAlertingWorld({ apps: { live: 20 } });
    await world.pass({ seconds: 200, step: 5 });
    await gap(world.streams[3]!, 'callback_missing', 'delivery_lost', { open: true });
    await world.pass({ seconds: 10, step: 5 });
    await world.database.db.updateTable('gaps').set({ slots: 9, open: false }).execute();
    await world.pass({ seconds: 90, step: 5 });
    const [opened, resolved] = world.endpoint.calls.map(({ body }) => body);
    expect(opened).toContain('3 of 12 missing');
    expect(resolved).toContain('9 of 13 missing');
    const { data } = await world.alerting.handle.incidents({ limit: 500 });
    expect(data).toMatchObject([{ status: 'resolved', missed: 9 }]);
  }, 60_000);

  it('of most streams of an app is one incident, told when the audit is through', async () => {
    world = await createAlertingWorld({ apps: { live: 20 } });
    await world.pass({ seconds: 150, step: 10 });
    const running = await audit('running');
    for (const stream of world.streams.slice(0, 6)) await gap(stream, 'not_captured', 'not_captured');
    await world.pass({ seconds: 10, step: 5 });
    for (const stream of world.streams.slice(6, 15)) await gap(stream, 'not_captured', 'not_captured');
    await world.pass({ seconds: 10, step: 5 });
    expect(world.titles()).toEqual([]);
    await world.database.db.updateTable('audits').set({ status: 'done' }).where('id', '=', running).execute();
    await world.pass({ seconds: 10, step: 5 });
    expect(world.titles()).toEqual(['[Open] snapshots missing: play.example.com/live']);
    expect(world.endpoint.calls[0]!.body).toContain('15 of 20 on air');
    expect(world.endpoint.calls[0]!.body).toContain('45 of');
  }, 60_000);

  it('that our own outage caused is told by nobody as a gap, and a late callback only where the settings say so', async () => {
    world = await createAlertingWorld({ apps: { live: 20 } });
    await world.pass({ seconds: 150, step: 10 });
    await gap(world.streams[0]!, 'callback_missing', 'receiver_down');
    await gap(world.streams[1]!, 'late', 'late_delivery');
    await world.pass({ seconds: 20, step: 5 });
    expect(await kinds()).toEqual([]);
    world.alerting = world.another({
      settings: { ...world.settings, alerting: { ...world.settings.alerting, late: true } },
    });
    await gap(world.streams[2]!, 'late', 'late_delivery');
    await world.pass({ seconds: 5, step: 5 });
    const { data } = await world.alerting.handle.incidents({ stream: ['cam0002'] });
    expect(data).toMatchObject([{ kind: 'gap', cause: 'late_delivery' }]);
  }, 60_000);

  it('whose callbacks were due while we were blind is told by nobody until the audit has judged it with that', async () => {
    world = await createAlertingWorld({ apps: { live: 20 } });
    await world.pass({ seconds: 150, step: 10 });
    // The blindness reaches from -130 s to -100 s, as seen from where the gap is written.
    await world.pass({ seconds: 30, step: 10, receiving: false, alerting: false });
    await world.pass({ seconds: 100, step: 10, alerting: false });
    const stream = world.streams[0]!;
    await gap(stream, 'callback_missing', 'delivery_lost');
    await world.pass({ seconds: 20, step: 5 });
    expect(await kinds()).toEqual(['blind']);

    const { db } = world.database;
    const judgedBlind = { from_at: timestamp(START + 150_000), to_at: timestamp(START + 190_000) };
    const again = { stream_id: stream.id, from_at: judgedBlind.from_at, reason: 'blindness-changed' };
    await db.insertInto('judged_blind_spans').values(judgedBlind).execute();
    await db.insertInto('late_evidence').values(again).execute();
    await world.pass({ seconds: 5, step: 5 });
    expect(await kinds()).toEqual(['blind']);
    // It stands by its verdict: the vendor's after all.
    await db.deleteFrom('late_evidence').execute();
    await world.pass({ seconds: 5, step: 5 });
    expect(await kinds()).toEqual(['blind', 'gap']);
  }, 60_000);

  it('that an audit found just after an outage of the database is told when the next one finds it too', async () => {
    world = await createAlertingWorld({ apps: { live: 20 } });
    await world.pass({ seconds: 150, step: 5 });
    // What was received meanwhile, ends of sessions too, waits in spools that have yet to drain.
    await world.pass({ seconds: 30, step: 10, silent: () => true, alerting: false });
    await audit('done');
    await gap(world.streams[0]!, 'not_captured', 'not_captured');
    await gap(world.streams[1]!, 'callback_missing', 'delivery_lost');
    await world.pass({ seconds: 60, step: 5 });
    expect(await kinds()).toEqual([]);
    await world.database.db.deleteFrom('gaps').where('stream_id', '=', world.streams[0]!.id).execute();
    await audit('done');
    await world.pass({ seconds: 5, step: 5 });
    expect(world.titles()).toEqual(['[Open] snapshots missing: play.example.com/live/cam0001']);
  }, 60_000);

  it('is not told stream by stream while the watchdog waits for an outage of the app to be whole', async () => {
    world = await createAlertingWorld({ apps: { live: 20 } });
    await world.pass({ seconds: 200, step: 5 });
    const silent = () => true;
    while ((await world.alerting.raise()).watch?.forming.size === 0) await world.pass({ seconds: 1, silent });
    await gap(world.streams[0]!, 'callback_missing', 'delivery_lost');
    await world.pass({ seconds: 1, silent });
    expect(world.titles()).toEqual([]);
    await world.pass({ seconds: 20, silent });
    expect(world.titles()).toEqual(['[Open] callbacks stopped: play.example.com/live']);
  }, 60_000);

  it('of wrong names and of another beat are troubles of their own', async () => {
    world = await createAlertingWorld({ apps: { live: 20 } });
    await world.pass({ seconds: 150, step: 10 });
    await gap(world.streams[0]!, 'misnamed', 'wrong_name');
    await gap(world.streams[0]!, 'not_captured', 'interval_drift', { open: true });
    await gap(world.streams[0]!, 'callback_missing', 'delivery_lost');
    await world.pass({ seconds: 5, step: 5 });
    expect(await kinds()).toEqual(['gap', 'interval_drift', 'naming']);
  }, 60_000);
});

describe('streams that still run under a config that sends callbacks elsewhere', () => {
  const former = 'https://old.example.com/hook';
  const ours = 'https://audit.example.com/callbacks/snapshot';

  it('are one quiet word once `apply` has put ours in place, no silence and no gap, until they are pushed again', async () => {
    world = await createAlertingWorld({ apps: { live: 4 }, alerting: { repeat: '10m' } });
    const { versions, streams, database } = world;
    versions[0]!.callback = former;
    versions.push({ ...versions[0]!, validFrom: world.now() + 5_000, callback: ours });
    const silent = () => true;
    await world.pass({ seconds: 150, step: 5, silent });
    // The second has not ended its gap yet, the first has.
    await gap(streams[0]!, 'callback_missing', 'callback_not_ours');
    await gap(streams[1]!, 'callback_missing', 'callback_not_ours', { open: true });
    await world.pass({ seconds: 60, step: 5, silent });
    expect(world.titles()).toEqual(['[Open] streams still run under the former config: play.example.com']);
    expect(world.endpoint.calls[0]!.body).toContain('4 of 4 on air');
    expect(world.endpoint.calls[0]!.body).toContain('until the streams are pushed again');
    expect((await world.alerting.handle.incidents({ limit: 500 })).data).toMatchObject([
      { kind: 'pending_reingest', severity: 'warning', scope: { domain: DOMAIN, app: null, stream: null } },
    ]);
    await world.pass({ seconds: 900, step: 30, silent });
    expect(world.titles()).toHaveLength(1);

    // Pushed again, they are watched: three of them call us, one does not.
    await database.db
      .updateTable('sessions')
      .set({ started_at: timestamp(world.now()) })
      .execute();
    await world.pass({ seconds: 90, step: 1, silent: ({ id }) => id === streams[3]!.id });
    expect(world.titles().slice(1).sort()).toEqual([
      '[Open] callbacks stopped: play.example.com/live/cam0003',
      '[Resolved] streams still run under the former config: play.example.com',
    ]);
  }, 60_000);

  it('are watched all the same where they call us: they were pushed after the change, whenever we came to see it', async () => {
    world = await createAlertingWorld({ apps: { live: 4 } });
    const { versions, streams } = world;
    versions[0]!.callback = former;
    versions.push({ ...versions[0]!, validFrom: world.now() + 15_000, callback: ours });
    const ofOurs = ({ id }: WorldStream) => id === streams[2]!.id;
    await world.pass({ seconds: 60, step: 5, silent: (stream) => !ofOurs(stream) });
    expect(world.titles()).toHaveLength(1);
    expect((await world.alerting.handle.incidents({ limit: 500 })).data).toMatchObject([
      { kind: 'pending_reingest', affected: 3, total: 4 },
    ]);
    await world.pass({ seconds: 60, step: 5, silent: () => true });
    expect(world.titles().slice(1)).toEqual(['[Open] callbacks stopped: play.example.com/live/cam0002']);
  }, 60_000);

  it('are silent and miss snapshots like any other while the config that stands does not name us', async () => {
    world = await createAlertingWorld({ apps: { live: 4 } });
    world.versions[0]!.callback = ours;
    world.versions.push({ ...world.versions[0]!, validFrom: START + 1_000, callback: former });
    await world.pass({ seconds: 5, step: 5 });
    await world.database.db
      .updateTable('sessions')
      .set({ started_at: timestamp(world.now()) })
      .execute();
    await world.pass({ seconds: 60, step: 5, silent: () => true });
    expect(await kinds()).toEqual(['silence']);
  }, 60_000);
});

describe('rejected callbacks', () => {
  it('are an incident of the domain when there are many within five minutes', async () => {
    world = await createAlertingWorld({ apps: {} });
    const reject = (count: number) =>
      world!.database.db
        .insertInto('quarantine')
        .values(
          Array.from({ length: count }, () => ({
            received_at: timestamp(world!.now()),
            kind: 'rejected' as const,
            reason: 'signature-mismatch',
            remote_address: null,
            body: Buffer.from('x'),
            domain: DOMAIN,
            app: null,
            stream: null,
            object: null,
            retried_at: null,
            outcome: null,
          })),
        )
        .execute();
    await reject(9);
    await world.pass({ seconds: 30, step: 10 });
    expect(world.titles()).toEqual([]);
    await reject(1);
    await world.pass({ seconds: 30, step: 10 });
    expect(world.titles()).toEqual(['[Open] callbacks are rejected: play.example.com']);
    const { body } = world.endpoint.calls[0]!;
    expect(body).toContain('10 requests within five minutes, mostly because the signature does not match our key');
    await world.pass({ seconds: 400, step: 10 });
    expect(world.titles()[1]).toContain('[Resolved] callbacks are rejected');
  }, 60_000);
});

describe('an audit that does not get on', () => {
  it('is told with what the last one failed of, while streams are on air', async () => {
    world = await createAlertingWorld({ apps: { live: 5 }, alerting: { auditStalledAfter: '5m' } });
    await audit('done');
    await world.pass({ seconds: 299, step: 13 });
    expect(world.titles()).toEqual([]);
    await audit('failed', { error: 'OSS answered 403 AccessDenied' });
    await world.pass({ seconds: 20, step: 5 });
    expect(world.titles()).toEqual(['[Open] the audit does not get on: play.example.com']);
    expect(world.endpoint.calls[0]!.body).toContain('OSS answered 403 AccessDenied');
    await audit('done');
    await world.pass({ seconds: 100, step: 10 });
    expect(world.titles()[1]).toContain('[Resolved] the audit does not get on');
  }, 60_000);
});

it('an evaluation that cannot look at the streams is counted as one that could not', async () => {
  const seen: unknown[] = [];
  let canLook = true;
  const configVersions = async () => (canLook ? [] : Promise.reject(new Error('the database is away')));
  world = await createAlertingWorld({
    apps: {},
    parts: { configVersions, metrics: { evaluated: (_seconds, streams) => seen.push(streams), notified() {} } },
  });
  await world.pass({ seconds: 1 });
  canLook = false;
  await world.pass({ seconds: 10, step: 10 });
  expect(seen).toEqual([{ watched: 0, suspected: 0 }, null]);
});

describe('a spool that does not drain', () => {
  it('is told per host after a minute; of a host that is gone nobody says that all is well', async () => {
    world = await createAlertingWorld({ apps: {} });
    const waiting = { entries: 12, oldestAt: world.now() };
    await world.alerting.watchSpool(waiting, 'a');
    await world.pass({ seconds: 59, step: 59 });
    await world.alerting.watchSpool(waiting, 'a');
    await world.pass({ seconds: 1 });
    expect(world.titles()).toEqual([]);
    await world.alerting.watchSpool(waiting, 'a', 7);
    await world.pass({ seconds: 1 });
    expect(world.endpoint.calls[0]!.body).toContain('7 callbacks were not passed on');
    expect(world.titles()).toEqual(['[Open] the local spool does not drain: all domains a']);
    await world.pass({ seconds: 590, step: 20 });
    expect(world.titles()).toHaveLength(1);
    // The host is gone for good, with what was on its disk.
    await world.pass({ seconds: 110, step: 10 });
    expect(world.titles()[1]).toContain('[Resolved]');
    const { body } = world.endpoint.calls[1]!;
    expect(body).toContain('12 entries wait on a');
    expect(body).toContain('not known whether it is good again');
    expect(body).not.toContain('It is good again');
    expect((await world.alerting.handle.incidents({})).data).toMatchObject([{ resolution: 'unreported' }]);
  }, 60_000);
});

describe('a storm that the audit confirms when most streams are well again', () => {
  it('is resolved with as many streams as it had', async () => {
    world = await createAlertingWorld({ apps: { live: 20 } });
    await world.pass({ seconds: 200, step: 5 });
    await world.pass({ seconds: 60, step: 2, silent: () => true });
    expect(world.endpoint.calls[0]!.body).toMatch(/\d+ of 20 on air/);
    // Eight are well again; of the others the audit finds what was lost.
    const lasting = world.streams.slice(8);
    await world.pass({ seconds: 15, step: 2, silent: (stream) => lasting.includes(stream) });
    for (const stream of lasting) await gap(stream, 'callback_missing', 'delivery_lost', { open: true });
    await world.pass({ seconds: 4, step: 2, silent: (stream) => lasting.includes(stream) });
    const confirmed = await world.alerting.handle.incidents({});
    expect(confirmed.data).toMatchObject([{ kind: 'gap', affected: 20, total: 20 }]);
  }, 60_000);
});

describe('a storm that grows out of single incidents', () => {
  it('ends the alert of each of them at a webhook, with its own first word', async () => {
    const secret = `whsec_${Buffer.from('0123456789abcdef01234567').toString('base64')}`;
    world = await createAlertingWorld({
      apps: { live: 20 },
      notify: (url) => [{ name: 'hook', type: 'webhook', url, secret }],
    });
    await world.pass({ seconds: 30, step: 5 });
    const first = world.streams[0]!;
    await world.pass({ seconds: 40, step: 2, silent: (stream) => stream === first });
    await world.pass({ seconds: 60, step: 2, silent: () => true });
    await world.pass({ seconds: 400, step: 10 });
    const alerts = world.endpoint.calls.map(({ body }) =>
      (JSON.parse(body).alerts as { status: string; labels: Record<string, string> }[]).map(
        ({ status, labels }) => `${status} ${labels.stream ?? labels.app}`,
      ),
    );
    expect(alerts).toEqual([
      ['firing cam0000'],
      ['firing live', 'resolved cam0000'],
      ['resolved live', 'resolved cam0000'],
    ]);
    const [, storm] = world.endpoint.calls.map(({ body }) => JSON.parse(body).alerts[0]);
    expect(storm.annotations.picture).toMatch(
      /^https:\/\/audit.example.com\/streams\/play.example.com\/live\/cam00\d\d\?at=/,
    );
  }, 60_000);

  it('folds them in: they are resolved with it, and nobody hears of them again', async () => {
    world = await createAlertingWorld({ apps: { live: 20 } });
    await world.pass({ seconds: 30, step: 5 });
    const first = world.streams[0]!;
    await world.pass({ seconds: 40, step: 2, silent: (stream) => stream === first });
    expect(world.titles()).toHaveLength(1);
    await world.pass({ seconds: 60, step: 2, silent: () => true });
    expect(world.titles()).toHaveLength(2);
    expect(world.titles()[1]).toBe('[Open] callbacks stopped: play.example.com/live');
    await world.pass({ seconds: 400, step: 10 });
    expect(world.titles().slice(2)).toEqual(['[Resolved] callbacks stopped: play.example.com/live']);
    expect(
      (await world.alerting.handle.incidents({})).data.map(({ status, resolution }) => `${status} ${resolution}`),
    ).toEqual(['resolved recovered', 'resolved folded']);
  }, 60_000);
});
