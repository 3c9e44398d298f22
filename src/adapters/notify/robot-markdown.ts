import type { Message } from '../../core/message.ts';

const LOOKALIKES: Record<string, string> = {
  '[': '［',
  ']': '］',
  '<': '＜',
  '>': '＞',
  '*': '＊',
  '`': '｀',
  '\\': '＼',
  '#': '＃',
  '~': '～',
  '|': '｜',
};

/**
 * Makes a foreign text harmless in the markdown of chat robots, which know no reliable escape: what could start a link,
 * a picture, a tag or emphasis becomes its full-width twin, line breaks become spaces, and a bare URL is not clickable.
 * `_` stays, for it is everywhere in stream names and does nothing inside a word.
 */
export function harmless(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, ' ')
    .replace(/[[\]<>*`\\#~|]/g, (character) => LOOKALIKES[character] ?? character)
    .replace(/:\/\//g, '：//')
    .replace(/@/g, '＠')
    .trim();
}

/** A parenthesis, which `encodeURIComponent` leaves in a name, would end the link. */
function linkTarget(url: string): string {
  return url.replaceAll('(', '%28').replaceAll(')', '%29');
}

/** The message as markdown, whole lines only, at most `limitBytes` of UTF-8. */
export function robotMarkdown(message: Message, limitBytes: number): string {
  const link = (text: string, url: string | null) => (url === null ? text : `[${text}](${linkTarget(url)})`);
  const head = `### ${harmless(message.title)}`;
  const tail = message.more ? `\n\n${link(harmless(message.more.label), message.more.url)}` : '';
  const body = [
    ...message.lines.map(({ label, text, url }) => `**${harmless(label)}**: ${link(harmless(text), url)}`),
    ...message.items.map(({ title, text, url }) => `- ${link(harmless(title), url)} ${harmless(text)}`),
  ];
  let text = head;
  for (const line of body) {
    if (Buffer.byteLength(`${text}\n\n${line}${tail}`) > limitBytes) break;
    text += `\n\n${line}`;
  }
  return text + tail;
}
