import { afterEach, describe, expect, it } from 'vitest';
import { timestamp } from '../../src/adapters/postgres/timestamp.ts';
import { type AlertingWorld, createAlertingWorld, DOMAIN, type WorldStream } from '../support/alerting-world.ts';
import { addGap } from '../support/history.ts';
import { deliveriesOf, drift, stepOf } from '../support/notifying.ts';

let world: AlertingWorld | undefined;
afterEach(() => world?.close());
const step = (seconds = 1) => stepOf(world!, seconds, true);
const incidents = async () => (await world!.alerting.handle.incidents({ limit: 100 })).data;
const alertmanager = (url: string) => [{ name: 'am', type: 'alertmanager', url, resendEvery: '60s' }];
const runChannel = () =>
  world!.alerting.jobs.find(({ name }) => name === 'notify-am')!.run(new AbortController().signal);
const spool = (host: string, active: boolean) =>
  world!.alerting.sink.report({
    kind: 'spool_not_draining',
    key: host,
    active,
    found: { code: 'spool-waits', entries: 3, host },
  });

async function gap(
  stream: WorldStream,
  from: number,
  verdict: 'not_captured' | 'unknown',
  change: { open?: boolean; updatedAt?: number } = {},
) {
  const cause = verdict === 'unknown' ? 'index_failed' : 'not_captured';
  const { open = false, updatedAt = world!.now() } = change;
  await addGap(world!.database, { streamId: stream.id, from, to: from + 40_000, slots: 4, verdict, cause, open });
  await world!.database.db
    .updateTable('gaps')
    .set({ updated_at: timestamp(updatedAt) })
    .where('stream_id', '=', stream.id)
    .execute();
}

const audited = (stream: WorldStream) =>
  world!.database.db
    .insertInto('watermarks')
    .values({ stream_id: stream.id, audited_until: timestamp(world!.now()), last_key: null, state: '{}' })
    .execute();

/** One stream falls silent for 40 s, is told, and is heard again. */
async function silence(): Promise<{ victim: WorldStream; from: number }> {
  await world!.pass({ seconds: 20, step: 5 });
  const victim = world!.streams[3]!;
  const from = world!.now();
  await world!.pass({ seconds: 40, silent: (stream) => stream === victim });
  await world!.pass({ seconds: 20 });
  return { victim, from };
}

describe('findings of one kind', () => {
  it('on two hosts are told, repeated and resolved each for itself', async () => {
    world = await createAlertingWorld({ apps: {}, alerting: { repeat: '5m' } });
    for (let time = 0; time < 8; time++) {
      await spool('one', true);
      await spool('two', true);
      await step(60);
    }
    expect(world.titles().filter((title) => title.startsWith('[Still open]'))).toHaveLength(2);
    await spool('one', false);
    await spool('two', false);
    for (let time = 0; time < 5; time++) await step(60);
    expect((await incidents()).map(({ status, foldedInto }) => [status, foldedInto])).toEqual([
      ['resolved', null],
      ['resolved', null],
    ]);
  }, 60_000);

  it('of a domain do not take over those of its apps', async () => {
    world = await createAlertingWorld({ apps: {} });
    await world.alerting.sink.report(drift({ key: 'snapshot_config' }));
    await step(1);
    await world.alerting.sink.report(drift({ app: null, key: 'callback_auth' }));
    for (let time = 0; time < 3; time++) await step(1);
    await world.alerting.sink.report(drift({ key: 'snapshot_config', active: false }));
    for (let time = 0; time < 5; time++) await step(60);
    expect(world.titles().at(-1)).toMatch(/^\[Resolved\].*live snapshot_config$/);
  }, 60_000);

  it('do not end at an Alertmanager because of requests that nobody can read', async () => {
    world = await createAlertingWorld({ apps: {}, notify: alertmanager });
    const { db } = world.database;
    const reject = (domain: string | null) => {
      const row = { kind: 'rejected', reason: 'signature-mismatch', domain, headers: '{}', body: Buffer.from('x') };
      const rows = Array.from({ length: 12 }, () => ({ ...row, received_at: timestamp(world!.now()) }));
      return db
        .insertInto('quarantine')
        .values(rows as never)
        .execute();
    };
    for (let time = 0; time < 8; time++) {
      await reject(DOMAIN);
      if (time >= 2) await reject(null);
      await world.alerting.raise();
      await runChannel();
      world.set(world.now() + 30_000);
    }
    expect(world.endpoint.calls.map(({ body }) => body).join()).not.toContain('[Resolved]');
  }, 60_000);
});

describe('a silence', () => {
  it('is not withdrawn where the audit could not look', async () => {
    world = await createAlertingWorld({ apps: { live: 20 } });
    const { victim, from } = await silence();
    await gap(victim, from, 'unknown');
    await audited(victim);
    await world.pass({ seconds: 300, step: 10 });
    expect(await incidents()).toMatchObject([{ status: 'resolved', resolution: 'recovered' }]);
    expect(world.endpoint.calls.at(-1)!.body).not.toContain('nothing is missing');
  }, 60_000);

  it('that was withdrawn, and whose gap is found later, is told again', async () => {
    world = await createAlertingWorld({ apps: { live: 20 } });
    const { victim, from } = await silence();
    await audited(victim);
    await world.pass({ seconds: 60, step: 5 });
    expect(await incidents()).toMatchObject([{ resolution: 'withdrawn' }]);
    await gap(victim, from, 'not_captured');
    await world.pass({ seconds: 10, step: 5 });
    expect(world.titles().at(-1)).toContain('snapshots missing: play.example.com/live/cam0003');
  }, 60_000);

  it('is not told twice where incidents are never reopened', async () => {
    world = await createAlertingWorld({ apps: { live: 20 }, alerting: { reopenWithin: '0s' } });
    const { victim, from } = await silence();
    await world.pass({ seconds: 320, step: 10 });
    await gap(victim, from, 'not_captured');
    await world.pass({ seconds: 60, step: 10 });
    expect(world.titles()).toHaveLength(2);
  }, 60_000);

  it('in which maintenance begins is not called good again', async () => {
    world = await createAlertingWorld({ apps: { live: 20 } });
    await world.pass({ seconds: 20, step: 5 });
    const silent = (stream: WorldStream) => stream === world!.streams[3];
    await world.pass({ seconds: 60, silent });
    const scope = { domain: DOMAIN, app: 'live', stream: null, reason: 'work', author: 'me' };
    await world.alerting.handle.excuse({ ...scope, from: world.now(), to: world.now() + 1_800_000 });
    await world.pass({ seconds: 400, step: 10, silent });
    expect(world.endpoint.calls.at(-1)!.body).not.toContain('It is good again');
  }, 60_000);

  it('that becomes a gap has the severity of a gap, and whoever hears of that is told', async () => {
    world = await createAlertingWorld({
      apps: { live: 20 },
      alerting: { severity: { gap: 'critical' } },
      notify: (url) => [{ name: 'duty', type: 'slack', url, when: { severity: 'critical' } }],
    });
    const { victim, from } = await silence();
    expect(world.titles()).toEqual([]);
    await gap(victim, from, 'not_captured', { open: true });
    await world.pass({ seconds: 10, step: 5 });
    expect(world.titles()).toEqual(['[Open] snapshots missing: play.example.com/live/cam0003']);
  }, 60_000);
});

it('a gap is told though our clock is minutes ahead of that of the database', async () => {
  world = await createAlertingWorld({ apps: { live: 20 } });
  const ahead = 300_000;
  world.set(Date.now() + ahead - 30_000);
  await world.alerting.raise();
  world.set(Date.now() + ahead);
  await gap(world.streams[0]!, Date.now() - 100_000, 'not_captured', { updatedAt: Date.now() });
  await world.alerting.raise();
  expect((await incidents()).map(({ kind }) => kind)).toContain('gap');
}, 60_000);

describe('a channel', () => {
  it('gives up an old word without the new ones that were tried with it', async () => {
    world = await createAlertingWorld({ apps: {}, alerting: { repeat: '0s' } });
    world.endpoint.answer = () => ({ status: 503 });
    await world.alerting.sink.report(drift({ app: 'old' }));
    await step(1_000);
    await world.database.db.updateTable('notifications').set({ attempts: 109 }).execute();
    for (const app of ['a', 'b', 'c', 'd']) await world.alerting.sink.report(drift({ app }));
    await step(1_000);
    expect((await deliveriesOf(world)).map(({ status }) => status)).not.toContain('failed');
  }, 60_000);

  it('stays on where one refusal follows an outage', async () => {
    world = await createAlertingWorld({ apps: {} });
    world.endpoint.answer = () => ({ status: 503 });
    await world.alerting.sink.report(drift());
    for (let time = 0; time < 10; time++) await step(3);
    let refused = 0;
    world.endpoint.answer = () => ({ status: refused++ === 0 ? 404 : 200 });
    for (let time = 0; time < 10; time++) await step(20);
    expect(await world.alerting.handle.channels()).toMatchObject([{ disabledAt: null }]);
    expect((await deliveriesOf(world)).map(({ status }) => status)).toEqual(['sent']);
  }, 60_000);

  it('that hears of no ends is not told "still open" of what is over', async () => {
    world = await createAlertingWorld({
      apps: {},
      alerting: { repeat: '5m' },
      notify: (url) => [{ name: 'duty', type: 'slack', url, sendResolved: false }],
    });
    await world.alerting.sink.report(drift());
    await step(10);
    world.endpoint.answer = () => ({ status: 503 });
    for (let time = 0; time < 8; time++) await step(60);
    await world.alerting.sink.report(drift({ active: false }));
    for (let time = 0; time < 4; time++) await step(60);
    world.endpoint.answer = () => ({ body: 'ok' });
    world.endpoint.calls.length = 0;
    for (let time = 0; time < 20; time++) await step(60);
    expect(world.titles()).toEqual([]);
  }, 60_000);

  it('that forgets is reminded during a silence of what it was told before', async () => {
    world = await createAlertingWorld({ apps: {}, notify: alertmanager });
    const pass = async () => {
      await world!.alerting.raise();
      await runChannel();
      world!.set(world!.now() + 30_000);
    };
    await world.alerting.sink.report(drift());
    for (let time = 0; time < 3; time++) await pass();
    const scope = { kind: null, domain: DOMAIN, app: null, stream: null, from: null };
    await world.alerting.handle.silence({ ...scope, until: world.now() + 3_600_000, reason: 'known', author: 'me' });
    await world.alerting.sink.report(drift({ app: 'new' }));
    for (let time = 0; time < 20; time++) await pass();
    const last = JSON.parse(world.endpoint.calls.at(-1)!.body);
    expect(last.map(({ labels }: { labels: { app: string } }) => labels.app)).toEqual(['live']);
    expect(Date.parse(last[0].endsAt)).toBeGreaterThan(world.now());
  }, 60_000);
});
