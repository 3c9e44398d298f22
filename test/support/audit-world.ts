import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { expect } from 'vitest';
import { createAuditStore } from '../../src/adapters/postgres/audit-store.ts';
import { createCaptureStore } from '../../src/adapters/postgres/capture-store.ts';
import { createExcusedStore } from '../../src/adapters/postgres/excused-store.ts';
import { createHeartbeatStore } from '../../src/adapters/postgres/heartbeat-store.ts';
import { createSessionStore } from '../../src/adapters/postgres/session-store.ts';
import { CAPTURE_FLAGS } from '../../src/core/capture-flags.ts';
import { encodeCapture } from '../../src/core/capture-shape.ts';
import type { ConfigVersion } from '../../src/core/config-version.ts';
import { type EvidenceLine, formatEvidence } from '../../src/core/evidence.ts';
import type { Instant } from '../../src/core/instant.ts';
import type { SlotCounts } from '../../src/core/verdict.ts';
import { emptySlotCounts, VERDICTS } from '../../src/core/verdict.ts';
import type { IncomingCapture } from '../../src/ports.ts';
import { VendorState } from '../../src/sandbox/live/vendor-state.ts';
import { type AuditorParts, type AuditRequest, createAuditor } from '../../src/usecases/audit-window.ts';
import { judgeEvidence } from '../../src/usecases/judge-evidence.ts';
import { readCallback } from './captures.ts';
import type { TestDatabase } from './database.ts';
import { FakeBuckets } from './fake-buckets.ts';
import { createFakeLiveApi, type FakeLiveApiOptions } from './fake-live-api.ts';

export const DOMAIN = 'play.example.com';
export const APP = 'live';
export const BUCKET = 'snap';
export const ENDPOINT = 'oss-cn-shanghai.aliyuncs.com';
export const CALLBACK_URL = 'https://audit.example.com/callbacks/snapshot';
export const SETTLE_SECONDS = 60;
export const LATE_AFTER_SECONDS = 30;
const DAY_MS = 86_400_000;
/** Yesterday, midnight UTC: the database stamps rows with the real time, which must not lie before it. */
export const T0 = Math.floor(Date.now() / DAY_MS) * DAY_MS - DAY_MS;

export interface ToldCapture {
  callback?: boolean;
  delayMs?: number;
  verified?: boolean;
  object?: boolean;
  index?: boolean;
  name?: string;
  overlay?: boolean;
}

export interface ShownGap {
  from: Instant;
  to: Instant;
  count: number;
  verdict: string;
  cause: string | null;
  stream: string;
}

/**
 * A small world for tests of the audit: a database with its real stores, buckets and the vendor's index in memory, and the same
 * evidence written down as lines, so that the stored verdicts can be held against `judge` of an evidence file.
 */
export async function createAuditWorld(database: TestDatabase) {
  // A database a file, emptied for each test: making one takes longer than most tests.
  const { rows } = await database.pool.query(
    `select string_agg(format('%I', c.relname), ', ') as tables from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
     and c.relname not like 'kysely%'`,
  );
  await database.pool.query(`truncate ${rows[0].tables} restart identity cascade`);
  const clock = { at: T0, now: () => clock.at };
  const buckets = new FakeBuckets();
  const bucket = buckets.bucket(BUCKET);
  const vendor = new VendorState({ now: () => clock.at });
  vendor.addDomain({ domain: DOMAIN, pushDomains: ['push.example.com'] });
  const sessions = createSessionStore(database);
  const audits = createAuditStore(database);
  const excused = createExcusedStore(database);
  const heartbeats = createHeartbeatStore({ database });
  /** Callbacks on their way: stored together, as if at the time at which they were told. */
  const told: { at: Instant | null; rows: IncomingCapture[] } = { at: null, rows: [] };
  /** Whoever asks while they are being stored waits for the end of it. */
  let stored = Promise.resolve();
  const store = async () => {
    if (told.rows.length > 0) await captures.write(told.rows.splice(0), { again: false, timeoutMs: 30_000 });
    told.at = null;
  };
  const flush = () => {
    stored = stored.then(store);
    return stored;
  };
  const captures = createCaptureStore({
    database,
    now: () => told.at ?? clock.at,
    lateEvidenceAfterMs: 0.8 * SETTLE_SECONDS * 1_000,
  });
  const versions: ConfigVersion[] = [];
  const lines: EvidenceLine[] = [];
  const liveOptions: FakeLiveApiOptions = {};
  const live = createFakeLiveApi(vendor, liveOptions);
  const parts: AuditorParts = {
    clock,
    buckets,
    live,
    audits,
    sessions,
    captures,
    excused,
    configVersions: async () => versions,
    settleSeconds: SETTLE_SECONDS,
    lateAfterSeconds: LATE_AFTER_SECONDS,
    callbackUrl: CALLBACK_URL,
  };

  const world = {
    database,
    clock,
    buckets,
    bucket,
    vendor,
    live,
    liveOptions,
    sessions,
    audits,
    excused,
    heartbeats,
    captures,
    versions,
    lines,
    parts,
    flush,
    async audit(request: AuditRequest) {
      await flush();
      return createAuditor(parts)(request);
    },

    config(given: Partial<ConfigVersion> = {}): ConfigVersion {
      const version: ConfigVersion = {
        domain: DOMAIN,
        app: APP,
        validFrom: T0 - 86_400_000,
        intervalSeconds: 10,
        bucket: BUCKET,
        endpoint: ENDPOINT,
        sequenceObject: 'snapshot/{AppName}/{StreamName}/{UnixTimestamp}.jpg',
        overwriteObject: null,
        callback: CALLBACK_URL,
        ...given,
      };
      versions.push(version);
      lines.push({ type: 'config', ...version });
      return version;
    },

    /** A receiver was alive in these spans. */
    async alive(...spans: [Instant, Instant][]): Promise<void> {
      const receiverId = randomUUID();
      await heartbeats.beat(
        spans.map(([fromAt, toAt]) => ({ receiverId, fromAt, toAt, host: 'test' })),
        5_000,
      );
    },

    async session(stream: string, startedAt: Instant, endedAt: Instant | null): Promise<void> {
      const [id] = await sessions.ensureStreams([{ domain: DOMAIN, app: APP, stream }]);
      await sessions.replaceSessions(id!, startedAt, [
        { startedAt, endedAt, certainty: 'announced', endCertain: true },
      ]);
      lines.push({ type: 'session', domain: DOMAIN, app: APP, stream, startedAt, endedAt });
    },

    /** One capture, with what each witness has to say of it. */
    async capture(stream: string, at: Instant, given: ToldCapture = {}): Promise<void> {
      const { callback = true, object = true, index = true, delayMs = 800, verified = true, overlay = false } = given;
      const name = given.name ?? `snapshot/${APP}/${stream}/${Math.floor(at / 1_000)}.jpg`;
      if (object) {
        bucket.put(name, at + 300);
        const lastModified = Math.floor((at + 300) / 1_000) * 1_000;
        lines.push({ type: 'object', bucket: BUCKET, key: name, lastModified, size: 1_000 });
      }
      if (index) {
        const row = { domain: DOMAIN, app: APP, stream, object: name };
        vendor.addIndexRow({ ...row, bucket: BUCKET, endpoint: ENDPOINT, createdAtMs: at + 200, overlay });
        lines.push({ type: 'index', ...row, createdAt: at + 200, overlay });
      }
      if (callback) await world.told(stream, name, at + delayMs, verified);
    },

    async told(stream: string, object: string, receivedAt: Instant, verified = true): Promise<void> {
      lines.push({
        type: 'callback',
        domain: DOMAIN,
        app: APP,
        stream,
        bucket: BUCKET,
        object,
        capturedAt: null,
        receivedAt,
        verified,
      });
      const row = encodeCapture(
        readCallback(stream, object),
        receivedAt,
        versions.flatMap((version) =>
          [version.sequenceObject, version.overwriteObject].filter((text) => text !== null),
        ),
      );
      const flags = CAPTURE_FLAGS.fromCallback | (verified ? CAPTURE_FLAGS.verified : 0);
      if (told.at !== clock.at) await flush();
      told.at = clock.at;
      told.rows.push({ ...row, flags, deliveries: 1 });
    },

    /** What is stored, in the words of an evidence judgement. */
    async stored(): Promise<{ slots: SlotCounts; gaps: ShownGap[] }> {
      const { rows } = await sql<SlotCounts>`
        select coalesce(sum(pending), 0)::int as pending, coalesce(sum(ok), 0)::int as ok, coalesce(sum(late), 0)::int as late,
          coalesce(sum(callback_missing), 0)::int as callback_missing, coalesce(sum(object_missing), 0)::int as object_missing,
          coalesce(sum(not_captured), 0)::int as not_captured, coalesce(sum(misnamed), 0)::int as misnamed,
          coalesce(sum(unexpected), 0)::int as unexpected, coalesce(sum(excused), 0)::int as excused,
          coalesce(sum(unknown), 0)::int as unknown
        from slot_hours`.execute(database.db);
      await expectDaysToSumHours(database);
      const gaps = await database.db
        .selectFrom('gaps')
        .innerJoin('streams', 'streams.id', 'gaps.stream_id')
        .select(['from_at', 'to_at', 'slots', 'verdict', 'cause', 'stream'])
        .orderBy('stream')
        .orderBy('from_at')
        .orderBy('verdict')
        .execute();
      return {
        slots: rows[0] ?? emptySlotCounts(),
        gaps: gaps.map((gap) => ({
          from: gap.from_at,
          to: gap.to_at,
          count: gap.slots,
          verdict: gap.verdict,
          cause: gap.cause,
          stream: gap.stream,
        })),
      };
    },

    /** The same evidence judged from a file that holds all of it. */
    async judged(to: Instant, looked = true): Promise<{ slots: SlotCounts; gaps: ShownGap[] }> {
      const streams = new Set(lines.flatMap((line) => (line.type === 'session' ? [line.stream] : [])));
      const span = { from: T0 - 86_400_000, to: clock.at };
      const all: EvidenceLine[] = [
        {
          type: 'window',
          from: T0 - 3_600_000,
          to,
          now: clock.at,
          settleSeconds: SETTLE_SECONDS,
          lateAfterSeconds: LATE_AFTER_SECONDS,
          callbackUrl: CALLBACK_URL,
        },
        ...lines,
      ];
      if (looked) {
        all.push({ type: 'listed', bucket: BUCKET, prefix: '', ...span });
        for (const stream of streams) all.push({ type: 'indexed', domain: DOMAIN, app: APP, stream, ...span });
      }
      const result = await judgeEvidence(all.map(formatEvidence));
      return {
        slots: result.slots,
        gaps: [...result.gaps, ...result.excused]
          .map(({ from, to, count, verdict, cause, stream }) => ({ from, to, count, verdict, cause, stream }))
          .sort((a, b) => (a.stream < b.stream ? -1 : a.stream > b.stream ? 1 : a.from - b.from)),
      };
    },

    async auditRows() {
      return database.db.selectFrom('audits').selectAll().orderBy('id').execute();
    },

    async forgetJudgement(): Promise<void> {
      for (const table of [
        'watermarks',
        'judge_states',
        'late_evidence',
        'gaps',
        'slot_hours',
        'slot_days',
        'foreign_keys',
      ] as const) {
        await database.db.deleteFrom(table).execute();
      }
    },
  };
  return world;
}

/** Whatever the audits did, a day is the sum of its hours, and there is no day without hours. */
async function expectDaysToSumHours({ db }: TestDatabase): Promise<void> {
  const sums = (table: string, column: string) =>
    sql.raw(`select stream_id, date_bin('1 day', ${column}, 'epoch') as day,
      ${VERDICTS.map((verdict) => `sum(${verdict})::int as ${verdict}`).join(', ')} from ${table} group by 1, 2 order by 1, 2`);
  const days = await sums('slot_days', 'day').execute(db);
  const hours = await sums('slot_hours', 'hour').execute(db);
  expect(days.rows).toEqual(hours.rows);
}

export type AuditWorld = Awaited<ReturnType<typeof createAuditWorld>>;
