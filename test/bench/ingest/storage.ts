import { createCaptureDays } from '../../../src/adapters/postgres/capture-days.ts';
import { createCaptureStore } from '../../../src/adapters/postgres/capture-store.ts';
import { openDatabase } from '../../../src/adapters/postgres/database.ts';
import { DAY_MS, partitionName } from '../../../src/adapters/postgres/partitions.ts';
import { VENDOR_ALIASES } from '../../../src/core/callback-aliases.ts';
import { createBodyReader } from '../../../src/core/callback-body.ts';
import { CAPTURE_FLAGS } from '../../../src/core/capture-flags.ts';
import { encodeCapture } from '../../../src/core/capture-shape.ts';
import type { IncomingCapture } from '../../../src/ports.ts';
import { callbackBody, SPREAD_MS, STREAMS, TEMPLATE } from './load-shape.ts';

export interface StorageFigures {
  bytesPerCapture: { hot: number; sealed: number };
  heapBytes: { hot: number; sealed: number };
  indexBytes: { hot: number; sealed: number };
  /** Pages touched by reading one stream's captures of the day. */
  pagesPerStreamDay: { captures: number; hot: number; sealed: number };
  sealSeconds: number;
}

const BATCH = 500;

/**
 * Stores `rows` captures of 1,000 interleaved streams on one past day, through the store that the receiver uses, and looks how much
 * room they take before and after sealing.
 */
export async function measureStorage(
  databaseUrl: string,
  rows: number,
  onProgress: (message: string) => void,
): Promise<StorageFigures> {
  const database = openDatabase({ url: databaseUrl, maxConnections: 4 });
  const store = createCaptureStore({ database, now: Date.now, lateEvidenceAfterMs: Number.MAX_SAFE_INTEGER });
  const reader = createBodyReader(VENDOR_ALIASES);
  const day = Math.floor(Date.now() / DAY_MS) - 2;
  const perStream = Math.ceil(rows / STREAMS);
  const spacingMs = Math.floor(DAY_MS / perStream);

  for (let number = 0; number < rows; number += BATCH) {
    const batch: IncomingCapture[] = [];
    for (let index = number; index < Math.min(rows, number + BATCH); index++) {
      const at = day * DAY_MS + Math.floor(index / STREAMS) * spacingMs + (index % SPREAD_MS);
      const reading = reader.read(callbackBody(index % STREAMS, at));
      if (!reading.ok) throw new Error(reading.problem);
      const row = encodeCapture(reading.callbacks[0]!, at + 700 + (index % 311), [TEMPLATE]);
      batch.push({ ...row, flags: CAPTURE_FLAGS.fromCallback | CAPTURE_FLAGS.verified, deliveries: 1 });
    }
    const refused = await store.write(batch, { again: false, timeoutMs: 60_000 });
    if (refused.length > 0) throw new Error(`refused: ${refused[0]!.reason}`);
    if (number % 500_000 === 0) onProgress(`${number} of ${rows} rows stored`);
  }

  const name = partitionName(day);
  const sizes = async () => {
    const { rows: found } = await database.pool.query<{ heap: number; index: number }>(
      `select pg_relation_size('${name}') as heap, pg_indexes_size('${name}') as index`,
    );
    return found[0]!;
  };
  const pagesOfOneStream = async () => {
    const { rows: found } = await database.pool.query<{ 'QUERY PLAN': unknown }>(
      `explain (analyze, buffers, format json) select * from captures
       where stream_id = (select min(id) + 500 from streams)
       and captured_at >= to_timestamp(${(day * DAY_MS) / 1000}) and captured_at < to_timestamp(${((day + 1) * DAY_MS) / 1000})
       order by captured_at, discriminator`,
    );
    return buffersOf(found[0]!['QUERY PLAN']);
  };

  await database.pool.query(`vacuum analyze ${name}`);
  const hot = await sizes();
  const hotPages = await pagesOfOneStream();
  onProgress('sealing');
  const begun = performance.now();
  await createCaptureDays({ database }).seal(day);
  const sealSeconds = (performance.now() - begun) / 1000;
  const sealed = await sizes();
  const sealedPages = await pagesOfOneStream();
  await database.close();
  const per = ({ heap, index }: { heap: number; index: number }) => (heap + index) / rows;
  return {
    bytesPerCapture: { hot: per(hot), sealed: per(sealed) },
    heapBytes: { hot: hot.heap, sealed: sealed.heap },
    indexBytes: { hot: hot.index, sealed: sealed.index },
    pagesPerStreamDay: { captures: perStream, hot: hotPages, sealed: sealedPages },
    sealSeconds,
  };
}

/** Pages of the plan's execution, found in cache or read; planning is left out. */
function buffersOf(explained: unknown): number {
  const plan = (explained as { Plan: Record<string, number> }[])[0]!.Plan;
  return (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0);
}
