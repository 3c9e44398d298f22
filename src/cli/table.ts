import { stripVTControlCharacters } from 'node:util';
import Table from 'cli-table3';

export interface TableColumn<Row> {
  header: string;
  value(row: Row): string | number | null;
  align?: 'right';
  /** Shown in full while others can be cut. */
  keep?: boolean;
}

/** How wide a table may be where nobody says: wide enough for a file or a pipe. */
const UNLIMITED = 10_000;
const GUTTER = 2;
const NARROWEST = 6;

/** Rows as a table that fits `width` characters: the widest columns give way first, what is cut ends in `…`. */
export function renderTable<Row>(rows: readonly Row[], columns: readonly TableColumn<Row>[], width?: number): string {
  const cells = rows.map((row) => columns.map((column) => printable(column.value(row))));
  const natural = columns.map((column, index) =>
    Math.max(column.header.length, ...cells.map((line) => displayLength(line[index]!))),
  );
  const fitted = fitWidths(natural, columns, (width ?? UNLIMITED) - GUTTER * (columns.length - 1));
  const table = new Table({
    head: columns.map((column) => column.header),
    colWidths: fitted.map((each) => each + GUTTER),
    colAligns: columns.map((column) => column.align ?? 'left'),
    chars: NO_LINES,
    style: { 'padding-left': 0, 'padding-right': GUTTER, head: [], border: [] },
  });
  for (const line of cells) table.push(line);
  return `${table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`;
}

const NO_LINES = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
    .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'])
    .map((part) => [part, '']),
);

/** Takes from the widest column, one character at a time, until the whole fits; from those to keep only at last. */
function fitWidths(natural: readonly number[], columns: readonly TableColumn<never>[], width: number): number[] {
  const widths = [...natural];
  let excess = widths.reduce((sum, each) => sum + each, 0) - width;
  for (const keep of [false, true]) {
    for (; excess > 0; excess--) {
      let widest = -1;
      for (const [index, each] of widths.entries()) {
        if ((columns[index]!.keep ?? false) !== keep || each <= NARROWEST) continue;
        if (widest === -1 || each > widths[widest]!) widest = index;
      }
      if (widest === -1) break;
      widths[widest]!--;
    }
  }
  return widths;
}

/** Names come from outside: an escape sequence in one must not reach the terminal. */
export function printable(value: string | number | null): string {
  return value === null ? '-' : String(value).replace(CONTROLS, '\ufffd');
}

/** Control characters, line ends and marks that turn the direction of writing. */
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu;

function displayLength(text: string): number {
  return stripVTControlCharacters(text).length;
}
