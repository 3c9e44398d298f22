import type { Database } from '../../src/adapters/postgres/database.ts';
import { createIncidentStore } from '../../src/adapters/postgres/incident-store.ts';
import { timestamp } from '../../src/adapters/postgres/timestamp.ts';
import type { IncidentKind } from '../../src/core/incident.ts';
import type { Instant } from '../../src/core/instant.ts';
import type { Cause, SlotCounts, Verdict } from '../../src/core/verdict.ts';
import {
  addCaptures,
  addConfig,
  addGap,
  addHeartbeat,
  addPartitions,
  addSession,
  addShape,
  addSlotHour,
  addStream,
  addWatermark,
} from './history.ts';

export const DOMAIN = 'play.example.com';
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
export const INTERVAL_SECONDS = 10;
const SLOTS_AN_HOUR = 3_600 / INTERVAL_SECONDS;

export interface FaultyStream {
  name: string;
  id: number;
  app: string;
  /** Start of the fault. */
  gapAt: Instant;
  verdict: Verdict;
  cause: Cause;
}

export interface PlantedDay {
  from: Instant;
  /** How the captures were told. */
  shapeId: number;
  auditedUntil: Instant;
  /** One stream for each bad verdict. */
  faulty: FaultyStream[];
  /** Object names of the newest captures, for pictures. */
  objects: { key: string; at: Instant; app: string; stream: string }[];
  /** Those whose pictures keep coming, and when the newest were taken. */
  onAir: { id: number; app: string; name: string }[];
  newestAt: Instant;
}

const FAULTS: [name: string, verdict: Verdict, cause: Cause, slots: number][] = [
  ['cam-door', 'not_captured', 'not_captured', 90],
  ['cam-garage', 'callback_missing', 'delivery_lost', 24],
  ['cam-lobby', 'object_missing', 'object_deleted', 12],
  ['cam-hall', 'late', 'late_delivery', 30],
  ['cam-roof', 'misnamed', 'wrong_name', 18],
  ['cam-yard', 'callback_missing', 'receiver_down', 40],
  ['cam-lift', 'unknown', 'listing_failed', 60],
  ['cam-stairs', 'excused', 'not_captured', 45],
];

/**
 * A day of delivery that ends now, with one stream for each fault, some without any, and one whose pictures have ceased.
 * Captures of the last two hours only.
 */
export async function plantDay(database: Database, now: Instant): Promise<PlantedDay> {
  const from = Math.floor(now / HOUR_MS) * HOUR_MS - 24 * HOUR_MS;
  const auditedUntil = Math.floor(now / MINUTE_MS) * MINUTE_MS - MINUTE_MS;
  await addPartitions(database, from, now + HOUR_MS);
  const shapeId = await addShape(database);
  await addConfig(database, {
    domain: DOMAIN,
    app: 'live',
    validFrom: from - 48 * HOUR_MS,
    intervalSeconds: INTERVAL_SECONDS,
  });
  await addConfig(database, {
    domain: DOMAIN,
    app: 'lobby',
    validFrom: from - 48 * HOUR_MS,
    intervalSeconds: INTERVAL_SECONDS,
  });
  await addHeartbeat(database, from - HOUR_MS, now + 3 * HOUR_MS);
  const newestAt = Math.floor((now - 2_000) / (INTERVAL_SECONDS * 1_000)) * INTERVAL_SECONDS * 1_000;
  const day: PlantedDay = { from, shapeId, auditedUntil, faulty: [], objects: [], onAir: [], newestAt };
  for (const [name, verdict, cause, slots] of FAULTS) {
    const gapAt = Math.floor(now / MINUTE_MS) * MINUTE_MS - 70 * MINUTE_MS;
    const id = await plantStream(name, 'live', { at: gapAt, slots, verdict });
    const to = gapAt + slots * INTERVAL_SECONDS * 1_000;
    await addGap(database, {
      streamId: id,
      from: gapAt,
      to,
      slots,
      verdict,
      cause: verdict === 'excused' ? null : cause,
      sessionStartedAt: from,
      ...(verdict === 'excused' && { reason: 'maintenance of the encoder' }),
      evidence: {
        bucket: 'bucket-a',
        object: `snapshot/live/${name}/${gapAt / 1_000}.jpg`,
        callbackReceivedAt: null,
        callbackVerified: null,
        stored: verdict === 'callback_missing',
        indexed: false,
      },
    });
    day.faulty.push({ name, id, app: 'live', gapAt, verdict, cause });
  }
  for (const name of ['desk-1', 'desk-2', 'desk-3']) await plantStream(name, 'lobby', null);
  await plantStream('desk-4', 'lobby', null, newestAt - 4 * MINUTE_MS);
  return day;

  async function plantStream(
    name: string,
    app: string,
    fault: { at: Instant; slots: number; verdict: Verdict } | null,
    lastAt = newestAt,
  ) {
    const id = await addStream(database, DOMAIN, app, name);
    await addSession(database, id, from, null);
    await addWatermark(database, id, auditedUntil);
    for (let hour = from; hour < auditedUntil; hour += HOUR_MS) {
      const judged = Math.min(SLOTS_AN_HOUR, Math.floor((auditedUntil - hour) / (INTERVAL_SECONDS * 1_000)));
      const bad = fault ? badSlotsOf(hour, fault) : 0;
      const slots: Partial<SlotCounts> = { ok: Math.max(0, judged - bad) };
      if (fault && bad > 0) slots[fault.verdict] = bad;
      await addSlotHour(database, id, hour, from, slots);
    }
    const captures = [];
    for (let at = newestAt - 2 * HOUR_MS; at <= lastAt; at += INTERVAL_SECONDS * 1_000) {
      const inside = fault && at >= fault.at && at < fault.at + fault.slots * INTERVAL_SECONDS * 1_000;
      const lost = inside && ['not_captured', 'callback_missing', 'unknown', 'excused'].includes(fault.verdict);
      if (lost) continue;
      captures.push({ streamId: id, at, shapeId, delayMs: inside && fault.verdict === 'late' ? 48_000 : 800 });
      if (!(inside && fault.verdict === 'object_missing')) day.objects.push(objectOf(app, name, at));
    }
    if (lastAt === newestAt) day.onAir.push({ id, app, name });
    await addCaptures(database, captures);
    return id;
  }
}

function objectOf(app: string, stream: string, at: Instant): PlantedDay['objects'][number] {
  return { key: `snapshot/${app}/${stream}/${at / 1_000}.jpg`, at, app, stream };
}

/** What the streams on air have sent since the day was planted, or since the last call. */
export async function plantNewest(database: Database, day: PlantedDay, now: Instant): Promise<void> {
  const captures = [];
  for (let at = day.newestAt + INTERVAL_SECONDS * 1_000; at <= now - 1_000; at += INTERVAL_SECONDS * 1_000) {
    for (const { id, app, name } of day.onAir) {
      captures.push({ streamId: id, at, shapeId: day.shapeId, delayMs: 800 });
      day.objects.push(objectOf(app, name, at));
    }
    day.newestAt = at;
  }
  await addCaptures(database, captures);
}

function badSlotsOf(hour: Instant, fault: { at: Instant; slots: number }): number {
  const end = fault.at + fault.slots * INTERVAL_SECONDS * 1_000;
  const overlap = Math.min(end, hour + HOUR_MS) - Math.max(fault.at, hour);
  return Math.max(0, Math.round(overlap / (INTERVAL_SECONDS * 1_000)));
}

/** Names and texts as somebody hostile would choose them. */
export const HOSTILE = {
  html: '<img src=x onerror=alert(1)><b>bold</b>',
  script: `"><script>document.title='owned'</script>`,
  rtl: 'cam‮gpj.exe‬ مرحبا',
  long: `long-${'x'.repeat(10_000)}`,
  path: '../a/b%2Fc?d#e&f',
};

/** Names and texts that hold markup, script, marks that turn the text around, and 10 KB, wherever one can come in. */
export async function plantHostile(database: Database, { shapeId }: PlantedDay, now: Instant): Promise<void> {
  const startedAt = Math.floor(now / MINUTE_MS) * MINUTE_MS - 90 * MINUTE_MS;
  for (const name of Object.values(HOSTILE)) {
    const id = await addStream(database, DOMAIN, 'hostile', name.slice(0, 500));
    await addSession(database, id, startedAt, null);
    await addWatermark(database, id, now - MINUTE_MS);
    const at = startedAt + 30 * MINUTE_MS;
    await addCaptures(database, [{ streamId: id, at, shapeId, rest: JSON.stringify({ object: `${name}.jpg` }) }]);
    await addGap(database, {
      streamId: id,
      from: at,
      to: at + 5 * MINUTE_MS,
      slots: 30,
      verdict: 'excused',
      cause: null,
      sessionStartedAt: startedAt,
      reason: name,
    });
    await plantRejected(database, name, now);
    await plantIncident(database, name.slice(0, 500), now, { app: 'hostile', detail: name });
    await plantAudits(database, now, { app: name.slice(0, 500), error: name });
    // An app of that name, with slots for the report.
    const app = name.slice(0, 250);
    await addConfig(database, { domain: DOMAIN, app, validFrom: startedAt, intervalSeconds: INTERVAL_SECONDS });
    const streamId = await addStream(database, DOMAIN, app, app);
    await addSlotHour(database, streamId, Math.floor(startedAt / HOUR_MS) * HOUR_MS, startedAt, { ok: 300, late: 60 });
    await addGap(database, {
      streamId,
      from: startedAt,
      to: startedAt + 10 * MINUTE_MS,
      slots: 60,
      verdict: 'late',
      cause: 'late_delivery',
      sessionStartedAt: startedAt,
    });
  }
}

/** A kept request, with the name wherever a name can stand. */
export async function plantRejected({ db }: Database, name: string, now: Instant): Promise<void> {
  await db
    .insertInto('quarantine')
    .values({
      received_at: timestamp(now - MINUTE_MS),
      kind: 'rejected',
      reason: 'signature-mismatch',
      remote_address: '198.51.100.7',
      headers: JSON.stringify({ 'user-agent': name.slice(0, 500) }),
      body: Buffer.from(`{"StreamName":"${name}"}`),
      domain: name.slice(0, 500),
      app: null,
      stream: name.slice(0, 500),
      object: name,
    })
    .execute();
}

/** An incident that is open, as alerting opens it: of one stream, or of its whole app. */
export async function plantIncident(
  database: Database,
  stream: string | null,
  now: Instant,
  { kind = 'gap', app = 'live', detail }: { kind?: IncidentKind; app?: string; detail?: string } = {},
): Promise<void> {
  await createIncidentStore(database).evaluate(
    { now, since: 0, severity: () => 'warning', route: () => ['works'] },
    async () => [
      {
        do: 'open',
        condition: {
          kind,
          scope: { domain: DOMAIN, app, stream },
          key: '',
          since: now - 70 * MINUTE_MS,
          until: null,
          affected: 1,
          total: 12,
          missed: 90,
          expected: 420,
          cause: 'not_captured',
          facts: { verdict: 'not_captured', ...(detail !== undefined && { detail }) },
          ripe: true,
          gaps: [],
        },
      },
    ],
  );
}

/** One that failed and, after it, one that went well. */
export async function plantAudits(
  database: Database,
  now: Instant,
  {
    app = null,
    error = 'The bucket "bucket-a" could not be listed: time-out after 3 tries.',
  }: { app?: string | null; error?: string } = {},
): Promise<void> {
  const audit = {
    domain: DOMAIN,
    app,
    streams: 12,
    list_calls: 14,
    head_calls: 3,
    index_calls: 9,
    keys: 8_640,
    captures: 8_500,
  };
  const at = (minutes: number) => timestamp(now - minutes * MINUTE_MS);
  await database.db
    .insertInto('audits')
    .values([
      {
        ...audit,
        from_at: at(124),
        to_at: at(64),
        started_at: at(63),
        finished_at: at(62),
        status: 'failed',
        seconds: 30,
        error,
      },
      { ...audit, from_at: at(64), to_at: at(4), started_at: at(3), finished_at: at(2), status: 'done', seconds: 4.2 },
    ])
    .execute();
}
