import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOperatorLog } from '../../src/adapters/postgres/operator-log.ts';
import { createHistoryReads } from '../../src/adapters/postgres/query-history.ts';
import { sumDays } from '../../src/adapters/postgres/sum-days.ts';
import { timestamp } from '../../src/adapters/postgres/timestamp.ts';
import type { AlertingHandle } from '../../src/usecases/manage-alerting.ts';
import { createQueries, type Queries } from '../../src/usecases/query-history.ts';
import { readOperations } from '../../src/usecases/query-operations.ts';
import type { Page, PageWords } from '../../src/usecases/query-paging.ts';
import { createTestAlerting } from '../support/alerting-handle.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { addCaptures, addConfig, addGap, addPartitions, addSession, addShape, addStream } from '../support/history.ts';

const START = Date.UTC(2026, 10, 23);
const NOW = Date.UTC(2026, 10, 24);
const ROWS = 10_000;
const clock = { now: () => NOW };

let database: TestDatabase;
let queries: Queries;
let alerting: AlertingHandle;
let shapeId: number;
let longSession: { streamId: number; id: string };

beforeAll(async () => {
  database = await createTestDatabase();
  queries = createQueries({ reads: createHistoryReads(database), clock });
  alerting = createTestAlerting(database, clock);
  shapeId = await addShape(database);
  await addPartitions(database, START, NOW + 1);
  const run = (text: string) => database.pool.query(text);
  const start = `'${new Date(START).toISOString()}'::timestamptz`;
  await run(`insert into streams (domain, app, stream) select 'd', 'a', 's' || n from generate_series(1, ${ROWS}) n`);
  await run(`insert into sessions (stream_id, started_at, ended_at, certainty)
    select id, ${start} + (id % 97) * interval '1 second', ${start} + interval '1 hour', 'listed' from streams`);
  // Many at the same instant: the place in the list must not rest on time alone.
  await run(`insert into gaps (stream_id, from_at, to_at, verdict, cause, slots, open)
    select id, ${start} + (id % 89) * interval '1 second', ${start} + interval '1 hour', 'late', 'late_delivery', 1, false from streams`);
  await run(`insert into slot_hours (stream_id, hour, session_started_at, ok)
    select id, ${start} + n * interval '1 hour', ${start}, 1 from streams, generate_series(0, 1) n where id <= ${ROWS / 2}`);
  await sumDays(database.db);
  await run(`insert into audits (domain, from_at, to_at, started_at, status)
    select 'd', ${start}, ${start}, ${start}, 'done' from generate_series(1, ${ROWS})`);
  await run(`insert into quarantine (received_at, kind, reason, body)
    select ${start}, 'rejected', 'x', 'x' from generate_series(1, ${ROWS})`);
  await run(`insert into incidents (track, kind, domain, status, severity, since, opened_at, updated_at, affected, total)
    select 'delivery', 'gap', 'd' || n, 'open', 'warning', ${start}, ${start} + (n % 89) * interval '1 second', ${start}, 1, 1
    from generate_series(1, ${ROWS}) n`);
  await run(`insert into notifications (channel, event, cause_key, created_at, due_at)
    select 'works', 'opened', 'k' || n, ${start} + (n % 89) * interval '1 second', ${start} from generate_series(1, ${ROWS}) n`);
  await run(`insert into operator_log (at, actor, action, target, status)
    select ${start}, 'old', 'x', 'x', 200 from generate_series(1, ${ROWS})`);
  await addCaptures(
    database,
    Array.from({ length: ROWS }, (_, index) => ({
      streamId: 1 + (index % 4),
      at: START + Math.floor(index / 8) * 1_000,
      discriminator: index % 8,
      shapeId,
    })),
  );
  await run(`insert into silences (from_at, until_at, reason, author, created_at)
    select ${start}, ${start} + interval '1 hour', 'works', 'old', ${start} from generate_series(1, ${ROWS})`);
  longSession = await addLongSession();
  await run('analyze');
}, 120_000);
afterAll(() => database?.drop());

const SLOT_MS = 5_000;
const MISSED_FROM = 4_000;
const MISSED = 1_000;
const OF_SLOTS = 50;

/** A session of 10,000 slots; 1,000 of them amid it were not captured. */
async function addLongSession(): Promise<{ streamId: number; id: string }> {
  const streamId = await addStream(database, 'd', 'long', 'one-long-session');
  const slotAt = (index: number) => START + index * SLOT_MS;
  await addConfig(database, { domain: 'd', app: 'long', validFrom: START, intervalSeconds: SLOT_MS / 1_000 });
  await addSession(database, streamId, START, slotAt(ROWS));
  const captured = Array.from({ length: ROWS }, (_, index) => index).filter(
    (index) => index < MISSED_FROM || index >= MISSED_FROM + MISSED,
  );
  await addCaptures(
    database,
    captured.map((index) => ({ streamId, at: slotAt(index), discriminator: OF_SLOTS, shapeId })),
  );
  await addGap(database, {
    streamId,
    from: slotAt(MISSED_FROM),
    to: slotAt(MISSED_FROM + MISSED),
    slots: MISSED,
    verdict: 'not_captured',
    cause: 'not_captured',
    sessionStartedAt: START,
    // As all that the walk through gaps does not count.
    open: true,
  });
  return { streamId, id: `${streamId}-${START}` };
}

/** What another process writes while someone pages: rows before, amid and after what the list shows. */
async function write(round: number): Promise<void> {
  await addCaptures(database, [
    { streamId: 1 + (round % 4), at: START + 70_000_000 + round, discriminator: 99, shapeId },
    { streamId: 1 + (round % 4), at: START + round * 10_000, discriminator: 77, shapeId },
    // Of the long session: on the last slot of every page that is read, right after it, and amid the next one.
    ...[-1, 0, 200].map((offset) => ({
      streamId: longSession.streamId,
      at: START + ((round % 20) * 437 + 437 + offset) * SLOT_MS,
      discriminator: 100 + round,
      shapeId,
    })),
  ]);
  await sql`insert into streams (domain, app, stream) values ('d', 'a', ${`new-${round}`})`.execute(database.db);
  await sql`insert into audits (domain, from_at, to_at, started_at, status) values ('d', now(), now(), now(), 'running')`.execute(
    database.db,
  );
  await sql`insert into quarantine (received_at, kind, reason, body) values (now(), 'rejected', 'x', 'x')`.execute(
    database.db,
  );
  // Opened amid what was there, at an instant that others share.
  await sql`insert into incidents (track, kind, domain, status, severity, since, opened_at, updated_at, affected, total)
    values ('delivery', 'gap', ${`new-${round}`}, 'open', 'info', now(), ${timestamp(START + (round % 89) * 1_000)}, now(), 1, 1)`.execute(
    database.db,
  );
  await sql`insert into notifications (channel, event, cause_key, created_at, due_at)
    values ('broken', 'opened', ${`new-${round}`}, ${timestamp(START + (round % 89) * 1_000)}, now())`.execute(
    database.db,
  );
  await sql`insert into operator_log (at, actor, action, target, status) values (now(), 'new', 'x', 'x', 200)`.execute(
    database.db,
  );
  await sql`insert into silences (from_at, until_at, reason, author, created_at)
    values (${timestamp(START)}, ${timestamp(NOW)}, 'works', 'new', now())`.execute(database.db);
  await sql`insert into gaps (stream_id, from_at, to_at, verdict, cause, slots, open)
    values (${1 + round}, ${timestamp(START + round * 997)}, ${timestamp(NOW)}, 'misnamed', null, 1, true)`.execute(
    database.db,
  );
}

const LISTS: Record<
  string,
  { list: (words: PageWords) => Promise<Page<unknown>>; id(row: never): string; old(row: never): boolean }
> = {
  streams: {
    list: (words) => queries.streams(words),
    id: (row: { stream: string }) => row.stream,
    old: (row: { stream: string }) => row.stream.startsWith('s'),
  },
  captures: {
    list: (words) => queries.captures(words),
    id: (row: { id: string }) => row.id,
    old: (row: { discriminator: number }) => row.discriminator < 8,
  },
  sessions: {
    list: (words) => queries.sessions(words),
    id: (row: { id: string }) => row.id,
    old: (row: { app: string }) => row.app === 'a',
  },
  'slots of a session': {
    list: (words) => queries.sessionSlots(longSession.id, words),
    id: (row: { at: number; captureId: string | null }) => `${row.at} ${row.captureId}`,
    old: (row: { captureId: string | null }) => row.captureId === null || row.captureId.endsWith(`-${OF_SLOTS}`),
  },
  silences: {
    list: (words) => alerting.silences(words),
    id: (row: { id: number }) => String(row.id),
    old: (row: { author: string }) => row.author === 'old',
  },
  gaps: {
    list: (words) => queries.gaps({ ...words, from: START, to: NOW }),
    id: (row: { id: string }) => row.id,
    old: (row: { open: boolean }) => !row.open,
  },
  coverage: {
    list: (words) => queries.coverage({ ...words, per: 'hour', from: START, to: NOW }),
    id: (row: { at: number; stream: string }) => `${row.at} ${row.stream}`,
    old: () => true,
  },
  audits: {
    list: (words) => queries.audits(words),
    id: (row: { id: number }) => String(row.id),
    old: (row: { status: string }) => row.status === 'done',
  },
  quarantine: {
    list: (words) => queries.quarantined(words),
    id: (row: { id: number }) => String(row.id),
    old: (row: { receivedAt: number }) => row.receivedAt === START,
  },
  incidents: {
    list: (words) => alerting.incidents(words),
    id: (row: { id: number }) => String(row.id),
    old: (row: { severity: string }) => row.severity === 'warning',
  },
  notifications: {
    list: (words) => alerting.notifications(words),
    id: (row: { id: number }) => String(row.id),
    old: (row: { channel: string }) => row.channel === 'works',
  },
  operations: {
    list: (words) => readOperations(createOperatorLog(database), clock, words),
    id: (row: { id: number }) => String(row.id),
    old: (row: { actor: string }) => row.actor === 'old',
  },
};

describe('a walk by cursor', () => {
  it.each(Object.keys(LISTS))(
    'through 10,000 %s loses none and repeats none while rows are being written',
    async (name) => {
      const { list, id, old } = LISTS[name]!;
      const seen = new Set<string>();
      let there = 0;
      let cursor: string | undefined;
      for (let round = 0; ; round++) {
        const page: Page<unknown> = await list({ cursor, limit: 437 });
        for (const row of page.data as never[]) {
          expect(seen.has(id(row))).toBe(false);
          seen.add(id(row));
          if (old(row)) there++;
        }
        if (page.next === null) break;
        cursor = page.next;
        await write(round + Object.keys(LISTS).indexOf(name) * 100);
      }
      expect(there).toBe(ROWS);
    },
  );
});
