import type pg from 'pg';
import { CAPTURE_FLAGS, sourcesOf } from '../../core/capture-flags.ts';
import { decodeCapture, parseRest } from '../../core/capture-shape.ts';
import type { Instant } from '../../core/instant.ts';
import type { BatchStore, CaptureCursor, IncomingCapture, RefusedItem, StoredCapture } from '../../ports.ts';
import { int2s, int4s, timestamptzs } from './binary-arrays.ts';
import type { Database } from './database.ts';
import { createPartitions, dayOf, type Partitions } from './partitions.ts';
import { createShapeIds } from './shape-ids.ts';
import { isUniqueViolation } from './sql-error.ts';
import { createStreamIds, type StrangerAllowance } from './stream-ids.ts';
import { withClient } from './with-client.ts';
import { writeAround } from './write-around.ts';

export interface CaptureStore extends BatchStore<IncomingCapture> {
  /** Captures of one stream in `[from, to)`, in time order. */
  readCallbacks(query: {
    streamId: number;
    from: Instant;
    to: Instant;
    after?: CaptureCursor | null;
    limit: number;
  }): Promise<StoredCapture[]>;
  /**
   * Backfill: rows that only the vendor's index or OSS speaks for; twice is harmless. Marks late evidence like `write`. Says how many
   * captures were not known before.
   */
  restoreCaptures(rows: IncomingCapture[]): Promise<number>;
  partitions: Partitions;
}

/**
 * Nearly all captures are new, and to look for the old ones takes PostgreSQL half as long again as to insert: a batch is first taken for
 * new as a whole. Where one of it was not, its redeliveries are looked for from then on, for so long; each wrong guess is an error in
 * the log of PostgreSQL and a batch of dead rows.
 */
const DUPLICATES_LAST_MS = 60_000;
/** Room for ten thousand streams that show up at once, twice over. */
const DEFAULT_STRANGERS: StrangerAllowance = { atOnce: 20_000, perMinute: 600 };

export function createCaptureStore(options: {
  database: Database;
  now: () => Instant;
  /** A capture that is committed later than this after it was taken may come after its slot was judged. */
  lateEvidenceAfterMs: number;
  strangers?: StrangerAllowance;
}): CaptureStore {
  const { database, now } = options;
  const streamIds = createStreamIds({ strangers: options.strangers ?? DEFAULT_STRANGERS, now });
  const shapeIds = createShapeIds({ strangersInAll: 1_000 });
  const partitions = createPartitions();
  let duplicatesUntil: Instant = Number.NEGATIVE_INFINITY;

  async function writeOnce(
    client: pg.ClientBase,
    items: IncomingCapture[],
    again: boolean,
    restored?: { captures: number },
  ): Promise<RefusedItem<IncomingCapture>[]> {
    const isVerified = (index: number) =>
      (items[index]!.flags & CAPTURE_FLAGS.fromCallback) === 0 || (items[index]!.flags & CAPTURE_FLAGS.verified) !== 0;
    const streams = await streamIds.resolve(
      client,
      items.map((item) => item.key),
      isVerified,
    );
    const shapes = await shapeIds.resolve(
      client,
      items.map((item) => item.shape),
      isVerified,
    );
    const refused: RefusedItem<IncomingCapture>[] = [];
    const told: Row[] = [];
    const days = new Set<number>();
    const today = dayOf(now());
    for (let index = 0; index < items.length; index++) {
      const item = items[index]!;
      const streamId = streams[index];
      const shapeId = shapes[index];
      const day = dayOf(item.capturedAt);
      if (streamId == null) refused.push({ item, reason: 'too-many-new-streams' });
      else if (shapeId == null) refused.push({ item, reason: 'too-many-new-shapes' });
      else if (!isVerified(index) && !partitions.admitsStranger(day, today)) {
        refused.push({ item, reason: 'too-many-new-days' });
      } else {
        days.add(day);
        told.push({ item, streamId, shapeId, deliveries: item.deliveries, flags: item.flags });
      }
    }
    if (told.length === 0) return refused;
    const rows = oneACapture(told);
    await partitions.ensure(client, days);
    const known = restored ? await countKnown(client, rows) : 0;
    await insert(client, rows, again);
    if (restored) restored.captures += rows.length - known;
    return refused;
  }

  async function insert(client: pg.ClientBase, rows: Row[], again: boolean): Promise<void> {
    const lateBefore = now() - options.lateEvidenceAfterMs;
    const isLate = rows.some((row) => row.item.capturedAt < lateBefore);
    const values = valuesOf(rows);
    if (!again && !isLate && now() >= duplicatesUntil) {
      try {
        await client.query({ ...STATEMENTS.allNew, values });
        return;
      } catch (error) {
        if (!isUniqueViolation(error)) throw error;
        duplicatesUntil = now() + DUPLICATES_LAST_MS;
      }
    }
    if (isLate) values.push(lateBefore);
    await client.query({ ...STATEMENTS[`${again ? 'again' : 'first'}${isLate ? 'Late' : ''}`], values });
  }

  const write = (client: pg.ClientBase, items: IncomingCapture[], again: boolean, restored?: { captures: number }) =>
    writeAround(items, (part) => writeOnce(client, part, again, restored), {
      onMissingPartition: () => partitions.forget(),
    });

  async function read(text: string, values: unknown[]): Promise<StoredCapture[]> {
    const { rows } = await database.pool.query<ReadRow>(text, values);
    const shapes = await shapeIds.read(
      database.pool,
      rows.map((row) => row.shape_id),
    );
    return rows.map((row) => {
      const shape = shapes.get(row.shape_id)!;
      const rest = parseRest(row.rest);
      const decoded = decodeCapture(
        {
          capturedAt: row.captured_at,
          delayMs: row.delay_ms,
          discriminator: row.discriminator,
          toldMs: row.told_ms,
          rest,
        },
        shape,
        row,
      );
      return {
        streamId: row.stream_id,
        domain: row.domain,
        app: row.app,
        stream: row.stream,
        at: row.captured_at,
        bucket: decoded.bucket,
        object: decoded.object,
        capturedAt: decoded.told,
        receivedAt: row.flags & CAPTURE_FLAGS.fromCallback ? decoded.receivedAt : null,
        verified: (row.flags & CAPTURE_FLAGS.verified) !== 0,
        deliveries: row.deliveries,
        sources: sourcesOf(row.flags),
        discriminator: row.discriminator,
      };
    });
  }

  return {
    partitions,
    write: (items, { again, timeoutMs }) =>
      withClient(database.pool, timeoutMs, (client) => write(client, items, again)),
    async restoreCaptures(rows) {
      const restored = { captures: 0 };
      const refused = await withClient(database.pool, 60_000, (client) => write(client, rows, true, restored));
      if (refused.length > 0)
        throw new Error(`${refused.length} restored captures cannot be stored: ${refused[0]!.reason}`);
      return restored.captures;
    },
    readCallbacks({ streamId, from, to, after, limit }) {
      return read(
        `${SELECT} where c.stream_id = $1 and c.captured_at >= to_timestamp($2::float8 / 1000) and c.captured_at < to_timestamp($3::float8 / 1000)
         and ($4::float8 is null or (c.captured_at, c.discriminator) > (to_timestamp($4::float8 / 1000), $5::int))
         order by c.captured_at, c.discriminator limit $6`,
        [streamId, from, to, after?.at ?? null, after?.discriminator ?? null, limit],
      );
    },
  };
}

const SELECT = `select c.captured_at, c.delay_ms, c.stream_id, c.discriminator, c.shape_id, c.deliveries, c.flags, c.told_ms, c.rest,
  s.domain, s.app, s.stream from captures c join streams s on s.id = c.stream_id`;

interface Row {
  item: IncomingCapture;
  streamId: number;
  shapeId: number;
  deliveries: number;
  flags: number;
}

interface ReadRow {
  captured_at: Instant;
  delay_ms: number;
  stream_id: number;
  discriminator: number;
  shape_id: number;
  deliveries: number;
  flags: number;
  told_ms: number;
  rest: string;
  domain: string;
  app: string;
  stream: string;
}

const COLUMNS = 'captured_at, delay_ms, stream_id, discriminator, shape_id, deliveries, flags, told_ms, rest';
const BATCH = `select captured_at, delay_ms, stream_id, discriminator, shape_id, deliveries, flags, told_ms,
    coalesce(rest, '') as rest
  from unnest($1::timestamptz[], $2::int[], $3::int[], $4::int[], $5::int[], $6::smallint[], $7::smallint[], $8::smallint[], $9::text[])
    as batch (${COLUMNS})`;

/**
 * What backfill put there (no callback bit) is filled in by the first callback; of several callbacks the one that was received first
 * counts, which need not be the one that was stored first: it may have waited in the spool.
 */
function upsert(source: string, again: boolean): string {
  const told = (row: string) => `${row}.flags & ${CAPTURE_FLAGS.fromCallback} <> 0`;
  const first = `${told('excluded')} and (not (${told('captures')}) or excluded.delay_ms < captures.delay_ms)`;
  const take = (column: string) => `${column} = case when ${first} then excluded.${column} else captures.${column} end`;
  const deliveries = again
    ? 'greatest(captures.deliveries, excluded.deliveries)'
    : 'least(captures.deliveries::int + excluded.deliveries, 32767)';
  return `insert into captures (${COLUMNS})
  ${source}
  on conflict (stream_id, captured_at, discriminator) do update set
    deliveries = ${deliveries}, flags = captures.flags | excluded.flags,
    ${['delay_ms', 'shape_id', 'told_ms', 'rest'].map(take).join(', ')}`;
}

function statement(name: string, again: boolean, late: boolean): { name: string; text: string } {
  if (!late) return { name, text: upsert(BATCH, again) };
  return {
    name,
    text: `with batch as (${BATCH}), stored as (${upsert('select * from batch', again)})
      insert into late_evidence (stream_id, from_at, reason)
      select stream_id, min(captured_at), 'late-callback' from batch where captured_at < to_timestamp($10::float8 / 1000) group by stream_id`,
  };
}

const STATEMENTS = {
  allNew: { name: 'store-new-captures', text: `insert into captures (${COLUMNS}) ${BATCH}` },
  first: statement('store-captures', false, false),
  again: statement('store-captures-again', true, false),
  firstLate: statement('store-late-captures', false, true),
  againLate: statement('store-late-captures-again', true, true),
};

/**
 * In key order: two receivers that store the same captures take their locks in one order, and the index is walked once. Deliveries of
 * one capture become one row, with what was received first.
 */
function oneACapture(rows: Row[]): Row[] {
  rows.sort(byKey);
  const distinct: Row[] = [];
  for (const row of rows) {
    const same = distinct.at(-1);
    if (same === undefined || byKey(same, row) !== 0) {
      distinct.push(row);
      continue;
    }
    same.deliveries = Math.min(same.deliveries + row.deliveries, 32_767);
    same.flags |= row.flags;
    if (row.item.delayMs < same.item.delayMs) Object.assign(same, { item: row.item, shapeId: row.shapeId });
  }
  return distinct;
}

function byKey(a: Row, b: Row): number {
  return (
    a.streamId - b.streamId || a.item.capturedAt - b.item.capturedAt || a.item.discriminator - b.item.discriminator
  );
}

function valuesOf(rows: Row[]): unknown[] {
  return [
    timestamptzs(rows, (row) => row.item.capturedAt),
    int4s(rows, (row) => row.item.delayMs),
    int4s(rows, (row) => row.streamId),
    int4s(rows, (row) => row.item.discriminator),
    int4s(rows, (row) => row.shapeId),
    int2s(rows, (row) => row.deliveries),
    int2s(rows, (row) => row.flags),
    int2s(rows, (row) => row.item.toldMs),
    // unnest fills up with nulls: where no row has a rest, nothing is sent.
    rows.some((row) => row.item.rest !== '') ? rows.map((row) => row.item.rest) : '{}',
  ];
}

async function countKnown(client: pg.ClientBase, rows: Row[]): Promise<number> {
  const found = await client.query<{ known: number }>(
    `select count(*)::int as known
     from unnest($1::int[], $2::timestamptz[], $3::int[]) as batch (stream_id, captured_at, discriminator)
     join captures c on c.stream_id = batch.stream_id and c.captured_at = batch.captured_at
       and c.discriminator = batch.discriminator`,
    [
      int4s(rows, (row) => row.streamId),
      timestamptzs(rows, (row) => row.item.capturedAt),
      int4s(rows, (row) => row.item.discriminator),
    ],
  );
  return found.rows[0]!.known;
}
