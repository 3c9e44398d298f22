import type { Message } from '../../core/message.ts';
import type { Channel } from '../../ports.ts';
import type { AllowedPrivate } from './outgoing-guard.ts';
import { postJson } from './post-json.ts';

/**
 * A Slack incoming webhook. Source: api.slack.com/messaging/webhooks and /reference/block-kit/blocks: about one message a
 * second. Foreign text stands in `rich_text` and `plain_text` elements, where nothing is markup; the fallback text has
 * the three characters escaped that Slack asks for.
 */
export function createSlackChannel(options: { name: string; url: string; allowPrivate: AllowedPrivate }): Channel {
  return {
    name: options.name,
    perMinute: 50,
    async send({ message }) {
      await postJson({
        url: options.url,
        body: JSON.stringify({ text: slackEscape(message.title), blocks: slackBlocks(message), unfurl_links: false }),
        allowPrivate: options.allowPrivate,
      });
    },
  };
}

function slackEscape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function slackBlocks(message: Message): unknown[] {
  const text = (content: string, style?: { bold: true }) => ({
    type: 'text',
    text: content.slice(0, 2500),
    ...(style ? { style } : {}),
  });
  const linked = (content: string, url: string | null) =>
    url === null ? text(content) : { type: 'link', url, text: content.slice(0, 2500) };
  const section = (elements: unknown[]) => ({ type: 'rich_text_section', elements });
  const sections = [
    ...message.lines.map(({ label, text: content, url }) =>
      section([text(`${label}: `, { bold: true }), linked(content, url)]),
    ),
    ...message.items.map(({ title, text: content, url }) => section([linked(title, url), text(` ${content}`)])),
    ...(message.more ? [section([linked(message.more.label, message.more.url)])] : []),
  ];
  const mark = message.event === 'resolved' ? '🟢' : { critical: '🔴', warning: '🟠', info: '🔵' }[message.severity];
  return [
    { type: 'header', text: { type: 'plain_text', text: `${mark} ${message.title}`.slice(0, 150), emoji: false } },
    // Each line a block of its own: elements of one rich_text block would run together.
    ...sections.slice(0, 45).map((element) => ({ type: 'rich_text', elements: [element] })),
  ];
}
