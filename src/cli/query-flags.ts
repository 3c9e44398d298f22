import { type Command, InvalidArgumentError, Option } from 'commander';
import ms from 'ms';
import { type Instant, parseInstant } from '../core/instant.ts';

/** Flags that every query command shares: which streams, which time, how many rows, which form. */

const FORMATS = ['table', 'json', 'csv', 'ndjson'] as const;
export type Format = (typeof FORMATS)[number];

export interface ScopeFlags {
  domain?: string[];
  app?: string[];
  stream?: string[];
}

export interface WindowFlags {
  from?: Instant;
  to?: Instant;
  /** Milliseconds. */
  last?: number;
}

export interface FormatFlags {
  format: Format;
}

export function withDomain(command: Command): Command {
  return command.option('--domain <name>', 'main streaming domain; may be given more than once', collectDomain);
}

export function withScope(command: Command): Command {
  return withDomain(command)
    .option('--app <name>', 'app; may be given more than once', collect)
    .option('--stream <name>', 'stream; may be given more than once', collect);
}

export function withWindow(command: Command): Command {
  return command
    .option('--from <time>', 'start, inclusive, e.g. 2026-11-24T02:00:00Z', instant)
    .option('--to <time>', 'end, exclusive', instant)
    .option('--last <span>', 'instead of --from and --to: the time up to now, e.g. 15m, 24h, 7d', span);
}

export function withFormat(command: Command): Command {
  return command.addOption(
    new Option('--format <format>', 'how to print').choices([...FORMATS]).default('table' satisfies Format),
  );
}

export function withLimit(command: Command, rows: number): Command {
  return command.option('--limit <rows>', 'at most so many rows, 0 for all', wholeNumber, rows);
}

export function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

/** Domains are kept in lower case. */
export function domainName(text: string): string {
  return text.toLowerCase();
}

function collectDomain(text: string, before: string[] | undefined): string[] {
  return collect(domainName(text), before);
}

export function instant(text: string): Instant {
  const value = parseInstant(text);
  if (value === null) throw new InvalidArgumentError('Write a time with its zone, like 2026-11-24T02:00:00Z.');
  if (value < 0 || value >= LATEST) throw new InvalidArgumentError('Write a time from 1970 to 9998.');
  return value;
}

/** As in the API: what cursors and PostgreSQL hold. */
const LATEST = Date.UTC(9999, 0, 1);

export function span(text: string): number {
  if (!/^\d{1,9}(s|m|h|d)$/.test(text)) throw new InvalidArgumentError('Write a span like 90s, 15m, 24h or 7d.');
  const value = ms(text as ms.StringValue);
  if (value > LONGEST_SPAN_MS) throw new InvalidArgumentError('Write a span of at most 3660d.');
  return value;
}

/** As in the API: ten years. */
const LONGEST_SPAN_MS = 3_660 * 86_400_000;

/** An id or a number of rows: what an `integer` of PostgreSQL holds. */
export const wholeNumber = wholeNumberTo(2_147_483_647);

export function wholeNumberTo(most: number): (text: string) => number {
  return (text) => {
    if (!/^\d{1,16}$/.test(text) || Number(text) > most) {
      throw new InvalidArgumentError(`Write a whole number, at most ${most}.`);
    }
    return Number(text);
  };
}

/** One of a closed set, may be given more than once. */
export function oneOf<Word extends string>(words: readonly Word[]) {
  return (text: string, before: Word[] | undefined): Word[] => {
    const word = words.find((each) => each === text);
    if (word === undefined) throw new InvalidArgumentError(`It is one of ${words.join(', ')}.`);
    return [...(before ?? []), word];
  };
}
