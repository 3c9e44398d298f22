import { sql } from 'kysely';
import type { Database } from '../../src/adapters/postgres/database.ts';
import { sumDays } from '../../src/adapters/postgres/sum-days.ts';
import { timestamp } from '../../src/adapters/postgres/timestamp.ts';
import { CAPTURE_FLAGS } from '../../src/core/capture-flags.ts';
import type { CaptureShape } from '../../src/core/capture-shape.ts';
import type { Instant } from '../../src/core/instant.ts';
import type { Cause, SlotCounts, Verdict } from '../../src/core/verdict.ts';

/** Fills the tables as the receiver, the tracker and the audit do, without running them. */

export const DAY_MS = 86_400_000;

export const SHAPE: CaptureShape = {
  keys: { domain: 'DomainName', app: 'AppName', stream: 'StreamName', object: 'OssObject', bucket: 'OssBucket' },
  bucket: 'bucket-a',
  endpoint: 'oss-cn-shanghai.aliyuncs.com',
  template: 'snapshot/{AppName}/{StreamName}/{UnixTimestamp}.jpg',
  stamp: 's',
  toldForm: null,
  overlay: null,
  instantFrom: 'name',
};

export async function addPartitions({ db }: Pick<Database, 'db'>, from: Instant, to: Instant): Promise<void> {
  for (let day = Math.floor(from / DAY_MS) * DAY_MS; day < to; day += DAY_MS) {
    const name = `captures_${new Date(day).toISOString().slice(0, 10).replaceAll('-', '')}`;
    const bounds = [day, day + DAY_MS].map((instant) => `'${new Date(instant).toISOString()}'`);
    await sql
      .raw(`create table if not exists ${name} partition of captures for values from (${bounds[0]}) to (${bounds[1]})`)
      .execute(db);
  }
}

export async function addStream({ db }: Pick<Database, 'db'>, domain: string, app: string, stream: string) {
  const { id } = await db
    .insertInto('streams')
    .values({ domain, app, stream, first_seen_at: timestamp(Date.UTC(2026, 0, 1)) })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

export async function addShape({ db }: Pick<Database, 'db'>, shape: CaptureShape = SHAPE): Promise<number> {
  const { id } = await db
    .insertInto('capture_shapes')
    .values({ fingerprint: JSON.stringify(shape), shape: sql`${JSON.stringify(shape)}::jsonb` })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

export interface TestCapture {
  streamId: number;
  at: Instant;
  shapeId: number;
  delayMs?: number;
  discriminator?: number;
  flags?: number;
  rest?: string;
}

export async function addCaptures({ db }: Pick<Database, 'db'>, captures: readonly TestCapture[]): Promise<void> {
  for (let start = 0; start < captures.length; start += 2_000) {
    const batch = captures.slice(start, start + 2_000);
    await sql`
      insert into captures (captured_at, delay_ms, stream_id, discriminator, shape_id, flags, rest)
      select * from unnest(
        ${batch.map((each) => new Date(each.at).toISOString())}::timestamptz[],
        ${batch.map((each) => each.delayMs ?? 1_000)}::integer[],
        ${batch.map((each) => each.streamId)}::integer[],
        ${batch.map((each) => each.discriminator ?? 0)}::integer[],
        ${batch.map((each) => each.shapeId)}::integer[],
        ${batch.map((each) => each.flags ?? CAPTURE_FLAGS.fromCallback | CAPTURE_FLAGS.verified)}::smallint[],
        ${batch.map((each) => each.rest ?? '')}::text[]
      )`.execute(db);
  }
}

export async function addSession(
  { db }: Pick<Database, 'db'>,
  streamId: number,
  startedAt: Instant,
  endedAt: Instant | null,
): Promise<void> {
  await db
    .insertInto('sessions')
    .values({
      stream_id: streamId,
      started_at: timestamp(startedAt),
      ended_at: endedAt === null ? null : timestamp(endedAt),
      certainty: 'announced',
    })
    .execute();
}

export async function addGap(
  { db }: Pick<Database, 'db'>,
  gap: {
    streamId: number;
    from: Instant;
    to: Instant;
    slots: number;
    verdict: Verdict;
    cause: Cause | null;
    sessionStartedAt?: Instant;
    open?: boolean;
    reason?: string;
    evidence?: unknown;
    mode?: 'sequence' | 'overwrite';
  },
): Promise<void> {
  await db
    .insertInto('gaps')
    .values({
      stream_id: gap.streamId,
      from_at: timestamp(gap.from),
      to_at: timestamp(gap.to),
      session_started_at: gap.sessionStartedAt === undefined ? null : timestamp(gap.sessionStartedAt),
      verdict: gap.verdict,
      cause: gap.cause,
      slots: gap.slots,
      open: gap.open ?? false,
      reason: gap.reason ?? null,
      evidence: gap.evidence === undefined ? null : sql`${JSON.stringify(gap.evidence)}::jsonb`,
      audit_id: null,
      ...(gap.mode && { mode: gap.mode }),
    })
    .execute();
}

export async function addSlotHour(
  { db }: Pick<Database, 'db'>,
  streamId: number,
  hour: Instant,
  sessionStartedAt: Instant,
  slots: Partial<SlotCounts>,
): Promise<void> {
  await db
    .insertInto('slot_hours')
    .values({ stream_id: streamId, hour: timestamp(hour), session_started_at: timestamp(sessionStartedAt), ...slots })
    .execute();
  await sumDays(db, { streamId, from: hour });
}

export async function addWatermark(
  { db }: Pick<Database, 'db'>,
  streamId: number,
  auditedUntil: Instant,
): Promise<void> {
  await sql`insert into watermarks (stream_id, audited_until, state)
    values (${streamId}, ${timestamp(auditedUntil)}, '{}')`.execute(db);
}

export async function addHeartbeat({ db }: Pick<Database, 'db'>, from: Instant, to: Instant): Promise<void> {
  await sql`insert into heartbeats (receiver_id, from_at, to_at, host)
    values (gen_random_uuid(), ${timestamp(from)}, ${timestamp(to)}, 'test')`.execute(db);
}

export async function addConfig(
  { db }: Pick<Database, 'db'>,
  config: {
    domain: string;
    app: string;
    validFrom: Instant;
    intervalSeconds: number;
    bucket?: string;
    sequenceObject?: string | null;
    overwriteObject?: string | null;
  },
): Promise<void> {
  await db
    .insertInto('config_versions')
    .values({
      domain: config.domain,
      app: config.app,
      valid_from: timestamp(config.validFrom),
      interval_seconds: config.intervalSeconds,
      bucket: config.bucket ?? 'bucket-a',
      endpoint: 'oss-cn-shanghai.aliyuncs.com',
      sequence_object:
        config.sequenceObject === undefined
          ? 'snapshot/{AppName}/{StreamName}/{UnixTimestamp}.jpg'
          : config.sequenceObject,
      overwrite_object: config.overwriteObject ?? null,
      callback: 'https://audit.example.com/callbacks/snapshot',
      source: 'observed',
    })
    .execute();
}
