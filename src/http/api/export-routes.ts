import { Readable } from 'node:stream';
import { z } from 'zod';
import { EXPORT_FORMATS, type ExportFormat, type Exports } from '../../usecases/export-history.ts';
import { captureFilters } from './capture-routes.ts';
import { coverageFilters } from './coverage-routes.ts';
import { defineRoute, type Route, StreamedBody } from './define-route.ts';
import { gapFilters } from './gap-routes.ts';
import { scopeFilters, window } from './schemas.ts';

const CONTENT_TYPES: Record<ExportFormat, string> = {
  csv: 'text/csv; charset=utf-8',
  ndjson: 'application/x-ndjson',
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
  'Streamed at constant memory. When the connection breaks, ask again with the cursor of the last whole line.';

export function exportRoutes(exports: Exports): Route[] {
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
  async function* all() {
    try {
      for (let next = first; !next.done; next = await iterator.next()) yield next.value;
    } finally {
      // The client has gone: whatever is open below closes.
      await iterator.return?.();
    }
  }
  return new StreamedBody({
    contentType: CONTENT_TYPES[format],
    fileName: `snapaudit-${name}.${format}`,
    stream: Readable.from(all(), { objectMode: false, highWaterMark: 256 * 1024 }),
  });
}
