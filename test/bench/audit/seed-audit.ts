import { createCaptureStore } from '../../../src/adapters/postgres/capture-store.ts';
import type { Database } from '../../../src/adapters/postgres/database.ts';
import { createHeartbeatStore } from '../../../src/adapters/postgres/heartbeat-store.ts';
import { createSessionStore } from '../../../src/adapters/postgres/session-store.ts';
import { CAPTURE_FLAGS } from '../../../src/core/capture-flags.ts';
import { encodeCapture } from '../../../src/core/capture-shape.ts';
import type { ConfigVersion } from '../../../src/core/config-version.ts';
import { BENCH_TEMPLATE, type Generated, streamName } from './generated-store.ts';

const HOUR_MS = 3_600_000;

/** Streams, sessions and captures as the receiver would have left them; the rows of a stream are made in the database. */
export async function seedAudit(database: Database, domain: string, generated: Generated): Promise<ConfigVersion> {
  const { streams, perStream, firstAt, intervalSeconds } = generated;
  const version: ConfigVersion = {
    domain,
    app: 'live',
    validFrom: firstAt - HOUR_MS,
    intervalSeconds,
    bucket: 'snap',
    endpoint: 'oss-cn-shanghai.aliyuncs.com',
    sequenceObject: BENCH_TEMPLATE,
    overwriteObject: null,
    callback: 'https://audit.example.com/callbacks/snapshot',
  };
  const end = firstAt + perStream * intervalSeconds * 1_000 + HOUR_MS;
  await createHeartbeatStore({ database }).beat(
    [{ receiverId: '00000000-0000-4000-8000-000000000000', fromAt: firstAt - HOUR_MS, toAt: end, host: 'bench' }],
    30_000,
  );
  const sessions = createSessionStore(database);
  const ids = await sessions.ensureStreams(
    Array.from({ length: streams }, (_, index) => ({ domain, app: 'live', stream: streamName(index) })),
  );
  const captures = createCaptureStore({ database, now: () => firstAt, lateEvidenceAfterMs: 60_000 });
  // One capture is stored by the real store: it makes the shape, and the partitions of every day that follows.
  const days = Array.from({ length: Math.ceil((end - firstAt) / (24 * HOUR_MS)) + 1 }, (_, day) => day);
  await captures.write(
    days.map((day) => exampleCapture(domain, firstAt + day * 24 * HOUR_MS)),
    { again: false, timeoutMs: 60_000 },
  );
  await database.pool.query('delete from captures');
  for (const id of ids) {
    await sessions.replaceSessions(id, firstAt - intervalSeconds * 1_000, [
      { startedAt: firstAt - intervalSeconds * 1_000, endedAt: null, certainty: 'announced', endCertain: false },
    ]);
  }
  await database.pool.query('delete from late_evidence');
  await database.pool.query(
    `insert into captures (captured_at, delay_ms, stream_id, discriminator, shape_id, flags)
     select to_timestamp($1::float8 / 1000) + n * $2 * interval '1 second', 800, id, 0, (select max(id) from capture_shapes), $3
     from unnest($4::int[]) as id, generate_series(0, $5::int - 1) as n`,
    [firstAt, intervalSeconds, CAPTURE_FLAGS.fromCallback | CAPTURE_FLAGS.verified, ids, perStream],
  );
  await database.pool.query('vacuum analyze captures');
  return version;
}

function exampleCapture(domain: string, at: number) {
  const keys = { domain: 'DomainName', app: 'AppName', stream: 'StreamName', bucket: 'OssBucket', object: 'OssObject' };
  const stream = streamName(0);
  const object = `snapshot/live/${stream}/${at / 1_000}.jpg`;
  const callback = { domain, app: 'live', stream, bucket: 'snap', endpoint: null, object, told: null };
  const row = encodeCapture({ ...callback, overlay: null, keys, extra: null }, at + 800, [BENCH_TEMPLATE]);
  return { ...row, flags: CAPTURE_FLAGS.fromCallback | CAPTURE_FLAGS.verified, deliveries: 1 };
}
