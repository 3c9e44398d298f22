import { once } from 'node:events';
import { csvLine } from '../usecases/export-history.ts';
import type { ExportRecord } from '../usecases/export-records.ts';
import type { Page, PageWords } from '../usecases/query-paging.ts';
import type { CommandContext } from './command-context.ts';
import type { Format } from './query-flags.ts';
import { renderTable, type TableColumn } from './table.ts';

export { csvLine };

export interface RowPrinter<Row, Column extends string> {
  format: Format;
  /** Of the table. */
  columns: readonly TableColumn<Row>[];
  /** Of the other forms. */
  fields: readonly Column[];
  record(row: Row): ExportRecord<Column>;
  /** Said on stderr where a table has no rows. */
  nothing: string;
  /** True where rows were printed before: no header then, and nothing is said where there are no more. */
  goesOn?: boolean;
}

/** Prints rows as they come; only a table is held back, for its widths need all of them. Gives back how many there were. */
export async function printRows<Row, Column extends string>(
  context: CommandContext,
  rows: AsyncIterable<Row>,
  { format, columns, fields, record, nothing, goesOn = false }: RowPrinter<Row, Column>,
): Promise<number> {
  let count = 0;
  const held: Row[] = [];
  if (format === 'csv' && !goesOn) await write(context, csvLine(fields));
  for await (const row of rows) {
    count++;
    if (format === 'table') held.push(row);
    else if (format === 'ndjson') await write(context, `${JSON.stringify(record(row))}\n`);
    else if (format === 'json') await write(context, `${count === 1 ? '[' : ','}\n  ${JSON.stringify(record(row))}`);
    else {
      const values = record(row);
      await write(context, csvLine(fields.map((field) => values[field])));
    }
  }
  if (format === 'json') await write(context, count === 0 ? '[]\n' : '\n]\n');
  if (format === 'table') {
    if (count === 0 && !goesOn) context.stderr.write(`${nothing}\n`);
    if (count > 0) await write(context, renderTable(held, columns, context.stdout.columns));
  }
  return count;
}

async function write(context: CommandContext, text: string): Promise<void> {
  if (!context.stdout.write(text)) await once(context.stdout, 'drain');
}

const LARGEST_PAGE = 500;

/** The pages of a list one after the other, at most `limit` rows (0: all). Says on stderr where there are more. */
export async function* allPages<Row, Words extends object>(
  context: CommandContext,
  list: (words: Words & PageWords) => Promise<Page<Row>>,
  words: Words,
  limit: number,
): AsyncGenerator<Row> {
  let left = limit === 0 ? Number.POSITIVE_INFINITY : limit;
  let cursor: string | undefined;
  for (;;) {
    const page = await list({ ...words, cursor, limit: Math.min(left, LARGEST_PAGE) });
    yield* page.data;
    left -= page.data.length;
    if (page.next === null) return;
    if (left <= 0) {
      context.stderr.write(`There are more than ${limit} rows; --limit 0 prints all of them.\n`);
      return;
    }
    cursor = page.next;
  }
}

/** `2026-11-24 02:46:26`, UTC. */
export function shortTime(instant: number | null): string | null {
  return instant === null ? null : new Date(instant).toISOString().slice(0, 19).replace('T', ' ');
}

/** `12s ago`. */
export function ago(instant: number | null): string | null {
  return instant === null ? null : `${duration(Date.now() - instant)} ago`;
}

/** `1h 02m`, `45s`, `0.8s`. */
export function duration(milliseconds: number | null): string | null {
  if (milliseconds === null) return null;
  const seconds = milliseconds / 1_000;
  if (Math.abs(seconds) < 10) return `${seconds.toFixed(1)}s`;
  if (Math.abs(seconds) < 120) return `${Math.round(seconds)}s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  return hours < 48
    ? `${hours}h ${String(minutes % 60).padStart(2, '0')}m`
    : `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

/** `99.97 %`, never rounded up to 100. */
export function percent(share: number | null): string | null {
  return share === null ? null : `${(Math.floor(share * 10_000) / 100).toFixed(2)} %`;
}
