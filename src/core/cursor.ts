import { createHash } from 'node:crypto';
import { RefusalError } from './refusal.ts';

/** A value of the ordering of a list, as JSON holds it. */
export type CursorValue = string | number | null;

/**
 * Where a list goes on: the ordering values of the last row given, bound to the list and its filters. It holds nothing that
 * the reader has not seen and gives no right, so it is checked, not signed. `filters` must not hold cursor or limit.
 */
export function encodeCursor(list: string, filters: unknown, position: readonly CursorValue[]): string {
  return Buffer.from(JSON.stringify([fingerprint(list, filters), ...position])).toString('base64url');
}

/** The position in a cursor of this very list and filters; `check` says whether its values have the right types. */
export function decodeCursor<Position extends readonly CursorValue[]>(
  list: string,
  filters: unknown,
  cursor: string,
  check: (position: readonly CursorValue[]) => position is Position,
): Position {
  const values = valuesOf(cursor);
  if (!values) throw new RefusalError('bad-cursor', 'The cursor is not one that this service gave out.');
  const [print, ...position] = values;
  if (print !== fingerprint(list, filters)) {
    throw new RefusalError(
      'bad-cursor',
      'The cursor belongs to another list or to other parameters; keep them as they were.',
    );
  }
  if (!check(position)) throw new RefusalError('bad-cursor', 'The cursor is not one that this service gave out.');
  return position;
}

function valuesOf(cursor: string): CursorValue[] | null {
  if (!/^[A-Za-z0-9_-]+$/.test(cursor)) return null;
  try {
    const values: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    const plain = (value: unknown) =>
      value === null || (typeof value === 'string' && !value.includes('\0')) || Number.isSafeInteger(value);
    return Array.isArray(values) && values.every(plain) ? (values as CursorValue[]) : null;
  } catch {
    return null;
  }
}

function fingerprint(list: string, filters: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([list, sorted(filters)]))
    .digest('base64url')
    .slice(0, 12);
}

/** The same filters in any order of keys, absent and undefined alike, give the same text. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, sorted(inner)]);
}
