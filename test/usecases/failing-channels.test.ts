import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { afterEach, describe, expect, it } from 'vitest';
import { type AlertingWorld, createAlertingWorld } from '../support/alerting-world.ts';
import { deliveriesOf, drift, stepOf, webhook } from '../support/notifying.ts';

let world: AlertingWorld | undefined;
afterEach(() => world?.close());

const step = (seconds = 1) => stepOf(world!, seconds, true);
const rows = () => deliveriesOf(world!);

describe('sending', () => {
  it('switches a channel off that refuses for good, and tells of it over the others', async () => {
    world = await createAlertingWorld({
      apps: {},
      notify: (url) => [
        { name: 'good', type: 'slack', url },
        { name: 'bad', type: 'slack', url: `${url}/gone` },
      ],
    });
    world.endpoint.answer = ({ url }) => (url.pathname === '/gone' ? { status: 410 } : { body: 'ok' });
    await world.alerting.sink.report(drift());
    for (let time = 0; time < 8; time++) await step(5);
    expect(await world.alerting.handle.channels()).toMatchObject([
      { name: 'good', disabledAt: null },
      { name: 'bad', disabledAt: expect.any(Number), disabledReason: expect.stringContaining('HTTP 410') },
    ]);
    const good = world.endpoint.calls
      .filter(({ url }) => url.pathname === '/')
      .map(({ body }) => JSON.parse(body).text);
    expect(good).toEqual([
      expect.stringContaining('[Open] config differs'),
      expect.stringContaining('[Open] a notification channel fails: all domains bad'),
    ]);
    expect(world.endpoint.calls.length - good.length).toBe(3);

    world.endpoint.answer = () => ({ body: 'ok' });
    await world.alerting.handle.testChannel('bad');
    expect((await world.alerting.handle.channels())[1]).toMatchObject({ disabledAt: null });
    for (let time = 0; time < 15; time++) await step(5);
    expect(world.titles().at(-1)).toContain('[Resolved] a notification channel fails');
  });

  it('switches a channel off that rejects three messages in a row, and tells of it over the others', async () => {
    world = await createAlertingWorld({
      apps: {},
      notify: (url) => [
        { name: 'good', type: 'slack', url },
        ...webhook(`${url}/hook`).map((hook) => ({ ...hook, when: { kinds: ['config_drift'] } })),
      ],
    });
    world.endpoint.answer = ({ url }) => (url.pathname === '/hook' ? { status: 400, body: 'no' } : { body: 'ok' });
    const hook = () => world!.endpoint.calls.filter(({ url }) => url.pathname === '/hook').length;
    for (const app of ['a', 'b', 'c', 'd', 'e']) {
      await world.alerting.sink.report(drift({ app }));
      await step(30);
      expect((await world.alerting.handle.channels())[1]?.disabledAt === null).toBe(hook() < 3);
    }
    expect(hook()).toBe(3);
    expect((await rows()).filter(({ channel }) => channel === 'hook').map(({ status }) => status)).toEqual([
      'failed',
      'failed',
      'failed',
      'pending',
      'pending',
    ]);
    expect((await world.alerting.handle.incidents({ kind: ['channel_failing'] })).data).toMatchObject([
      { key: 'hook', cause: 'rejected-in-a-row', facts: { detail: expect.stringContaining('HTTP 400') } },
    ]);
    expect(world.endpoint.calls.filter(({ body }) => body.includes('all domains hook'))).toHaveLength(1);
  });

  it('leaves a channel on that rejects one message and takes the next', async () => {
    world = await createAlertingWorld({ apps: {}, notify: webhook });
    for (const app of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) {
      world.endpoint.answer = () => ({ status: app === 'c' || app === 'f' ? 200 : 422 });
      await world.alerting.sink.report(drift({ app }));
      await step(1);
    }
    expect(world.endpoint.calls).toHaveLength(8);
    expect(await world.alerting.handle.channels()).toMatchObject([{ disabledAt: null }]);
  });

  it('tells what a channel rejected with the next repeat, as news', async () => {
    world = await createAlertingWorld({ apps: {}, notify: webhook });
    world.endpoint.answer = () => ({ status: 400 });
    await world.alerting.sink.report(drift());
    await step(4 * 3600 - 1);
    world.endpoint.answer = () => ({});
    await step(1);
    await step(1);
    expect((await rows()).map(({ event, status }) => `${event} ${status}`)).toEqual(['opened failed', 'opened sent']);
  });

  it('leaves a channel alone for as long as it asked, whatever else is to be sent and whoever would send it', async () => {
    world = await createAlertingWorld({ apps: {}, notify: (url) => [{ name: 'ding', type: 'dingtalk', url }] });
    world.endpoint.answer = () => ({ body: { errcode: 130101, errmsg: 'send too fast' } });
    for (let app = 0; app < 6; app++) {
      await world.alerting.sink.report(drift({ app: `app${app}` }));
      await step(99);
      await world.another().sendAll();
    }
    expect(world.endpoint.calls).toHaveLength(1);
    world.endpoint.answer = () => ({ body: { errcode: 0 } });
    await step(6);
    await step(1);
    expect(world.endpoint.calls).toHaveLength(2);
    expect((await rows()).every(({ status }) => status === 'sent')).toBe(true);
  });

  it('does not send an e-mail again that misses a recipient; that it goes on missing him is told, until it reaches all', async () => {
    let gone = true;
    const server = new SMTPServer({
      disabledCommands: ['STARTTLS', 'AUTH'],
      onRcptTo: ({ address }, _session, reply) =>
        reply(gone && address.startsWith('gone') ? Object.assign(new Error('no'), { responseCode: 550 }) : null),
      onData: (stream, _session, done) => stream.on('end', done).resume(),
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    const { port } = server.server.address() as AddressInfo;
    const email = { type: 'email', host: '127.0.0.1', port, security: 'none', from: 'a@example.com' };
    const to = ['gone@example.com', 'wei@example.com'];
    try {
      world = await createAlertingWorld({
        apps: {},
        notify: () => [{ ...email, name: 'duty', to, when: { kinds: ['config_drift'] } }],
      });
      const missing = async () =>
        (await world!.alerting.handle.incidents({ status: ['open'], kind: ['channel_failing'] })).data;
      for (const app of ['a', 'b', 'c']) {
        expect(await missing()).toEqual([]);
        await world.alerting.sink.report(drift({ app }));
        await step(30);
      }
      await step(1);
      expect(await missing()).toMatchObject([{ key: 'duty recipients', cause: 'recipients-refused' }]);
      const told = (await rows()).map(({ status, attempts, error }) => [status, attempts, error]);
      const refused = expect.stringContaining('refused gone@example.com');
      expect(told).toEqual(Array.from({ length: 3 }, () => ['sent', 1, refused]));
      await expect(world.alerting.handle.testChannel('duty')).rejects.toThrow('gone@example.com');
      expect(await world.alerting.handle.channels()).toMatchObject([{ disabledAt: null }]);

      gone = false;
      await world.alerting.sink.report(drift({ app: 'd' }));
      for (let time = 0; time < 3; time++) await step(60);
      expect(await missing()).toEqual([]);
    } finally {
      await new Promise<void>((resolve) => server.close(() => resolve()));
    }
  });
});
