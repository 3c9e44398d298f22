import { stringify } from 'csv-stringify/sync';
import { RefusalError } from '../core/refusal.ts';
import { resolveWindow } from '../core/time-window.ts';
import type { CaptureExports, CapturePlace, CaptureReads, Clock, KnownStream } from '../ports.ts';
import {
  CAPTURE_COLUMNS,
  COVERAGE_COLUMNS,
  coverageRecord,
  type ExportRecord,
  type ExportValue,
  GAP_COLUMNS,
  gapRecord,
} from './export-records.ts';
import { type CaptureWords, labelsOf, parseCaptureId } from './query-captures.ts';
import { type CoverageWords, coverageCursor } from './query-coverage.ts';
import type { GapWords } from './query-gaps.ts';
import type { Queries } from './query-history.ts';
import type { Page, PageWords } from './query-paging.ts';

export const EXPORT_FORMATS = ['csv', 'ndjson'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface ExportDeps {
  reads: CaptureReads & CaptureExports;
  queries: Queries;
  clock: Clock;
}

type Chunk = Buffer | string;
type Export<Words> = (words: Omit<Words, 'limit'>, format: ExportFormat) => AsyncIterable<Chunk>;

const STREAMS_AT_ONCE = 200;
const ROWS_AT_ONCE = 500;

/**
 * The history as files. Every export is in a fixed order and says in each row where it could go on (`id` of captures and
 * gaps, `cursor` of coverage): handed back as `cursor`, that row is the last one that is not written again. The header of a CSV
 * file is only written at the beginning.
 */
export function exportHistory({ reads, queries, clock }: ExportDeps) {
  const captures: Export<CaptureWords> = async function* (words, format) {
    const window = resolveWindow(words, clock.now());
    const { cursor, verdict, source, verified, minDelayMs, maxDelayMs, domain, app, stream: name } = words;
    const scope = { domain, app, stream: name };
    async function* linesOf(stream: KnownStream, after: CapturePlace | null): AsyncGenerator<Chunk> {
      const labels = await labelsOf(reads, stream.id, window);
      const filter = { source, verified, minDelayMs, maxDelayMs, verdict: verdict && { is: verdict, labels } };
      yield* reads.captureLines({ stream, window, filter, labels, after, format });
    }
    let after: KnownStream | null = null;
    if (cursor === undefined) {
      if (format === 'csv') yield csvLine(CAPTURE_COLUMNS);
    } else {
      const place = parseCaptureId(cursor);
      after = place && (await reads.streamById(place.streamId));
      if (!place || !after) throw new RefusalError('bad-cursor', 'The cursor is not the id of a capture.');
      yield* linesOf(after, place);
    }
    for (;;) {
      const streams = await reads.streamsWithCaptures({ filter: scope, window, after, limit: STREAMS_AT_ONCE });
      for (const stream of streams) yield* linesOf(stream, null);
      if (streams.length < STREAMS_AT_ONCE) return;
      after = streams.at(-1)!;
    }
  };

  const gaps: Export<GapWords> = (words, format) =>
    pages(
      queries.gaps,
      { ...words, cursor: words.cursor && queries.gapCursor(words.cursor, words) },
      {
        format,
        columns: GAP_COLUMNS,
        record: gapRecord,
      },
    );

  const coverage: Export<CoverageWords> = async function* (words, format) {
    let cursor = words.cursor;
    for (;;) {
      const page = await queries.coverage({ ...words, cursor, limit: ROWS_AT_ONCE });
      // Only now: a query that is refused must not have begun to answer.
      if (format === 'csv' && cursor === undefined) yield csvLine([...COVERAGE_COLUMNS, 'cursor']);
      for (const row of page.data) {
        const record = { ...coverageRecord(row), cursor: coverageCursor(words, page, row) };
        yield format === 'csv' ? csvLine(Object.values(record)) : `${JSON.stringify(record)}\n`;
      }
      if (page.next === null) return;
      cursor = page.next;
    }
  };

  return { captures, gaps, coverage };
}

export type Exports = ReturnType<typeof exportHistory>;

async function* pages<Row, Words extends PageWords, Column extends string>(
  list: (words: Words) => Promise<Page<Row>>,
  words: Words,
  form: {
    format: ExportFormat;
    columns: readonly Column[];
    record(row: Row): ExportRecord<Column>;
  },
): AsyncGenerator<string> {
  let { cursor } = words;
  for (;;) {
    const page = await list({ ...words, cursor, limit: ROWS_AT_ONCE });
    if (form.format === 'csv' && cursor === undefined) yield csvLine(form.columns);
    for (const row of page.data) {
      const record = form.record(row);
      yield form.format === 'csv'
        ? csvLine(form.columns.map((column) => record[column]))
        : `${JSON.stringify(record)}\n`;
    }
    if (page.next === null) return;
    cursor = page.next;
  }
}

/** A value that a spreadsheet would take for a formula gets a quote in front. */
export function csvLine(values: readonly ExportValue[]): string {
  return stringify([[...values]], { escape_formulas: true, cast: { boolean: (value) => String(value) } });
}
