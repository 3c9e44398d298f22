import { Readable } from 'node:stream';
import { z } from 'zod';
import { type DeliveryReports, REPORT_LEVELS } from '../../usecases/delivery-report.ts';
import { EXPORT_FORMATS, type ExportFormat, type Exports } from '../../usecases/export-history.ts';
import { REPORT_FORMATS, type ReportFormat, renderDeliveryReport } from '../../usecases/render-delivery-report.ts';
import { captureFilters } from './capture-routes.ts';
import { coverageFilters } from './coverage-routes.ts';
import { defineRoute, type Route, StreamedBody } from './define-route.ts';
import { gapFilters } from './gap-routes.ts';
import { scopeFilters, window } from './schemas.ts';

const CONTENT_TYPES: Record<ExportFormat, string> = {
  csv: 'text/csv; charset=utf-8',
  ndjson: 'application/x-ndjson',
};

const REPORT_TYPES: Record<ReportFormat, string> = {
  csv: 'text/csv; charset=utf-8',
  json: 'application/json',
  html: 'text/html; charset=utf-8',
};

const shared = {
  ...window,
  ...scopeFilters,
  format: z.enum(EXPORT_FORMATS).optional().meta({ description: '`csv` where not given.' }),
  cursor: z
    .string()
    .min(1)
    .max(2_000)
    .optional()
    .meta({ description: 'Go on after this row: its `id` (captures, gaps) or `cursor` (coverage); no header then.' }),
};

const DESCRIPTION =
  'Streamed at constant memory. When the connection breaks, ask again with the cursor of the last whole line, and with ' +
  'the same `from` and `to`: `last` is counted from the moment of asking, so rows at the old edge would drop out.';

export function exportRoutes(exports: Exports, reports: DeliveryReports): Route[] {
  const response = { contentTypes: Object.values(CONTENT_TYPES) };
  return [
    defineRoute({
      method: 'get',
      path: '/exports/captures',
      scope: 'read',
      tag: 'exports',
      summary: 'Export captures, by stream, oldest first',
      description: DESCRIPTION,
      query: z.strictObject({ ...shared, ...captureFilters }),
      response,
      handler: async ({ query: { format, minDelay, maxDelay, ...words } }) =>
        file('captures', format, (form) =>
          exports.captures({ ...words, minDelayMs: minDelay, maxDelayMs: maxDelay }, form),
        ),
    }),
    defineRoute({
      method: 'get',
      path: '/exports/gaps',
      scope: 'read',
      tag: 'exports',
      summary: 'Export gaps, newest first',
      description: DESCRIPTION,
      query: z.strictObject({ ...shared, ...gapFilters }),
      response,
      handler: async ({ query: { format, ...words } }) => file('gaps', format, (form) => exports.gaps(words, form)),
    }),
    defineRoute({
      method: 'get',
      path: '/exports/coverage',
      scope: 'read',
      tag: 'exports',
      summary: 'Export coverage',
      description: DESCRIPTION,
      query: z.strictObject({ ...shared, ...coverageFilters }),
      response,
      handler: async ({ query: { format, ...words } }) =>
        file('coverage', format, (form) => exports.coverage(words, form)),
    }),
    defineRoute({
      method: 'get',
      path: '/exports/report',
      scope: 'read',
      tag: 'exports',
      summary: 'The delivery report of a month',
      description:
        'Per domain, app and stream. The page (`format=html`) is made to be printed; `format=json` also lists the longest ' +
        'faults, one a stream.',
      query: z.strictObject({
        ...scopeFilters,
        month: z
          .string()
          .regex(/^\d{4}-\d{2}$/, 'must be a month such as 2026-11')
          .meta({ examples: ['2026-11'] }),
        format: z.enum(REPORT_FORMATS).optional().meta({ description: '`csv` where not given.' }),
        level: z
          .enum(REPORT_LEVELS)
          .optional()
          .meta({ description: 'Rows down to this one; `stream` where not given.' }),
      }),
      response: { contentTypes: Object.values(REPORT_TYPES) },
      handler: async ({ query: { month, format = 'csv', level = 'stream', ...scope } }) => {
        const report = await reports(month, scope);
        const levels = REPORT_LEVELS.slice(0, REPORT_LEVELS.indexOf(level) + 1);
        const rows = report.rows.filter((row) => levels.includes(row.level));
        const text = renderDeliveryReport({ ...report, rows }, format);
        return new StreamedBody({
          contentType: REPORT_TYPES[format],
          // A page is looked at, a file is kept.
          ...(format === 'html' ? {} : { fileName: `snapaudit-delivery-${month}.${format}` }),
          stream: Readable.from([text]),
        });
      },
    }),
  ];
}

/** The first chunk is read before the answer begins: a bad cursor is still a 400 then. */
async function file(
  name: string,
  format: ExportFormat = 'csv',
  lines: (format: ExportFormat) => AsyncIterable<Buffer | string>,
): Promise<StreamedBody> {
  const iterator = lines(format)[Symbol.asyncIterator]();
  const first = await iterator.next();
  return new StreamedBody({
    contentType: CONTENT_TYPES[format],
    fileName: `snapaudit-${name}.${format}`,
    stream: restOf(first, iterator),
  });
}

/**
 * `first` and what follows it. Where the client goes, the iterator ends, so that whatever is open below closes. `Readable.from`
 * would not see to that where the client has gone before anything was read: a generator that was never begun ends without its `finally`.
 */
function restOf(first: IteratorResult<Buffer | string>, iterator: AsyncIterator<Buffer | string>): Readable {
  let ahead: IteratorResult<Buffer | string> | null = first;
  const next = async () => {
    const result = ahead ?? (await iterator.next());
    ahead = null;
    return result;
  };
  return new Readable({
    highWaterMark: 256 * 1024,
    read() {
      next().then(
        ({ done, value }) => this.push(done ? null : value),
        (error) => this.destroy(error),
      );
    },
    destroy(error, done) {
      (iterator.return?.() ?? Promise.resolve()).then(
        () => done(error),
        (failure) => done(error ?? failure),
      );
    },
  });
}
