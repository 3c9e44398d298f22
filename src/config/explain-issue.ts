import type { z } from 'zod';
import { DURATION_HINT } from './duration.ts';

/** What to write, by the name of the setting, for those that people leave out or leave empty. */
const HINTS: Record<string, string> = {
  domains: 'a list, each entry beginning with "- domain: play.example.com"',
  domain: 'the main streaming domain, such as play.example.com',
  apps: 'a list, each entry beginning with "- app: live"',
  app: 'the name of an app, or "*" for all others',
  interval: 'how often a stream is captured, such as 10s',
  bucket: 'the OSS bucket that the vendor stores the snapshots in',
  endpoint: 'the host name of the bucket, such as oss-cn-shanghai.aliyuncs.com',
  notify: 'a list, each entry beginning with "- type: slack"',
  type: 'the kind of channel',
  name: 'a short name of a-z, 0-9 and -',
  host: 'the host name of the mail server',
  from: 'the address that mails come from',
  to: 'a list of the addresses that mails go to',
  cron: 'five fields, such as "0 2 * * 1" for Mondays at 02:00',
  duration: 'how long it lasts, such as 2h',
  allowPrivate: 'true, false or a list of address ranges, such as [10.0.0.0/8]',
  forwardAllowPrivate: 'true, false or a list of address ranges, such as [10.0.0.0/8]',
  reason: 'a few words for the people who read of it',
};

/**
 * What a person is told of an issue that the schema has no words of its own for: what is wrong and what to write instead.
 * `undefined` leaves it to zod. For `safeParse`'s `error`.
 */
export function explainIssue(issue: z.core.$ZodRawIssue): string | undefined {
  const { input } = issue;
  const name = String(issue.path?.at(-1) ?? '');
  if (issue.code === 'invalid_union' && Array.isArray(issue.options)) {
    const given = (input as Record<string, unknown> | undefined)?.[name];
    return `${given == null ? 'is missing' : isPlainWord(given) ? `there is no "${given}"` : 'there is no such thing'}: it is one of ${issue.options.join(', ')}`;
  }
  if (issue.code !== 'invalid_type' && issue.code !== 'invalid_union') return undefined;
  const expected = issue.code === 'invalid_type' ? String(issue.expected) : '';
  if (input == null) {
    if (issue.path === undefined || issue.path.length === 0) return 'is empty: the README shows a settings file';
    const hint = HINTS[name] ?? (issue.code === 'invalid_union' ? DURATION_HINT : NOUNS[expected]);
    return `${input === undefined ? 'is missing' : 'is empty'}: ${hint ? `write ${hint}` : 'the README shows an example'}`;
  }
  if (issue.code === 'invalid_union') return HINTS[name] ? `must be ${HINTS[name]}` : undefined;
  if (expected === 'string' && typeof input !== 'object') return `must be text: write it in quotes, "${String(input)}"`;
  const noun = NOUNS[expected];
  return noun === undefined ? undefined : `must be ${noun}, not ${kindOf(input)}`;
}

/** What is in the wrong place may be a secret, a robot's URL above all: only what cannot be one is repeated. */
function isPlainWord(input: unknown): input is string {
  return typeof input === 'string' && /^[a-z-]{1,20}$/i.test(input);
}

function kindOf(input: unknown): string {
  if (typeof input === 'string') return isPlainWord(input) ? `"${input}"` : 'text';
  if (Array.isArray(input)) return 'a list';
  return typeof input === 'object' ? 'settings' : String(input);
}

/** What zod expects, as people call it. */
const NOUNS: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list (lines that begin with "- ")',
  object: 'settings, one "name: value" a line below it',
  record: 'settings, one "name: value" a line below it',
};
