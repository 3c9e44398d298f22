import { ChannelError } from '../../ports.ts';
import type { PostAnswer } from './post-json.ts';

/** A robot answers 200 to everything and puts the truth into a code; 0 is success. */
export function checkRobotAnswer(
  answer: PostAnswer,
  robot: {
    service: string;
    codeField: string;
    textField: string;
    permanent: readonly number[];
    tooFast: readonly number[];
    pauseSeconds: number;
  },
): void {
  let body: unknown;
  try {
    body = JSON.parse(answer.text);
  } catch {
    throw new ChannelError(`${robot.service} gave an answer that is not JSON.`, { failure: 'transient' });
  }
  const fields = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const code = Number(fields[robot.codeField]);
  if (code === 0) return;
  const reason = `${robot.service} refused it (${code}: ${String(fields[robot.textField]).slice(0, 200)})`;
  if (robot.tooFast.includes(code)) {
    throw new ChannelError(reason, { failure: 'transient', retryAfterSeconds: robot.pauseSeconds });
  }
  throw new ChannelError(reason, { failure: robot.permanent.includes(code) ? 'permanent' : 'transient' });
}
