import { type RawBuilder, sql } from 'kysely';
import { to as copyTo } from 'pg-copy-streams';
import { CAPTURE_FLAGS } from '../../core/capture-flags.ts';
import type { CaptureShape } from '../../core/capture-shape.ts';
import type { CaptureExports, KnownStream } from '../../ports.ts';
import type { Database } from './database.ts';
import { inlineParameters } from './inline-parameters.ts';
import { captureConditions, captureLabel, shapeCache } from './query-captures.ts';
import { all, within } from './query-scope.ts';
import { timestamp } from './timestamp.ts';

type Text = RawBuilder<string>;

/** More shapes than this in all: only those that the stream has are looked up. */
const FEW_SHAPES = 30;

/**
 * Captures of one stream as lines, made inside PostgreSQL and streamed by COPY: a row never becomes an object here, which is
 * what makes a hundred thousand a second possible. What stands in a line is the same as in usecases/export-records.ts; a test
 * compares the two.
 */
export function createCaptureExports({ db, pool }: Pick<Database, 'db' | 'pool'>): CaptureExports {
  const { shapes: shapesById, allShapes, overwriteShapes } = shapeCache(db);

  async function shapesOf(stream: KnownStream): Promise<[number, CaptureShape][]> {
    const known = await allShapes();
    if (known.size <= FEW_SHAPES) return [...known];
    const { rows } = await sql<{ shape_id: number }>`
      select distinct shape_id from captures where stream_id = ${stream.id}`.execute(db);
    const own = await shapesById(rows.map((row) => row.shape_id));
    return rows.map((row) => [row.shape_id, own.get(row.shape_id)!]);
  }

  return {
    async *captureLines({ stream, window, filter, labels, after, format }) {
      const shapes = await shapesOf(stream);
      const columns = captureColumns(stream, shapes, {
        verdict: captureLabel(labels, 'verdict', await overwriteShapes()),
        cause: captureLabel(labels, 'cause', await overwriteShapes()),
      });
      const line =
        format === 'csv'
          ? sql.join(columns.map(([, value, kind]) => (kind ? AS_TEXT[kind](value) : value)))
          : sql`json_build_object(${sql.join(columns.flatMap(([name, value]) => [sql.lit(name), value]))})::text`;
      // `offset 0` keeps the three apart: the long expressions are planned once, not once per partition, and what several of
      // them need is worked out once a row.
      const query = sql`select ${line} from (
        select *, ${MILLISECONDS} as ms, ${objectColumn(stream, shapes)} as object from (
        select * from captures c
        where ${all([
          sql`c.stream_id = ${stream.id}`,
          within(sql`c.captured_at`, window),
          after ? sql`c.captured_at >= ${timestamp(after.capturedAt)}` : null,
          after
            ? sql`(c.captured_at, c.discriminator) > (${timestamp(after.capturedAt)}, ${after.discriminator})`
            : null,
          ...captureConditions(filter, await overwriteShapes()),
        ])} order by c.captured_at, c.discriminator offset 0
        ) c offset 0
      ) c`;
      // JSON has no control characters, so with these two nothing in it is ever quoted.
      const options = format === 'csv' ? '' : `, quote e'\\x01', delimiter e'\\x02'`;
      const text = `copy (${inlineParameters(query.compile(db))}) to stdout (format csv${options})`;
      const client = await pool.connect();
      let finished = false;
      try {
        // Compiling the long expressions anew for every stream would cost more than it saves.
        await client.query('set jit = off');
        for await (const chunk of client.query(copyTo(text))) yield chunk as Buffer;
        finished = true;
      } finally {
        // A COPY that nobody reads to its end cannot be taken back but with its connection.
        client.release(!finished);
      }
    },
  };
}

/**
 * What a body had besides may hold what PostgreSQL reads in no JSON (a NUL, half of a surrogate pair: JSON.stringify writes both as
 * `\u....`) or in no `jsonb` (a number out of all bounds). Nothing that is exported does.
 */
const REST = sql`(case when position('\\u' in c.rest) > 0
  then regexp_replace(c.rest, '(\\\\\\\\)|\\\\u[0-9a-fA-F]{4}', '\\1', 'g') else c.rest end)::json`;

/** Name, expression over a row `c` of `captures`, and what CSV needs to know: a text from outside, or a boolean. */
type Column = [name: string, value: RawBuilder<unknown>, kind?: 'foreign' | 'boolean'];

const AS_TEXT = {
  // A spreadsheet would take such a text for a formula; csv-stringify puts the same quote in front.
  foreign: (value: RawBuilder<unknown>) =>
    sql`case when ${value} ~ e'^[=+@\\t\\r\uff1d\uff0b\uff0d\uff20-]' then '''' || ${value} else ${value} end`,
  boolean: (value: RawBuilder<unknown>) => sql`case when ${value} then 'true' else 'false' end`,
};

function captureColumns(stream: KnownStream, shapes: Shapes, labels: { verdict: Text; cause: Text }): Column[] {
  const told = sql<boolean>`c.flags & ${sql.lit(CAPTURE_FLAGS.fromCallback)} <> 0`;
  const receivedAt = sql<string>`case when c.rest like '%"receivedAt"%' and ${REST} -> 'receivedAt' is not null
    then to_timestamp((${REST} ->> 'receivedAt')::double precision / 1000)
    else c.captured_at + c.delay_ms * interval '1 millisecond' end`;
  const delay = sql`case when c.rest like '%"receivedAt"%' and ${REST} -> 'receivedAt' is not null
    then (${REST} ->> 'receivedAt')::bigint - c.ms else c.delay_ms end`;
  return [
    ['id', sql`${`${stream.id}-`}::text || c.ms::text || '-' || c.discriminator::text`],
    ['domain', sql`${stream.domain}::text`, 'foreign'],
    ['app', sql`${stream.app}::text`, 'foreign'],
    ['stream', sql`${stream.stream}::text`, 'foreign'],
    ['capturedAt', rfc3339(sql`c.captured_at`)],
    ['receivedAt', sql`case when ${told} then ${rfc3339(receivedAt)} end`],
    ['delayMs', sql`case when ${told} then ${delay} end`],
    ['verdict', labels.verdict],
    ['cause', labels.cause],
    [
      'bucket',
      restOr(
        'bucket',
        perShape(shapes, (shape) => sql`${shape.bucket}::text`),
      ),
      'foreign',
    ],
    [
      'endpoint',
      restOr(
        'endpoint',
        perShape(shapes, (shape) => sql`${shape.endpoint}::text`),
      ),
      'foreign',
    ],
    ['object', sql`c.object`, 'foreign'],
    ['sources', sourceNames()],
    ['verified', sql`(c.flags & ${sql.lit(CAPTURE_FLAGS.verified)} <> 0)`, 'boolean'],
    ['deliveries', sql`c.deliveries`],
  ];
}

/**
 * Half as dear as `to_char`. Instants are whole milliseconds: the microsecond makes PostgreSQL write all six digits, of which
 * three are kept, inside the quotes of JSON.
 */
function rfc3339(value: RawBuilder<unknown>): Text {
  return sql<string>`substr(to_json(${value} at time zone 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z'`;
}

const MILLISECONDS = sql`round(date_part('epoch', c.captured_at) * 1000)::bigint`;

type Shapes = readonly [number, CaptureShape][];

function perShape(shapes: Shapes, value: (shape: CaptureShape) => RawBuilder<unknown>): RawBuilder<unknown> {
  if (shapes.length === 0) return sql`null::text`;
  const cases = shapes.map(([id, shape]) => sql`when ${id} then ${value(shape)}`);
  return sql`case c.shape_id ${sql.join(cases, sql` `)} end`;
}

function restOr(key: 'object' | 'bucket' | 'endpoint', value: RawBuilder<unknown>): RawBuilder<unknown> {
  const name = sql.lit(key);
  return sql`case when c.rest <> '' and ${REST} -> ${name} is not null then ${REST} ->> ${name} else ${value} end`;
}

function objectColumn(stream: KnownStream, shapes: Shapes): RawBuilder<unknown> {
  return restOr(
    'object',
    perShape(shapes, (shape) => objectName(shape, stream)),
  );
}

/** As `renderName` of core/object-stamp.ts does, inside PostgreSQL. */
function objectName(shape: CaptureShape, stream: KnownStream): Text {
  if (shape.template === null) return sql`null::text`;
  const stamp = shape.stamp === 'ms' ? MILLISECONDS : sql`floor(date_part('epoch', c.captured_at))::bigint`;
  const parts = shape.template.split(/\{(AppName|StreamName|UnixTimestamp|Sequence)\}/).map((part, index) => {
    if (index % 2 === 0 || part === 'AppName' || part === 'StreamName') {
      return sql`${part === 'AppName' ? stream.app : part === 'StreamName' ? stream.stream : part}::text`;
    }
    return part === 'Sequence' ? sql`c.discriminator::text` : sql`${stamp}::text`;
  });
  return sql<string>`(${sql.join(parts, sql` || `)})`;
}

function sourceNames(): Text {
  const named = (['callback', 'index', 'object'] as const).map((name) => {
    const bit = {
      callback: CAPTURE_FLAGS.fromCallback,
      index: CAPTURE_FLAGS.fromIndex,
      object: CAPTURE_FLAGS.fromObject,
    };
    return sql`case when c.flags & ${sql.lit(bit[name])} <> 0 then ${sql.lit(name)} end`;
  });
  return sql<string>`concat_ws(' ', ${sql.join(named)})`;
}
