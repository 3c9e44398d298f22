import { sql } from 'kysely';
import { createConfigStore } from '../../src/adapters/postgres/config-store.ts';
import type { Database } from '../../src/adapters/postgres/database.ts';
import { createIncidentStore } from '../../src/adapters/postgres/incident-store.ts';
import { timestamp } from '../../src/adapters/postgres/timestamp.ts';
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
import { silenceCondition } from './incidents.ts';

/** One of everything, at fixed places: stream 1 is play.example.com/live/cam01, its session starts at `START`. */
export const START = 1_764_000_000_000;
export const NOW = START + 3_600_000;

/** Real things behind paths with variables. */
export const PLACES: Record<string, string> = {
  '/incidents/{id}': '/incidents/1',
  '/streams/{domain}/{app}/{stream}': '/streams/play.example.com/live/cam01',
  '/streams/{domain}/{app}/{stream}/timeline': '/streams/play.example.com/live/cam01/timeline',
  '/streams/{domain}/{app}/{stream}/slots/{at}': '/streams/play.example.com/live/cam01/slots/2025-11-24T16:00:50Z',
  '/streams/{domain}/{app}/{stream}/slots/{at}/object':
    '/streams/play.example.com/live/cam01/slots/2025-11-24T16:00:50Z/object',
  '/streams/{domain}/{app}/{stream}/slots/{at}/index':
    '/streams/play.example.com/live/cam01/slots/2025-11-24T16:00:50Z/index',
  '/sessions/{id}': '/sessions/1-1764000000000',
  '/sessions/{id}/slots': '/sessions/1-1764000000000/slots',
  '/captures/{id}': '/captures/1-1764000000000-0',
  '/captures/{id}/url': '/captures/1-1764000000000-0/url',
  '/gaps/{id}': '/gaps/1-1764000050000-late-sequence',
  '/quarantine/{id}': '/quarantine/1',
  '/problems/{name}': '/problems/not-found',
};

export async function fillHistory(database: Database): Promise<void> {
  const stream = await addStream(database, 'play.example.com', 'live', 'cam01');
  await addPartitions(database, START, NOW + 1);
  const shapeId = await addShape(database);
  await addConfig(database, { domain: 'play.example.com', app: 'live', validFrom: START, intervalSeconds: 10 });
  await createConfigStore(database, { sealingKeys: [] }).saveStates('play.example.com', [
    {
      domain: 'play.example.com',
      kind: 'config',
      app: 'live',
      state: 'drifted',
      since: START,
      lookedAt: START + 60_000,
      driftedSince: START,
      differences: [
        { field: 'intervalSeconds', desired: 10, actual: 20 },
        { field: 'callback', desired: 'https://audit.example.com/callbacks/snapshot', actual: null },
      ],
      stoppedAt: null,
    },
    {
      domain: 'play.example.com',
      kind: 'callback_auth',
      app: null,
      state: 'in_sync',
      since: START,
      lookedAt: START + 60_000,
      driftedSince: null,
      differences: [],
      stoppedAt: null,
    },
  ]);
  await addHeartbeat(database, START, NOW);
  await addSession(database, stream, START, null);
  await addCaptures(
    database,
    Array.from({ length: 300 }, (_, index) => ({ streamId: stream, at: START + index * 10_000, shapeId })),
  );
  await addGap(database, {
    streamId: stream,
    from: START + 50_000,
    to: START + 60_000,
    slots: 1,
    verdict: 'late',
    cause: 'late_delivery',
    sessionStartedAt: START,
  });
  await addWatermark(database, stream, START + 2_000_000);
  await addSlotHour(database, stream, Math.floor(START / 3_600_000) * 3_600_000, START, { ok: 299, late: 1 });
  await sql`insert into audits (domain, from_at, to_at, started_at, status)
    values ('play.example.com', ${timestamp(START)}, ${timestamp(NOW)}, ${timestamp(NOW)}, 'running')`.execute(
    database.db,
  );
  await sql`insert into quarantine (received_at, kind, reason, body, domain)
    values (${timestamp(NOW)}, 'rejected', 'signature-mismatch', 'body', 'play.example.com')`.execute(database.db);
  await sql`insert into excused_spans (from_at, to_at, domain, reason, author)
    values (${timestamp(START)}, ${timestamp(START + 60_000)}, 'play.example.com', 'maintenance', 'test')`.execute(
    database.db,
  );
  await createIncidentStore(database).evaluate(
    { now: NOW, since: 0, severity: () => 'warning', route: () => ['chat'] },
    async () => [{ do: 'open', condition: silenceCondition('cam01', { since: NOW - 90_000 }) }],
  );
}

/** A second one of everything that is listed, so that every list has a page after a first page of one. */
export async function fillSecondPages(database: Database): Promise<void> {
  const stream = await addStream(database, 'play.example.com', 'live', 'cam02');
  await addSession(database, stream, START, null);
  await addGap(database, {
    streamId: stream,
    from: START + 50_000,
    to: START + 60_000,
    slots: 1,
    verdict: 'late',
    cause: 'late_delivery',
    sessionStartedAt: START,
  });
  await addSlotHour(database, stream, Math.floor(START / 3_600_000) * 3_600_000, START, { ok: 299, late: 1 });
  const { pool } = database;
  const at = new Date(START).toISOString();
  await pool.query(`insert into audits (domain, from_at, to_at, started_at, status) values ('d', $1, $1, $1, 'done')`, [
    at,
  ]);
  await pool.query(`insert into quarantine (received_at, kind, reason, body) values ($1, 'rejected', 'x', 'x')`, [at]);
  await pool.query(
    `insert into silences (from_at, until_at, reason, author, created_at)
     select $1::timestamptz, $1::timestamptz + interval '1 hour', 'works', 'test', $1 from generate_series(1, 2)`,
    [at],
  );
  await pool.query(
    `insert into operator_log (at, actor, action, target, status) select $1, 'x', 'x', 'x', 200 from generate_series(1, 2)`,
    [at],
  );
  await createIncidentStore(database).evaluate(
    { now: NOW, since: 0, severity: () => 'warning', route: () => ['chat'] },
    async () => [{ do: 'open', condition: silenceCondition('cam02', { since: NOW - 90_000 }) }],
  );
}
