import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCaptureDays } from '../../../src/adapters/postgres/capture-days.ts';
import { createCaptureStore } from '../../../src/adapters/postgres/capture-store.ts';
import { openDatabase } from '../../../src/adapters/postgres/database.ts';
import { PARTITION_LOCK } from '../../../src/adapters/postgres/partitions.ts';
import type { IncomingCapture } from '../../../src/ports.ts';
import { incomingCapture } from '../../support/captures.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const DAY_MS = 86_400_000;
const DAY = Math.floor(Date.UTC(2026, 10, 20) / DAY_MS);
const STREAMS = 100;
const WRITE = { again: false, timeoutMs: 20_000 };

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase({ maxConnections: 10 });
});
afterAll(() => database.drop());

function round(number: number): IncomingCapture[] {
  return Array.from({ length: STREAMS }, (_, stream) =>
    incomingCapture(`cam${stream}`, DAY * DAY_MS + 1_000_000 + number * 5_000 + stream),
  );
}

async function pagesOfOneStream(): Promise<number> {
  const { rows } = await database.pool.query<{ pages: number }>(
    `select count(distinct (ctid::text::point)[0]) as pages from captures where stream_id = (select min(id) from streams)`,
  );
  return rows[0]!.pages;
}

describe('sealing a day', () => {
  const store = () => createCaptureStore({ database, now: Date.now, lateEvidenceAfterMs: 48_000 });
  const days = () => createCaptureDays({ database });

  it('puts the captures of one stream on neighbouring pages, while writers and readers go on', async () => {
    const captures = store();
    const rounds = 400;
    for (let number = 0; number < rounds; number += 5) {
      await captures.write(
        [0, 1, 2, 3, 4].flatMap((step) => round(number + step)),
        WRITE,
      );
    }
    expect(await pagesOfOneStream()).toBeGreaterThan(50);

    const writerDatabase = openDatabase({ url: database.url, maxConnections: 3 });
    const late = createCaptureStore({ database: writerDatabase, now: Date.now, lateEvidenceAfterMs: 48_000 });
    let sealed = false;
    let written = 0;
    let slowest = 0;
    const writer = (async () => {
      // New captures of that day, and second deliveries of old ones.
      for (let number = 0; !sealed || number < 20; number++) {
        const begun = performance.now();
        await late.write([...round(rounds + number), ...round(number)], WRITE);
        slowest = Math.max(slowest, performance.now() - begun);
        written = number + 1;
      }
    })();
    const counts: number[] = [];
    const reader = (async () => {
      while (!sealed) {
        const { rows } = await writerDatabase.pool.query<{ n: number }>('select count(*) as n from captures');
        counts.push(rows[0]!.n);
      }
    })();
    expect(await days().seal(DAY)).toBe(true);
    sealed = true;
    await Promise.all([writer, reader]);

    // No reader ever saw less than before.
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    const { rows } = await database.pool.query<{ n: number; deliveries: number; twice: number }>(
      'select count(*) as n, sum(deliveries) as deliveries, count(*) filter (where deliveries = 2) as twice from captures',
    );
    const repeated = Math.min(written, rounds + written);
    expect(rows[0]).toEqual({
      n: (rounds + written) * STREAMS,
      deliveries: (rounds + 2 * repeated) * STREAMS,
      twice: repeated * STREAMS,
    });
    expect(slowest).toBeLessThan(3_000);
    await writerDatabase.close();

    expect(await days().seal(DAY)).toBe(true);
    expect(await pagesOfOneStream()).toBeLessThanOrEqual(Math.ceil((rounds + written) / 130) + 1);
    const [listed] = await days().list();
    expect(listed).toMatchObject({ day: DAY, sealedRows: (rounds + written) * STREAMS });
    const leftovers = await database.pool.query(
      `select relname from pg_class where relname ~ '^captures_.*(sealing|changes)$' union all select tgname from pg_trigger where tgname ~ 'seal'`,
    );
    expect(leftovers.rows).toEqual([]);
  });

  it('starts anew after a sealing that died half-way', async () => {
    const name = 'captures_20261120';
    await database.pool.query(`create table ${name}_sealing (x int)`);
    await database.pool.query(
      `create table ${name}_changes (stream_id int, captured_at timestamptz, discriminator int)`,
    );
    await database.pool.query(
      `create trigger log_sealing_change after insert or update or delete on ${name} for each row execute function log_sealing_change('${name}_changes')`,
    );
    expect(await days().seal(DAY)).toBe(true);
    await store().write(round(10_000), WRITE);
  });

  it('is left to one process at a time', async () => {
    const results = await Promise.all([days().seal(DAY), days().seal(DAY), days().seal(DAY)]);
    expect(results.filter(Boolean).length).toBeGreaterThanOrEqual(1);
    expect(results).toContain(false);
  });

  it('gives up when a long transaction reads the day, and holds nobody up for long meanwhile', async () => {
    const client = await database.pool.connect();
    await client.query('begin');
    await client.query('select count(*) from captures');
    const impatient = createCaptureDays({ database, brief: { lockTimeoutMs: 50, tries: 3, pauseMs: 20 } });
    await expect(impatient.seal(DAY)).rejects.toMatchObject({ code: '55P03' });
    await client.query('commit');
    client.release();
    expect(await days().seal(DAY)).toBe(true);
  });

  it('ends in the middle when it is told to, and starts anew afterwards', async () => {
    const reader = await database.pool.connect();
    await reader.query('begin isolation level repeatable read');
    await reader.query('select count(*) from streams');
    const stop = new AbortController();
    const sealing = days().seal(DAY, stop.signal);
    const ended = expect(sealing).rejects.toThrow();
    // It waits for the reader now, for minutes if need be.
    const count = async (sql: string) => (await database.pool.query<{ n: number }>(sql)).rows[0]!.n;
    const waits = `select count(*) as n from pg_stat_activity where datname = current_database() and query like '%age(backend_xmin)%'
      and pid <> pg_backend_pid()`;
    while ((await count(waits)) === 0);
    stop.abort();
    await ended;
    await reader.query('commit');
    reader.release();
    expect(await days().seal(DAY)).toBe(true);
    await expect(days().drop(DAY, stop.signal)).rejects.toThrow();
    expect((await days().list()).map(({ day }) => day)).toContain(DAY);
  });

  it('waits for no lock any longer when it is told to end', async () => {
    const holder = await database.pool.connect();
    await holder.query('select pg_advisory_lock($1)', [PARTITION_LOCK]);
    const stop = new AbortController();
    const ended = expect(days().ensure([DAY + 100], stop.signal)).rejects.toThrow();
    const waiting = async () => {
      const { rows } = await database.pool.query<{ n: number }>(
        `select count(*) as n from pg_locks where locktype = 'advisory' and objid = $1 and not granted
         and database = (select oid from pg_database where datname = current_database())`,
        [PARTITION_LOCK],
      );
      return rows[0]!.n;
    };
    while ((await waiting()) === 0);
    stop.abort();
    await ended;
    while ((await waiting()) > 0);
    await holder.query('select pg_advisory_unlock($1)', [PARTITION_LOCK]);
    holder.release();
  });

  it('drops a day and takes captures of it again afterwards', async () => {
    const captures = store();
    await captures.write(round(11_000).slice(0, 1), WRITE);
    await days().drop(DAY);
    expect((await days().list()).map(({ day }) => day)).not.toContain(DAY);
    await captures.write(round(11_000).slice(0, 1), WRITE);
    expect((await days().list()).map(({ day }) => day)).toContain(DAY);
  });

  it('is dropped once where two replicas are at it', async () => {
    await days().ensure([DAY - 400]);
    await Promise.all([days().drop(DAY - 400), days().drop(DAY - 400)]);
    expect((await days().list()).map(({ day }) => day)).not.toContain(DAY - 400);
  });
});
