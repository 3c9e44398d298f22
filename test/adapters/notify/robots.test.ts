import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it } from 'vitest';
import { createDingtalkChannel } from '../../../src/adapters/notify/dingtalk.ts';
import { createFeishuChannel } from '../../../src/adapters/notify/feishu.ts';
import { robotMarkdown } from '../../../src/adapters/notify/robot-markdown.ts';
import { createSlackChannel } from '../../../src/adapters/notify/slack.ts';
import { createWebhookChannel } from '../../../src/adapters/notify/webhook.ts';
import { createWecomChannel } from '../../../src/adapters/notify/wecom.ts';
import { composeDigest, composeMessage, type MessageContext } from '../../../src/core/message.ts';
import { alertOf } from '../../../src/core/message-alert.ts';
import { type Channel, ChannelError, type OutgoingMessage } from '../../../src/ports.ts';
import { incidentOf, RULES, silenceCondition, T0 } from '../../support/incidents.ts';
import { type LocalEndpoint, type ReceivedCall, startLocalEndpoint } from '../../support/local-endpoint.ts';

const EVIL = 'cam_01](http://evil.example/) <b>*x*</b> @all &amp;';
const context: MessageContext = {
  locale: 'en',
  timeZone: 'UTC',
  publicUrl: 'https://audit.example.com',
  now: T0 + 60_000,
  rules: RULES,
};
const incident = incidentOf(silenceCondition(EVIL, { cause: 'delivery_lost' }), { id: 7 });

function outgoing(at = Date.now()): OutgoingMessage {
  return {
    id: '11111111-2222-8333-a444-555555555555',
    at,
    message: composeMessage(incident, 'opened', context),
    alerts: [alertOf(incident, 'opened', context)],
  };
}

let endpoint: LocalEndpoint | undefined;
afterEach(() => endpoint?.close());

async function start(answer: LocalEndpoint['answer']): Promise<LocalEndpoint> {
  endpoint = await startLocalEndpoint(answer);
  return endpoint;
}

/** What the sending ended with: `sent`, or the failure. */
async function outcome(channel: Channel): Promise<string> {
  try {
    await channel.send(outgoing());
    return 'sent';
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error;
    return error.failure;
  }
}

describe('DingTalk', () => {
  const secret = 'SECtest';
  const genuine = ({ url }: ReceivedCall) => {
    const timestamp = url.searchParams.get('timestamp') ?? '';
    const expected = createHmac('sha256', secret).update(`${timestamp}\n${secret}`).digest('base64');
    const right = url.searchParams.get('sign') === expected && Math.abs(Date.now() - Number(timestamp)) < 3_600_000;
    return { body: right ? { errcode: 0, errmsg: 'ok' } : { errcode: 310000, errmsg: 'sign not match' } };
  };
  const channel = (url: string, key = secret) =>
    createDingtalkChannel({ name: 'd', url: `${url}/robot/send?access_token=t0ken`, secret: key, allowPrivate: true });

  it('takes a signed markdown message in which nothing foreign is markup', async () => {
    const { url, calls } = await start(genuine);
    expect(await outcome(channel(url))).toBe('sent');
    const body = JSON.parse(calls[0]!.body);
    expect(body.msgtype).toBe('markdown');
    expect(body.markdown.text).toContain('### ［Open］ callbacks stopped');
    expect(body.markdown.text).toContain('[Look further](https://audit.example.com/incidents/7)');
    expect(body.markdown.text).not.toMatch(/\]\(http:\/\/evil|<b>|\*x\*|@all/);
    expect(body.markdown.text).toContain('cam_01］(http：//evil.example/)');
    expect(calls[0]!.url.searchParams.get('access_token')).toBe('t0ken');
  });
  it('refuses a wrong signature for good, and being too fast for a while', async () => {
    const { url } = await start(genuine);
    expect(await outcome(channel(url, 'SECwrong'))).toBe('permanent');
    endpoint!.answer = () => ({ body: { errcode: 130101, errmsg: 'send too fast' } });
    await expect(channel(url).send(outgoing())).rejects.toMatchObject({ failure: 'transient', retryAfterSeconds: 600 });
  });
  it('stays below its 20 messages a minute', () => {
    expect(channel('http://x').perMinute).toBeLessThan(20);
  });
  it('never names its token in an error', async () => {
    const { url } = await start(() => ({ status: 403 }));
    await expect(channel(url).send(outgoing())).rejects.toThrow(/^(?!.*t0ken).*HTTP 403/);
  });
  it('never repeats its token out of an answer', async () => {
    const { url } = await start((call) => ({ body: { errcode: 300001, errmsg: `no robot at ${call.url.href}` } }));
    const robot = { name: 'd', url: `${url}/robot/send?access_token=s3cret-t0ken`, secret, allowPrivate: true };
    await expect(createDingtalkChannel(robot).send(outgoing())).rejects.toThrow(/^(?!.*s3cret).*300001: no robot at/);
  });
});

describe('Feishu', () => {
  const secret = 'feishu-secret';
  const genuine = ({ body }: ReceivedCall) => {
    const { timestamp, sign } = JSON.parse(body);
    const expected = createHmac('sha256', `${timestamp}\n${secret}`).update('').digest('base64');
    const right = sign === expected && Math.abs(Date.now() / 1000 - Number(timestamp)) < 3600;
    return { body: right ? { code: 0, msg: 'success' } : { code: 19021, msg: 'sign match fail' } };
  };
  const channel = (url: string, key: string | null = secret) =>
    createFeishuChannel({ name: 'f', url: `${url}/open-apis/bot/v2/hook/t0ken`, secret: key, allowPrivate: true });

  it('takes a signed card whose foreign texts are plain', async () => {
    const { url, calls } = await start(genuine);
    expect(await outcome(channel(url))).toBe('sent');
    const { card, msg_type } = JSON.parse(calls[0]!.body);
    expect(msg_type).toBe('interactive');
    expect(card.header).toMatchObject({ template: 'orange', title: { tag: 'plain_text' } });
    expect(card.header.title.content).toContain(EVIL);
    expect(calls[0]!.body).not.toContain('lark_md');
    expect(card.elements.at(-1).actions[0].url).toBe('https://audit.example.com/incidents/7');
    expect(Buffer.byteLength(calls[0]!.body)).toBeLessThan(20_000);
  });
  it('refuses a wrong signature for good', async () => {
    const { url } = await start(genuine);
    expect(await outcome(channel(url, 'wrong'))).toBe('permanent');
    expect(await outcome(channel(url, null))).toBe('permanent');
  });
});

describe('WeCom', () => {
  const channel = (url: string) =>
    createWecomChannel({ name: 'w', url: `${url}/cgi-bin/webhook/send?key=t0ken`, allowPrivate: true });

  it('takes markdown of at most 4096 bytes, cut at whole lines', async () => {
    const { url, calls } = await start(({ body }) => {
      const { msgtype, markdown } = JSON.parse(body);
      const right = msgtype === 'markdown' && Buffer.byteLength(markdown.content) <= 4096;
      return { body: { errcode: right ? 0 : 40058, errmsg: 'x' } };
    });
    const long = outgoing();
    long.message.lines.push(
      ...Array.from({ length: 90 }, () => ({ label: '明细', text: '截图'.repeat(20), url: null })),
    );
    await channel(url).send(long);
    const { content } = JSON.parse(calls[0]!.body).markdown;
    expect(content.endsWith('[Look further](https://audit.example.com/incidents/7)')).toBe(true);
    expect(content).not.toContain('�');
  });
  it('is off for good when the robot is gone, and waits when it was too fast', async () => {
    const { url } = await start(() => ({ body: { errcode: 93000, errmsg: 'invalid webhook url' } }));
    expect(await outcome(channel(url))).toBe('permanent');
    endpoint!.answer = () => ({ body: { errcode: 45009, errmsg: 'api freq out of limit' } });
    expect(await outcome(channel(url))).toBe('transient');
  });
});

describe('Slack', () => {
  const channel = (url: string) =>
    createSlackChannel({ name: 's', url: `${url}/services/T/B/t0ken`, allowPrivate: true });

  it('takes blocks in which foreign text is no markup', async () => {
    const { url, calls } = await start(() => ({ body: 'ok' }));
    expect(await outcome(channel(url))).toBe('sent');
    const { text, blocks } = JSON.parse(calls[0]!.body);
    expect(text).toContain('&lt;b&gt;*x*&lt;/b&gt; @all &amp;amp;');
    expect(blocks[0]).toMatchObject({ type: 'header', text: { type: 'plain_text' } });
    expect(calls[0]!.body).not.toContain('mrkdwn');
  });
  it('waits as long as it asks, and knows a webhook that is gone', async () => {
    const { url } = await start(() => ({ status: 429, headers: { 'retry-after': '30' } }));
    await expect(channel(url).send(outgoing())).rejects.toMatchObject({ failure: 'transient', retryAfterSeconds: 30 });
    endpoint!.answer = () => ({ status: 404, body: 'no_service' });
    expect(await outcome(channel(url))).toBe('permanent');
    endpoint!.answer = () => ({ status: 400, body: 'invalid_blocks' });
    expect(await outcome(channel(url))).toBe('rejected');
  });
});

describe('a webhook', () => {
  const secret = `whsec_${Buffer.from('0123456789abcdef01234567').toString('base64')}`;
  const channel = (url: string) =>
    createWebhookChannel({ name: 'hook', url, secret, publicUrl: context.publicUrl, allowPrivate: true });

  it('carries an Alertmanager v4 body that the Standard Webhooks library verifies', async () => {
    const { url, calls } = await start(() => ({}));
    expect(await outcome(channel(url))).toBe('sent');
    const { headers, body } = calls[0]!;
    const verified = new Webhook(secret).verify(body, headers as Record<string, string>);
    expect(verified).toMatchObject({
      version: '4',
      status: 'firing',
      receiver: 'hook',
      truncatedAlerts: 0,
      externalURL: 'https://audit.example.com',
      commonLabels: { alertname: 'SnapauditGap', severity: 'warning', stream: EVIL },
      alerts: [{ status: 'firing', startsAt: '2026-11-24T00:00:00.000Z', endsAt: '0001-01-01T00:00:00Z' }],
    });
    expect(() =>
      new Webhook(secret).verify(body.replace('firing', 'resolved'), headers as Record<string, string>),
    ).toThrow();
  });
  it('is one group from the opening of an incident to its end, and a group of its own for a digest', async () => {
    const { url, calls } = await start(() => ({}));
    const other = { ...incident, id: 8 };
    const message = composeDigest(
      [incident, other].map((one) => ({ incident: one, event: 'opened' })),
      context,
    );
    const alerts = [incident, other].map((one) => alertOf(one, 'opened', context));
    await channel(url).send(outgoing());
    await channel(url).send({ ...outgoing(), id: '21111111-2222-8333-a444-555555555555' });
    await channel(url).send({ ...outgoing(), message, alerts });
    const [first, second, digest] = calls.map(({ body }) => JSON.parse(body).groupKey);
    expect(first).toBe('{}/{receiver="hook"}:{incident="7"}');
    expect(second).toBe(first);
    expect(digest).toContain('11111111-2222');
  });
  it('keeps its id over retries, so that the receiver can drop a repeat', async () => {
    const { url, calls } = await start(() => ({}));
    await channel(url).send(outgoing());
    await channel(url).send(outgoing());
    expect(calls[0]!.headers['webhook-id']).toBe(calls[1]!.headers['webhook-id']);
  });
});

describe('any channel', () => {
  it('tells trouble that passes from trouble that does not', async () => {
    const { url } = await start(() => ({ status: 503 }));
    const channel = createSlackChannel({ name: 's', url, allowPrivate: true });
    const outcomes: string[] = [];
    for (const answer of [{ status: 500 }, { hangUp: true }, { status: 302 }, { status: 410 }, { status: 422 }]) {
      endpoint!.answer = () => answer;
      outcomes.push(await outcome(channel));
    }
    expect(outcomes).toEqual(['transient', 'transient', 'permanent', 'permanent', 'rejected']);
  });
  it('does not reach a private address unless that is allowed', async () => {
    const { url, calls } = await start(() => ({}));
    const port = new URL(url).port;
    const reach = (target: string, allowPrivate: boolean | string[]) =>
      outcome(createSlackChannel({ name: 's', url: target, allowPrivate }));
    expect(await reach(url, false)).toBe('permanent');
    expect(await reach(`http://localhost:${port}`, false)).toBe('permanent');
    expect(await reach(`http://[::ffff:127.0.0.1]:${port}`, false)).toBe('permanent');
    expect(await reach(`http://0x7f.1:${port}`, false)).toBe('permanent');
    expect(calls).toHaveLength(0);
    expect(await reach(url, ['127.0.0.0/8'])).toBe('sent');
  });
});

it('a parenthesis in the name of a stream does not end its link', () => {
  const message = {
    event: 'opened' as const,
    severity: 'warning' as const,
    title: 't',
    lines: [{ label: 'Last good picture', text: 'x', url: 'https://audit.example.com/streams/d/live/cam(1)?at=1' }],
    items: [],
    more: null,
  };
  expect(robotMarkdown(message, 4096)).toContain('](https://audit.example.com/streams/d/live/cam%281%29?at=1)');
});
