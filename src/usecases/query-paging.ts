import { type CursorValue, decodeCursor, encodeCursor } from '../core/cursor.ts';
import type { Instant } from '../core/instant.ts';
import { resolveWindow, type TimeWindow, type WindowWords } from '../core/time-window.ts';

export interface PageWords {
  /** 1 to 500; 50 where absent. */
  limit?: number | undefined;
  cursor?: string | undefined;
}

export interface Page<Row> {
  data: Row[];
  /** Cursor of the page after; null on the last page. */
  next: string | null;
}

const DEFAULT_LIMIT = 50;

/** How a list is read in pages: by the ordering values of the last row given, never by an offset. */
export interface Paged<Row, Place extends readonly CursorValue[]> {
  /** Name of the list, part of the cursor. */
  list: string;
  /** All parameters; `limit` may change from page to page, the others may not. */
  words: PageWords;
  isPlace(values: readonly CursorValue[]): values is Place;
  placeOf(row: Row): Place;
  /** Rows after the place, in the list's order, at most `limit`. */
  read(after: Place | null, limit: number): Promise<Row[]>;
}

export async function readPage<Row, Place extends readonly CursorValue[]>({
  list,
  words,
  isPlace,
  placeOf,
  read,
}: Paged<Row, Place>): Promise<Page<Row>> {
  const { limit = DEFAULT_LIMIT, cursor, ...filters } = words;
  const after = cursor === undefined ? null : decodeCursor(list, filters, cursor, isPlace);
  // One row more than asked for tells whether there is a page after.
  const rows = await read(after, limit + 1);
  const data = rows.slice(0, limit);
  const last = data.at(-1);
  return { data, next: rows.length > limit && last !== undefined ? encodeCursor(list, filters, placeOf(last)) : null };
}

/** The same over a window of time. The window is fixed by the first page: `last=24h` does not move while someone pages. */
export function readWindowPage<Row, Place extends readonly CursorValue[]>(
  paged: Omit<Paged<Row, Place>, 'words' | 'read'> & {
    words: PageWords & WindowWords;
    now: Instant;
    /** How the words become a window; `resolveWindow` where absent. */
    resolve?(words: WindowWords, now: Instant): TimeWindow;
    read(window: TimeWindow, after: Place | null, limit: number): Promise<Row[]>;
  },
): Promise<Page<Row>> {
  type Fixed = [Instant | null, Instant | null, ...Place];
  let window = (paged.resolve ?? resolveWindow)(paged.words, paged.now);
  return readPage<Row, Fixed>({
    list: paged.list,
    words: paged.words,
    isPlace: (values): values is Fixed =>
      isInstantOrNull(values[0]) && isInstantOrNull(values[1]) && paged.isPlace(values.slice(2)),
    placeOf: (row) => [window.from, window.to, ...paged.placeOf(row)],
    read: (after, limit) => {
      if (after === null) return paged.read(window, null, limit);
      const [from, to, ...place] = after;
      window = { from, to };
      return paged.read(window, place as unknown as Place, limit);
    },
  });
}

/** The cursor that `readWindowPage` would give after a row at `place`. */
export function cursorAfter(list: string, words: PageWords, window: TimeWindow, place: readonly CursorValue[]): string {
  const { limit: _limit, cursor: _cursor, ...filters } = words;
  return encodeCursor(list, filters, [window.from, window.to, ...place]);
}

const LATEST = Date.UTC(9999, 0, 1);

/** Within what PostgreSQL and RFC 3339 both hold. */
export function isInstant(value: CursorValue | undefined): value is Instant {
  return typeof value === 'number' && value >= 0 && value < LATEST;
}

function isInstantOrNull(value: CursorValue | undefined): boolean {
  return value === null || isInstant(value);
}

export function isId(value: CursorValue | undefined): value is number {
  return typeof value === 'number' && value >= 0 && value <= 2_147_483_647;
}

/** Tells captures of one instant apart; an `integer` of PostgreSQL. */
export function isDiscriminator(value: CursorValue | undefined): value is number {
  return typeof value === 'number' && value >= -2_147_483_648 && value <= 2_147_483_647;
}

export function isText(value: CursorValue | undefined): value is string {
  return typeof value === 'string';
}

/** The place of a list in the order of its rows' numbers. */
export function isRowNumber(values: readonly CursorValue[]): values is [number] {
  return values.length === 1 && typeof values[0] === 'number' && values[0] >= 0;
}
