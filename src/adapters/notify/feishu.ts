import { createHmac } from 'node:crypto';
import type { Message } from '../../core/message.ts';
import type { Channel } from '../../ports.ts';
import type { AllowedPrivate } from './outgoing-guard.ts';
import { postJson } from './post-json.ts';
import { checkRobotAnswer } from './robot-answer.ts';

/**
 * A Feishu (Lark) group bot with a card. Source: open.feishu.cn "custom bot guide": the signature is
 * base64(HMAC-SHA256(key `${timestamp}\n${secret}`, empty message)) in the body, the timestamp in seconds; 100 messages a
 * minute and 5 a second; a body of at most 20 kB. Foreign text stands in `plain_text` only, where nothing is markup.
 */
export function createFeishuChannel(options: {
  name: string;
  url: string;
  secret: string | null;
  allowPrivate: AllowedPrivate;
}): Channel {
  return {
    name: options.name,
    perMinute: 60,
    async send({ message, at }) {
      const timestamp = Math.floor(at / 1000);
      const signed =
        options.secret === null
          ? {}
          : { timestamp: String(timestamp), sign: feishuSignature(timestamp, options.secret) };
      const answer = await postJson({
        url: options.url,
        body: JSON.stringify({ ...signed, msg_type: 'interactive', card: feishuCard(message) }),
        allowPrivate: options.allowPrivate,
      });
      checkRobotAnswer(answer, {
        service: 'Feishu',
        codeField: 'code',
        textField: 'msg',
        // 19001: no such bot; 19021: signature or clock; 19022: address; 19024: keyword
        permanent: [19001, 19021, 19022, 19024],
        tooFast: [11232, 9499],
        pauseSeconds: 60,
      });
    },
  };
}

function feishuSignature(timestampSeconds: number, secret: string): string {
  return createHmac('sha256', `${timestampSeconds}\n${secret}`).update('').digest('base64');
}

const PART_BYTES = 900;

function feishuCard(message: Message): unknown {
  const color =
    message.event === 'resolved' ? 'green' : { critical: 'red', warning: 'orange', info: 'blue' }[message.severity];
  const buttons = [
    ...(message.more ? [{ text: message.more.label, url: message.more.url }] : []),
    ...message.lines.flatMap(({ label, url }) => (url ? [{ text: label, url }] : [])),
  ];
  return {
    config: { wide_screen_mode: true },
    header: { template: color, title: plain(message.title) },
    elements: [
      ...message.lines.map(({ label, text }) => ({ tag: 'div', text: plain(`${label}: ${text}`) })),
      ...message.items.map(({ title, text }) => ({ tag: 'div', text: plain(`${title}\n${text}`) })),
      ...(buttons.length > 0
        ? [
            {
              tag: 'action',
              actions: buttons.map(({ text, url }) => ({ tag: 'button', type: 'default', text: plain(text), url })),
            },
          ]
        : []),
    ],
  };
}

function plain(text: string): { tag: 'plain_text'; content: string } {
  let content = text;
  while (Buffer.byteLength(content) > PART_BYTES)
    content = `${content.slice(0, Math.floor(content.length * 0.9) - 1)}…`;
  return { tag: 'plain_text', content };
}
