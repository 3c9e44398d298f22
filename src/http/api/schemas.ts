import ms from 'ms';
import { z } from 'zod';
import { formatInstant, parseInstant } from '../../core/instant.ts';
import { fromPathSegment } from '../../core/path-segment.ts';

/** Words that every route shares. Instants are RFC 3339 outside and `Instant` inside, both ways. */

const EARLIEST = Date.UTC(1970, 0, 1);
const LATEST = Date.UTC(9999, 0, 1);

export const instant = z
  .codec(
    z
      .string()
      .max(40)
      .refine((text) => inRange(parseInstant(text)), 'must be RFC 3339 with a zone, e.g. 2026-11-24T02:00:00Z')
      .meta({ format: 'date-time' }),
    z.number(),
    { decode: (text) => parseInstant(text) ?? Number.NaN, encode: (value) => formatInstant(value) },
  )
  .meta({ examples: ['2026-11-24T02:00:00.000Z'] });

function inRange(value: number | null): boolean {
  return value !== null && value >= EARLIEST && value < LATEST;
}

/** A name as people filter by: domain, app, stream. No control characters: PostgreSQL holds no NUL. */
export const name = z
  .string()
  .min(1)
  .max(512)
  .regex(/^\P{Cc}+$/u, 'must hold no control characters');

/** Domains are kept in lower case. */
export const domainName = name.toLowerCase();

/** The same as a segment of a path. */
export const nameInPath = name
  .transform(fromPathSegment)
  .meta({ description: 'A name that is `.` or `..` is written `~.` or `~..`: clients resolve it away otherwise.' });

/** A whole number in a query string, as digits only. */
export function wholeNumber(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,15}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .pipe(z.number().min(min).max(max))
    .meta({ type: 'integer', minimum: min, maximum: max });
}

/** `true` or `false` in a query string. */
export const flag = z
  .enum(['true', 'false'])
  .transform((text) => text === 'true')
  .meta({ type: 'boolean' });

/** A span such as `90s`, `24h`, `7d` in a query string; milliseconds inside. At most ten years. */
export const span = z
  .string()
  .regex(/^\d{1,9}(s|m|h|d)$/, 'must be a span such as 90s, 15m, 24h or 7d')
  .transform((text) => ms(text as ms.StringValue))
  .pipe(z.number().max(3660 * 86_400_000, 'must be at most 3660d'))
  .meta({ examples: ['24h'] });

/** `limit` and `cursor` of every list. */
export const paging = {
  limit: wholeNumber(1, 500).optional().meta({ description: 'Rows on a page, 50 where not given.' }),
  cursor: z
    .string()
    .min(1)
    .max(2_000)
    .optional()
    .meta({ description: '`next` of the page before; opaque, bound to the other parameters.' }),
};

/** `from`, `to` (half-open) or `last`. */
export const window = {
  from: instant.optional().meta({ description: 'Start, inclusive.' }),
  to: instant.optional().meta({ description: 'End, exclusive.' }),
  last: span.optional().meta({ description: 'Instead of from and to: the time up to now, e.g. `24h`.' }),
};

/** Which streams: repeated keys are alternatives. */
export const scopeFilters = {
  domain: z.array(domainName).max(100).optional().meta({ description: 'Main streaming domain.' }),
  app: z.array(name).max(100).optional(),
  stream: z.array(name).max(100).optional(),
};

/** `{data, next}`; `next` is null on the last page. */
export function page<Row extends z.ZodType>(row: Row) {
  return z.object({ data: z.array(row), next: z.string().nullable() });
}

/** Names of one stream in an answer. */
export const streamNames = { domain: z.string(), app: z.string(), stream: z.string() };
