import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { type AlertingWorld, createAlertingWorld } from '../support/alerting-world.ts';
import { deliveriesOf, drift, stepOf, WEBHOOK_SECRET, webhook } from '../support/notifying.ts';

let world: AlertingWorld | undefined;
afterEach(() => world?.close());

const step = (seconds = 1, sending = true) => stepOf(world!, seconds, sending);
const rows = () => deliveriesOf(world!);

describe('a finding', () => {
  it('that others report is told once, kept up, and resolved when they say so', async () => {
    world = await createAlertingWorld({ apps: {} });
    for (let time = 0; time < 5; time++) {
      await world.alerting.sink.report(drift());
      await step(30);
    }
    await world.alerting.sink.report(drift({ active: false }));
    for (let time = 0; time < 4; time++) await step(30);
    expect(world.titles()).toEqual([
      '[Open] config differs from the desired one: play.example.com/live',
      '[Resolved] config differs from the desired one: play.example.com/live',
    ]);
    expect(world.endpoint.calls[0]!.body).toContain('interval is 20s, not 10s');
  });
});

describe('a kill between claiming and sending', () => {
  it('before the sending loses nothing: the lease runs out and another process sends', async () => {
    world = await createAlertingWorld({ apps: {} });
    await world.alerting.sink.report(drift());
    await world.alerting.raise();
    // The first process claims and dies: its endpoint never answers, its promise is never looked at again.
    world.endpoint.answer = () => new Promise(() => {});
    void world.alerting.sendAll().catch(() => {});
    await expect.poll(() => world!.endpoint.calls.length).toBe(1);
    world.endpoint.calls.length = 0;
    world.endpoint.answer = () => ({ body: 'ok' });

    const second = world.another();
    world.set(world.now() + 59_999);
    await second.sendAll();
    expect(world.endpoint.calls).toHaveLength(0);
    world.set(world.now() + 1);
    await Promise.all([second.sendAll(), world.another().sendAll()]);
    expect(world.titles()).toEqual([expect.stringContaining('[Open] config differs')]);
  });

  it.each([
    // Killed at this point: the message reaches the other side so often in all.
    ['claimed', 1],
    ['answered', 2],
  ])(
    'kill -9 when it is %s: it arrives %i times, under one id',
    async (point, arrivals) => {
      world = await createAlertingWorld({ apps: {}, notify: webhook });
      await world.alerting.sink.report(drift());
      await world.alerting.raise();
      const child = spawn(
        process.execPath,
        [
          'test/support/send-and-die.ts',
          world.database.url,
          world.endpoint.url,
          WEBHOOK_SECRET,
          String(world.now()),
          point,
        ],
        { stdio: ['ignore', 'inherit', 'inherit'] },
      );
      const [, signal] = await once(child, 'exit');
      expect(signal).toBe('SIGKILL');
      expect(await rows()).toMatchObject([{ status: 'sending', attempts: 1 }]);
      expect(world.endpoint.calls).toHaveLength(arrivals - 1);

      world.set(world.now() + 59_999);
      await world.alerting.sendAll();
      expect(world.endpoint.calls).toHaveLength(arrivals - 1);
      world.set(world.now() + 1);
      await world.alerting.sendAll();
      await world.alerting.sendAll();
      expect(world.endpoint.calls).toHaveLength(arrivals);
      expect(new Set(world.endpoint.calls.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
      expect(await rows()).toMatchObject([{ status: 'sent', attempts: 2 }]);
    },
    30_000,
  );

  it('kill -9 after the other side took it sends it once more under the same id, which the receiver can drop', async () => {
    world = await createAlertingWorld({ apps: {}, notify: webhook });
    await world.alerting.sink.report(drift());
    await world.alerting.raise();
    const child = spawn(
      process.execPath,
      ['test/support/send-and-die.ts', world.database.url, world.endpoint.url, WEBHOOK_SECRET, String(world.now())],
      {
        stdio: ['ignore', 'inherit', 'inherit'],
      },
    );
    world.endpoint.answer = async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
      return {};
    };
    await once(child, 'exit');
    expect(world.endpoint.calls).toHaveLength(1);
    expect(await rows()).toMatchObject([{ status: 'sending', attempts: 1 }]);

    world.endpoint.answer = () => ({});
    world.set(world.now() + 60_000);
    await world.alerting.sendAll();
    await world.alerting.sendAll();
    expect(world.endpoint.calls).toHaveLength(2);
    expect(world.endpoint.calls[1]!.headers['webhook-id']).toBe(world.endpoint.calls[0]!.headers['webhook-id']);
    expect(await rows()).toMatchObject([{ status: 'sent', attempts: 2 }]);
  }, 30_000);

  it('two replicas that send at the same time send once', async () => {
    world = await createAlertingWorld({ apps: {} });
    for (const app of ['a', 'b', 'c']) await world.alerting.sink.report(drift({ app }));
    const replicas = [world.alerting, world.another(), world.another()];
    await Promise.all(replicas.map((replica) => replica.raise()));
    await Promise.all(replicas.map((replica) => replica.sendAll()));
    expect(world.titles().sort()).toEqual(
      ['a', 'b', 'c'].map((app) => expect.stringContaining(`play.example.com/${app}`)),
    );
  });
});

describe('delivery', () => {
  it('is tried again until it succeeds; every try is on the record', async () => {
    world = await createAlertingWorld({ apps: {} });
    await world.alerting.sink.report(drift());
    world.endpoint.answer = () => ({ status: 503 });
    await step(1);
    expect(await rows()).toMatchObject([
      { status: 'pending', attempts: 1, error: expect.stringContaining('HTTP 503') },
    ]);
    await step(1);
    expect(world.endpoint.calls).toHaveLength(1);
    await step(4);
    expect(world.endpoint.calls).toHaveLength(2);
    world.endpoint.answer = () => ({ body: 'ok' });
    await step(1);
    expect(await rows()).toMatchObject([{ status: 'sent', attempts: 3, summary: expect.stringContaining('[Open]') }]);
  });

  it('says how things stand after an outage of the channel, instead of replaying it', async () => {
    world = await createAlertingWorld({ apps: {} });
    world.endpoint.answer = () => ({ status: 503 });
    await world.alerting.sink.report(drift());
    await step(61);
    await world.alerting.sink.report(drift({ active: false }));
    await step(61);
    await step(61);
    world.endpoint.calls.length = 0;
    world.endpoint.answer = () => ({ body: 'ok' });
    await step(600);
    await step(1);
    expect(world.titles()).toEqual([expect.stringContaining('[Resolved] config differs')]);
    expect((await rows()).map(({ status }) => status)).toEqual(['superseded', 'sent']);
  });

  it('becomes one digest where many wait', async () => {
    world = await createAlertingWorld({ apps: {} });
    for (let app = 0; app < 30; app++) await world.alerting.sink.report(drift({ app: `app${app}` }));
    await step(1);
    expect(world.titles()).toEqual(['Snapaudit: 30 incidents (Open 30)']);
    expect(new Set((await rows()).map(({ messageId }) => messageId)).size).toBe(1);
  });

  it('stays within the rate of the channel', async () => {
    world = await createAlertingWorld({
      apps: {},
      notify: (url) => [{ name: 'ding', type: 'dingtalk', url }],
    });
    world.endpoint.answer = () => ({ body: { errcode: 0 } });
    for (let minute = 0; minute < 3; minute++) {
      for (let app = 0; app < 30; app++) {
        await world.alerting.sink.report(drift({ app: `app${minute}x${app}` }));
        await step(2);
      }
      expect(world.endpoint.calls.length).toBeLessThanOrEqual(19 * (minute + 1));
    }
    for (let time = 0; time < 10; time++) await step(10);
    expect((await rows()).every(({ status }) => status === 'sent')).toBe(true);
  }, 60_000);

  it('for a channel that this process does not know waits an hour for one that does', async () => {
    const slack = (url: string) => ['chat', 'fresh'].map((name) => ({ name, type: 'slack', url }));
    world = await createAlertingWorld({ apps: {}, notify: slack });
    const old = world.another({ settings: { ...world.settings, notify: world.settings.notify.slice(0, 1) } });
    const upkeep = () => old.jobs.find(({ name }) => name === 'alerting-upkeep')!.run(new AbortController().signal);
    await world.alerting.sink.report(drift());
    await step(3600, false);
    await upkeep();
    await old.sendAll();
    expect((await rows()).map(({ channel, status }) => `${channel} ${status}`)).toEqual(['chat sent', 'fresh pending']);
    world.set(world.now() + 1);
    await upkeep();
    expect((await rows()).map(({ channel, status }) => `${channel} ${status}`)).toEqual(['chat sent', 'fresh failed']);
  });

  it('says what was found in the language of the channel', async () => {
    world = await createAlertingWorld({
      apps: {},
      notify: (url) => [
        { name: 'en', type: 'slack', url: `${url}/en` },
        { name: 'zh', type: 'slack', url: `${url}/zh`, locale: 'zh-CN' },
      ],
    });
    const found = { code: 'spool-waits' as const, entries: 12, host: 'host-1' };
    await world.alerting.sink.report({ kind: 'spool_not_draining', key: 'host-1', active: true, found });
    await step(1);
    const said = (path: string) => world!.endpoint.calls.find(({ url }) => url.pathname === path)?.body;
    expect(said('/en')).toContain('12 entries wait on host-1.');
    expect(said('/zh')).toContain('host-1 上有 12 条待入库。');
    expect((await world.alerting.handle.incidents({})).data).toMatchObject([
      { facts: { detail: '12 entries wait on host-1.' } },
    ]);
  });

  it('reaches only the channels that want the incident', async () => {
    world = await createAlertingWorld({
      apps: {},
      notify: (url) => [
        { name: 'critical', type: 'slack', url: `${url}/critical`, when: { severity: 'critical' } },
        { name: 'drift', type: 'slack', url: `${url}/drift`, when: { kinds: ['config_drift'] }, locale: 'zh-CN' },
      ],
    });
    await world.alerting.sink.report(drift());
    await step(1);
    expect(world.endpoint.calls.map(({ url }) => url.pathname)).toEqual(['/drift']);
    expect(world.endpoint.calls[0]!.body).toContain('截图配置与期望不一致');
  });
});

describe('people', () => {
  it('are told again every four hours until someone acknowledges', async () => {
    world = await createAlertingWorld({ apps: {} });
    await world.alerting.sink.report(drift());
    await step(4 * 3600 - 1);
    await step(1);
    expect(world.titles()).toHaveLength(1);
    await step(1);
    expect(world.titles()[1]).toContain('[Still open] config differs');
    const { data } = await world.alerting.handle.incidents({});
    await world.alerting.handle.acknowledge({
      id: data[0]!.id,
      by: 'wei',
      until: world.now() + 5 * 3600_000,
      reason: 'on it',
    });
    await step(4 * 3600 + 1);
    await step(1);
    expect(world.titles()).toHaveLength(2);
    await step(3600);
    await step(1);
    await step(1);
    expect(world.titles()[2]).toContain('[Still open]');
    const { transitions } = await world.alerting.handle.incident(data[0]!.id);
    expect(transitions.map(({ kind, actor }) => `${kind} ${actor}`)).toEqual([
      'opened snapaudit',
      'acknowledged wei',
      'acknowledge-expired snapaudit',
    ]);
  });

  it('cannot acknowledge what is resolved or not there', async () => {
    world = await createAlertingWorld({ apps: {} });
    const acknowledge = (id: number, until: number | null) =>
      world!.alerting.handle.acknowledge({ id, by: 'wei', until, reason: null });
    await expect(acknowledge(4711, null)).rejects.toMatchObject({ kind: 'not-found' });
    await expect(acknowledge(4711, world.now())).rejects.toMatchObject({ kind: 'bad-parameter' });
  });

  it('hear nothing during a silence, and hear afterwards what is still open', async () => {
    world = await createAlertingWorld({ apps: {} });
    await world.alerting.handle.silence({
      kind: null,
      domain: 'play.example.com',
      app: null,
      stream: null,
      from: null,
      until: world.now() + 600_000,
      reason: 'we know',
      author: 'wei',
    });
    await world.alerting.sink.report(drift());
    await world.alerting.sink.report(drift({ app: 'brief' }));
    await step(200);
    await world.alerting.sink.report(drift({ app: 'brief', active: false }));
    await step(200);
    await step(198);
    expect(world.titles()).toEqual([]);
    expect((await rows()).every(({ status }) => status === 'silenced')).toBe(true);
    await step(2);
    expect(world.titles()).toEqual([]);
    await step(1);
    expect(world.titles()).toEqual(['[Open] config differs from the desired one: play.example.com/live']);
  });
});
