import { createHmac } from 'node:crypto';
import type { Channel } from '../../ports.ts';
import type { AllowedPrivate } from './outgoing-guard.ts';
import { postJson } from './post-json.ts';
import { checkRobotAnswer } from './robot-answer.ts';
import { harmless, robotMarkdown } from './robot-markdown.ts';

/**
 * A DingTalk group robot. Source: open.dingtalk.com "custom robot access" and "custom robot security settings": the
 * signature is base64(HMAC-SHA256(secret, `${timestamp}\n${secret}`)) in the query, the timestamp in milliseconds;
 * 20 messages a minute, and who sends more is blocked for ten minutes, so we stay below.
 */
export function createDingtalkChannel(options: {
  name: string;
  url: string;
  /** `SEC…`; null where the robot is secured otherwise (keywords, addresses). */
  secret: string | null;
  allowPrivate: AllowedPrivate;
}): Channel {
  return {
    name: options.name,
    perMinute: 18,
    async send({ message, at }) {
      const url = new URL(options.url);
      if (options.secret !== null) {
        url.searchParams.set('timestamp', String(at));
        url.searchParams.set('sign', dingtalkSignature(at, options.secret));
      }
      const answer = await postJson({
        url: url.href,
        body: JSON.stringify({
          msgtype: 'markdown',
          markdown: { title: harmless(message.title), text: robotMarkdown(message, 18_000) },
        }),
        allowPrivate: options.allowPrivate,
      });
      checkRobotAnswer(answer, {
        service: 'DingTalk',
        codeField: 'errcode',
        textField: 'errmsg',
        // 310000: signature, keyword or address; 300001, 40010x: no such robot, switched off, not allowed
        permanent: [310000, 300001, 400101, 400102, 400106],
        tooFast: [130101, 130102, 410100, 660026],
        pauseSeconds: 600,
      });
    },
  };
}

function dingtalkSignature(timestampMs: number, secret: string): string {
  return createHmac('sha256', secret).update(`${timestampMs}\n${secret}`).digest('base64');
}
