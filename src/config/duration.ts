import ms from 'ms';
import { z } from 'zod';

export const DURATION_HINT = 'a duration, such as 10s, 5m or 4h';

/** What somebody meant for one; anything else may be a secret in the wrong place, and is not repeated. */
const LIKE_A_DURATION = /^-?[\d.]{1,15}\s?[a-z]{0,12}$|^[a-z-]{1,20}$/i;

/** A duration such as `10s`, `5m`, `4h`, `1d` (or a bare number of seconds), given back in whole seconds. */
export function durationSeconds(bounds: { min?: number; max?: number } = {}) {
  // Missing or empty is told with what the setting is for (explain-issue.ts).
  const error = ({ input }: { input?: unknown }) => (input == null ? undefined : `must be ${DURATION_HINT}`);
  return z.union([z.string(), z.number()], { error }).transform((value, context) => {
    const seconds = typeof value === 'number' ? value : secondsOf(value);
    if (seconds === null || !Number.isFinite(seconds) || !Number.isInteger(seconds)) {
      context.addIssue({
        code: 'custom',
        message: `${LIKE_A_DURATION.test(String(value)) ? `"${value}"` : 'this'} is no duration in whole seconds; write it like 10s, 5m or 4h`,
      });
      return z.NEVER;
    }
    const { min = 0, max = Number.MAX_SAFE_INTEGER } = bounds;
    if (seconds < min || seconds > max) {
      context.addIssue({ code: 'custom', message: `must be ${min}s to ${max}s, not ${seconds}s` });
      return z.NEVER;
    }
    return seconds;
  });
}

function secondsOf(text: string): number | null {
  if (!/^\d+(\.\d+)?\s?(ms|s|m|h|d)$/.test(text)) return null;
  const milliseconds = ms(text as ms.StringValue);
  return milliseconds === undefined ? null : milliseconds / 1000;
}
