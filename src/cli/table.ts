import Table from 'cli-table3';
import stringWidth from 'string-width';

export interface TableColumn<Row> {
  header: string;
  value(row: Row): string | number | null;
  align?: 'right';
  /** Shown in full while others can be cut or left out; `whole`: never cut, for half of it says nothing (an instant). */
  keep?: boolean | 'whole';
}

/** How wide a table may be where nobody says: wide enough for a file or a pipe. */
const UNLIMITED = 10_000;
const GUTTER = 2;
const NARROWEST = 6;

/**
 * Rows as a table that fits `width` columns of a terminal (a Chinese character takes two): the widest columns give way first, what is cut ends in `…`; a column that need not be
 * kept is left out before one that must be kept is cut.
 */
export function renderTable<Row>(rows: readonly Row[], columns: readonly TableColumn<Row>[], width?: number): string {
  const texts = rows.map((row) => columns.map((column) => printable(column.value(row))));
  const natural = columns.map((column, index) =>
    Math.max(stringWidth(column.header), ...texts.map((line) => stringWidth(line[index]!))),
  );
  const fitted = fitColumns(natural, columns, width ?? UNLIMITED);
  const table = new Table({
    head: fitted.map(({ index }) => columns[index]!.header),
    colWidths: fitted.map((each) => each.width + GUTTER),
    colAligns: fitted.map(({ index }) => columns[index]!.align ?? 'left'),
    chars: NO_LINES,
    style: { 'padding-left': 0, 'padding-right': GUTTER, head: [], border: [] },
  });
  for (const line of texts) table.push(fitted.map(({ index }) => line[index]!));
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

interface FittedColumn {
  /** Among the given columns. */
  index: number;
  width: number;
}

function fitColumns(natural: readonly number[], columns: readonly TableColumn<never>[], width: number): FittedColumn[] {
  let fitted = natural.map((each, index): FittedColumn => ({ index, width: each }));
  const excess = () => fitted.reduce((sum, each) => sum + each.width + GUTTER, -GUTTER) - width;
  const keepOf = ({ index }: FittedColumn) => columns[index]!.keep ?? false;
  const cut = (keep: boolean) => {
    while (excess() > 0) {
      const candidates = fitted.filter((each) => keepOf(each) === keep && each.width > NARROWEST);
      if (candidates.length === 0) return;
      candidates.reduce((widest, each) => (each.width > widest.width ? each : widest)).width--;
    }
  };
  cut(false);
  while (excess() > 0) {
    const least = fitted.find((each) => keepOf(each) === false);
    if (!least) break;
    fitted = fitted.filter((each) => each !== least);
  }
  cut(true);
  return fitted;
}

/** Names come from outside: an escape sequence in one must not reach the terminal. */
export function printable(value: string | number | null): string {
  return value === null ? '-' : String(value).replace(CONTROLS, '\ufffd');
}

/** Control characters, line ends and marks that turn the direction of writing. */
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu;
