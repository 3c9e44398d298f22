import type { Channel } from '../../ports.ts';
import type { AllowedPrivate } from './outgoing-guard.ts';
import { postJson } from './post-json.ts';
import { checkRobotAnswer } from './robot-answer.ts';
import { robotMarkdown } from './robot-markdown.ts';

/**
 * A WeCom group robot. Source: developer.work.weixin.qq.com path/91770: the key is in the URL, nothing is signed;
 * markdown of at most 4096 bytes; 20 messages a minute.
 */
export function createWecomChannel(options: { name: string; url: string; allowPrivate: AllowedPrivate }): Channel {
  return {
    name: options.name,
    perMinute: 18,
    async send({ message }) {
      const answer = await postJson({
        url: options.url,
        body: JSON.stringify({ msgtype: 'markdown', markdown: { content: robotMarkdown(message, 4096) } }),
        allowPrivate: options.allowPrivate,
      });
      checkRobotAnswer(answer, {
        service: 'WeCom',
        codeField: 'errcode',
        textField: 'errmsg',
        // 93000: no such robot; 93004: switched off; 93008: not in the group any more
        permanent: [93000, 93004, 93008],
        tooFast: [45009],
        pauseSeconds: 60,
      });
    },
  };
}
