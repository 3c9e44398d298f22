import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Mode } from '../../core/capture.ts';
import { CAPTURE_FLAGS, sourcesOf } from '../../core/capture-flags.ts';
import {
  type CaptureRest,
  type CaptureShape,
  decodeCapture,
  parseRest,
  reproduceBody,
  type StoredRow,
} from '../../core/capture-shape.ts';
import type { CaptureOrigin, VerdictLabels, VerdictStretch } from '../../core/capture-verdict.ts';
import type { Instant } from '../../core/instant.ts';
import type { CaptureFilter, CaptureRead, CaptureReads, KnownStream, StoredRun } from '../../ports.ts';
import { afterStream, all, inScope, within } from './query-scope.ts';
import type { Tables } from './tables.ts';
import { timestamp } from './timestamp.ts';

interface Row {
  captured_at: Instant;
  discriminator: number;
  delay_ms: number;
  shape_id: number;
  deliveries: number;
  flags: number;
  told_ms: number;
  rest: string;
}

export function captureReads(db: Kysely<Tables>): CaptureReads {
  const { shapes, overwriteShapes } = shapeCache(db);
  return {
    async streamsWithCaptures({ filter, window, after, limit }) {
      // Not `exists`: the order asks for the index, where a planner with few statistics would read the table per stream.
      const { rows } = await sql<KnownStream>`
        select s.id, s.domain, s.app, s.stream, s.first_seen_at as "firstSeenAt" from streams s
        cross join lateral (
          select from captures c where c.stream_id = s.id and ${within(sql`c.captured_at`, window)}
          order by c.captured_at limit 1
        ) one
        where ${all([inScope(filter), afterStream(after)])}
        order by s.domain, s.app, s.stream limit ${limit}`.execute(db);
      return rows;
    },

    async captureRows({ stream, window, filter, order, after, limit }) {
      const newest = order === 'newest';
      const direction = newest ? sql`desc` : sql`asc`;
      const beyond = newest ? sql`<` : sql`>`;
      const { rows } = await sql<Row>`
        select c.captured_at, c.discriminator, c.delay_ms, c.shape_id, c.deliveries, c.flags, c.told_ms, c.rest
        from captures c
        where ${all([
          sql`c.stream_id = ${stream.id}`,
          within(sql`c.captured_at`, window),
          // The plain comparison lets the planner drop partitions, which it does not do for a pair.
          after ? sql`c.captured_at ${beyond}= ${timestamp(after.capturedAt)}` : null,
          after
            ? sql`(c.captured_at, c.discriminator) ${beyond} (${timestamp(after.capturedAt)}, ${after.discriminator})`
            : null,
          ...captureConditions(filter, filter.verdict ? await overwriteShapes() : []),
        ])}
        order by c.captured_at ${direction}, c.discriminator ${direction} limit ${limit}`.execute(db);
      const known = await shapes(rows.map((row) => row.shape_id));
      return rows.map((row) => readOf(row, known.get(row.shape_id)!, stream));
    },

    async callbackBody(stream, { capturedAt, discriminator }) {
      const { rows } = await sql<Row>`
        select captured_at, discriminator, delay_ms, shape_id, deliveries, flags, told_ms, rest from captures
        where stream_id = ${stream.id} and captured_at = ${timestamp(capturedAt)} and discriminator = ${discriminator}`.execute(
        db,
      );
      const [row] = rows;
      if (!row || (row.flags & CAPTURE_FLAGS.fromCallback) === 0) return null;
      const known = await shapes([row.shape_id]);
      return reproduceBody(storedRow(row, parseRest(row.rest)), known.get(row.shape_id)!, stream);
    },

    async streamById(id) {
      const row = await db.selectFrom('streams').selectAll().where('id', '=', id).executeTakeFirst();
      return row
        ? { id: row.id, domain: row.domain, app: row.app, stream: row.stream, firstSeenAt: row.first_seen_at }
        : null;
    },

    async verdictRuns(streamId, window) {
      const [runs, watermark] = await Promise.all([
        sql<StoredRun>`
          select from_at as "from", to_at as "to", verdict, cause, mode, slots, session_started_at as "sessionStartedAt"
          from gaps where ${all([
            sql`stream_id = ${streamId}`,
            window.to === null ? null : sql`from_at < ${timestamp(window.to)}`,
            window.from === null ? null : sql`to_at > ${timestamp(window.from)}`,
          ])} order by from_at, to_at`.execute(db),
        db.selectFrom('watermarks').select('audited_until').where('stream_id', '=', streamId).executeTakeFirst(),
      ]);
      return { runs: runs.rows, auditedUntil: watermark?.audited_until ?? null };
    },
  };
}

const SOURCE_BITS = {
  callback: CAPTURE_FLAGS.fromCallback,
  index: CAPTURE_FLAGS.fromIndex,
  object: CAPTURE_FLAGS.fromObject,
} as const;

/** Conditions on a row `c` of `captures`. */
export function captureConditions(
  filter: CaptureFilter,
  overwriteShapes: readonly number[],
): (RawBuilder<boolean> | null)[] {
  const told = sql`c.flags & ${sql.lit(CAPTURE_FLAGS.fromCallback)} <> 0`;
  const delayed = filter.minDelayMs !== undefined || filter.maxDelayMs !== undefined;
  const bits = (filter.source ?? []).reduce((sum, source) => sum | SOURCE_BITS[source], 0);
  return [
    filter.source ? sql`c.flags & ${sql.lit(bits)} <> 0` : null,
    filter.verified === undefined
      ? null
      : sql`(c.flags & ${sql.lit(CAPTURE_FLAGS.verified)} <> 0) = ${sql.lit(filter.verified)}`,
    delayed ? sql`${told}` : null,
    filter.minDelayMs === undefined ? null : sql`c.delay_ms >= ${filter.minDelayMs}`,
    filter.maxDelayMs === undefined ? null : sql`c.delay_ms <= ${filter.maxDelayMs}`,
    filter.verdict
      ? sql`${captureLabel(filter.verdict.labels, 'verdict', overwriteShapes)} = any(${[...filter.verdict.is]}::text[])`
      : null,
  ];
}

/** The verdict (or cause) of a row `c` of `captures`, worked out inside PostgreSQL. */
export function captureLabel(
  labels: VerdictLabels,
  label: 'verdict' | 'cause',
  overwriteShapes: readonly number[],
): RawBuilder<string> {
  const sequence = originLabel(labels.sequence, label);
  if (overwriteShapes.length === 0) return sequence;
  return sql<string>`(case when c.shape_id = any(${[...overwriteShapes]}::integer[])
    then ${originLabel(labels.overwrite, label)} else ${sequence} end)`;
}

function originLabel(
  stretches: Record<CaptureOrigin, VerdictStretch[]>,
  label: 'verdict' | 'cause',
): RawBuilder<string> {
  return sql<string>`(case when c.flags & ${sql.lit(CAPTURE_FLAGS.fromCallback)} <> 0
    then ${stretchLabel(stretches.callback, label)} else ${stretchLabel(stretches.backfill, label)} end)`;
}

/**
 * The label of the stretch that holds `c.captured_at`, found by binary search. The stretches point into a short list of words:
 * an array of texts is walked from its beginning to reach an element, one of numbers is not.
 */
function stretchLabel(stretches: readonly VerdictStretch[], label: 'verdict' | 'cause'): RawBuilder<string> {
  const [first, ...others] = stretches;
  if (others.length === 0) return sql<string>`${first?.[label] ?? null}::text`;
  const words = [...new Set(stretches.map((stretch) => stretch[label]))];
  const starts = arrayText(others.map((stretch) => new Date(stretch.from).toISOString()));
  const places = arrayText(stretches.map((stretch) => words.indexOf(stretch[label]) + 1));
  return sql<string>`(${arrayText(words)}::text[])[
    (${places}::smallint[])[width_bucket(c.captured_at, ${starts}::timestamptz[]) + 1]]`;
}

/** As PostgreSQL reads an array; only for values without characters that need quoting. */
function arrayText(values: readonly (string | number | null)[]): string {
  return `{${values.map((value) => value ?? 'null').join(',')}}`;
}

function readOf(row: Row, shape: CaptureShape, stream: KnownStream): CaptureRead {
  const rest = row.rest === '' ? null : (JSON.parse(row.rest) as CaptureRest);
  const decoded = decodeCapture(storedRow(row, rest), shape, stream);
  const sources = sourcesOf(row.flags);
  return {
    capturedAt: row.captured_at,
    discriminator: row.discriminator,
    bucket: decoded.bucket,
    endpoint: decoded.endpoint,
    object: decoded.object,
    toldAt: decoded.told,
    receivedAt: sources.includes('callback') ? decoded.receivedAt : null,
    deliveries: row.deliveries,
    verified: (row.flags & CAPTURE_FLAGS.verified) !== 0,
    sources,
    mode: modeOf(shape),
  };
}

function storedRow(row: Row, rest: CaptureRest | null): StoredRow {
  return {
    capturedAt: row.captured_at,
    delayMs: row.delay_ms,
    discriminator: row.discriminator,
    toldMs: row.told_ms,
    rest,
  };
}

function modeOf(shape: CaptureShape): Mode {
  if (shape.overlay !== null) return shape.overlay ? 'overwrite' : 'sequence';
  return shape.template !== null && !/\{(UnixTimestamp|Sequence)\}/.test(shape.template) ? 'overwrite' : 'sequence';
}

/** Shapes are few and never change: each is read once. */
export function shapeCache(db: Kysely<Tables>) {
  const known = new Map<number, CaptureShape>();
  async function read(missing: readonly number[] | null): Promise<void> {
    const rows = await db
      .selectFrom('capture_shapes')
      .select(['id', 'shape'])
      .$if(missing !== null, (query) => query.where('id', 'in', [...(missing ?? [])]))
      .execute();
    for (const row of rows) known.set(row.id, row.shape as CaptureShape);
  }
  return {
    async shapes(ids: readonly number[]): Promise<Map<number, CaptureShape>> {
      const missing = [...new Set(ids)].filter((id) => !known.has(id));
      if (missing.length > 0) await read(missing);
      return known;
    },
    async allShapes(): Promise<Map<number, CaptureShape>> {
      await read(null);
      return known;
    },
    async overwriteShapes(): Promise<number[]> {
      await read(null);
      return [...known].filter(([, shape]) => modeOf(shape) === 'overwrite').map(([id]) => id);
    },
  };
}
