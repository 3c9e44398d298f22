import type pg from 'pg';
import { waitUntil, withBriefLock } from './brief-lock.ts';
import type { Database } from './database.ts';
import { createPartitions, DAY_MS, dateOf, partitionName } from './partitions.ts';
import { withAbortableClient } from './with-client.ts';

export interface CaptureDay {
  /** Whole days since the epoch, UTC. */
  day: number;
  /** Rows at the last sealing; null where the day was never sealed. */
  sealedRows: number | null;
  /** What came since then (an estimate: rolled-back rows count too). */
  lateRows: number;
}

/** The daily partitions of captures, as the job that keeps them needs them. */
export interface CaptureDays {
  list(): Promise<CaptureDay[]>;
  /** Makes the partitions of these days where they are missing. */
  ensure(days: number[], signal?: AbortSignal): Promise<void>;
  /**
   * Rewrites a day in stream order, so that a stream's day is read from neighbouring pages. Readers and late arrivals go on
   * meanwhile; only the exchange at the end holds them up, for some ten milliseconds. False where another process is at it or
   * where the exchange found no quiet moment: try again later. All three reject when `signal` ends them in the middle.
   */
  seal(day: number, signal?: AbortSignal): Promise<boolean>;
  /** Drops a day with all its captures. */
  drop(day: number, signal?: AbortSignal): Promise<void>;
}

const SEAL_LOCK = 727_276;
/** How long others may queue up behind our lock request before we step back. */
const BRIEF = { lockTimeoutMs: 200, tries: 60, pauseMs: 1_000 };
/** Read-only transactions that began before the copy cannot see its rows; how long to wait for them to end. */
const OLD_SNAPSHOTS = { timeoutMs: 120_000, everyMs: 250 };
const CATCH_UP_ROUNDS = 5;

export function createCaptureDays(options: { database: Database; brief?: Partial<typeof BRIEF> }): CaptureDays {
  const { pool } = options.database;
  const brief = { ...BRIEF, ...options.brief };

  return {
    async list() {
      const { rows } = await pool.query<{ name: string; sealed_rows: number | null; inserted: number }>(
        `select child.relname as name, sealed.row_count as sealed_rows, coalesce(stats.n_tup_ins, 0) as inserted
         from pg_inherits
         join pg_class child on child.oid = inhrelid
         left join pg_stat_user_tables stats on stats.relid = inhrelid
         left join sealed_days sealed on child.relname = 'captures_' || to_char(sealed.day, 'YYYYMMDD')
         where inhparent = 'captures'::regclass order by 1`,
      );
      return rows.map((row) => ({
        day: dayOfName(row.name),
        sealedRows: row.sealed_rows,
        lateRows: row.sealed_rows === null ? 0 : Math.max(0, row.inserted - row.sealed_rows),
      }));
    },

    ensure: (days, signal) => withAbortableClient(pool, signal, (client) => createPartitions().ensure(client, days)),

    seal: (day, signal) =>
      withAbortableClient(pool, signal, async (client) => {
        const { rows } = await client.query('select pg_try_advisory_lock($1) as mine', [SEAL_LOCK]);
        if (!(rows[0] as { mine: boolean }).mine) return false;
        try {
          return await sealDay(client, day, brief);
        } finally {
          await client.query('select pg_advisory_unlock($1)', [SEAL_LOCK]);
        }
      }),

    drop: (day, signal) =>
      withAbortableClient(pool, signal, async (client) => {
        const name = partitionName(day);
        await withBriefLock(client, brief, async () => {
          await client.query('lock table captures in access exclusive mode');
          const { rows } = await client.query('select to_regclass($1) is not null as there', [name]);
          // Another replica was there first.
          if (!(rows[0] as { there: boolean }).there) return;
          await client.query(`alter table captures detach partition ${name}`);
          await client.query(`drop table ${name}`);
          await client.query('delete from sealed_days where day = $1', [dateOf(day)]);
          await client.query(
            `insert into evidence_kept (what, since) values ('captures', $1)
             on conflict (what) do update set since = greatest(evidence_kept.since, excluded.since)`,
            [`${dateOf(day + 1)}Z`],
          );
        });
      }),
  };
}

async function sealDay(client: pg.ClientBase, day: number, brief: typeof BRIEF): Promise<boolean> {
  const old = partitionName(day);
  const fresh = `${old}_sealing`;
  const log = `${old}_changes`;
  const cleanUp = () =>
    withBriefLock(client, brief, async () => {
      await client.query(`drop trigger if exists log_sealing_change on ${old}`);
      await client.query(`drop table if exists ${fresh}, ${log}`);
    });

  // What an earlier attempt left behind when its process died.
  await cleanUp();
  let isExchanged = false;
  try {
    await withBriefLock(client, brief, async () => {
      await client.query(
        `create table ${log} (stream_id int not null, captured_at timestamptz not null, discriminator int not null, id bigint generated always as identity)`,
      );
      // From its commit on every change is logged; all earlier ones are committed, for the lock waits for their writers.
      await client.query(
        `create trigger log_sealing_change after insert or update or delete on ${old}
         for each row execute function log_sealing_change('${log}')`,
      );
    });
    const copied = await copyInOrder(client, day, old, fresh);
    for (let round = 0; round < CATCH_UP_ROUNDS; round++) if ((await catchUp(client, old, fresh, log)) === 0) break;
    if (!(await oldSnapshotsEnd(client, copied.xid))) return false;

    await withBriefLock(client, brief, async () => {
      await client.query('lock table captures in access exclusive mode');
      await catchUp(client, old, fresh, log);
      await client.query(`alter table captures detach partition ${old}`);
      await client.query(`drop table ${old}, ${log}`);
      await client.query(`alter table ${fresh} rename to ${old}`);
      await client.query(`alter index ${fresh}_pkey rename to ${old}_pkey`);
      await client.query(
        `alter table captures attach partition ${old} for values from ('${dateOf(day)}Z') to ('${dateOf(day + 1)}Z')`,
      );
      await client.query(`alter table ${old} drop constraint ${fresh}_day`);
      await client.query(
        `insert into sealed_days (day, sealed_at, row_count) values ($1, now(), $2)
         on conflict (day) do update set sealed_at = excluded.sealed_at, row_count = excluded.row_count`,
        [dateOf(day), copied.rows],
      );
    });
    isExchanged = true;
  } finally {
    if (!isExchanged) await cleanUp();
  }
  await client.query(`vacuum (freeze, analyze) ${old}`);
  return true;
}

async function copyInOrder(
  client: pg.ClientBase,
  day: number,
  old: string,
  fresh: string,
): Promise<{ rows: number; xid: string }> {
  await client.query('begin');
  try {
    await client.query(`set local work_mem = '128MB'`);
    await client.query(`set local maintenance_work_mem = '128MB'`);
    await client.query(`create table ${fresh} (like captures including defaults)`);
    const copied = await client.query(
      `insert into ${fresh} select * from ${old} order by stream_id, captured_at, discriminator`,
    );
    await client.query(
      `alter table ${fresh} add constraint ${fresh}_pkey primary key (stream_id, captured_at, discriminator) with (fillfactor = 100)`,
    );
    // Spares the exchange a scan: it follows from this that the rows fit the partition.
    await client.query(
      `alter table ${fresh} add constraint ${fresh}_day
       check (captured_at is not null and captured_at >= '${dateOf(day)}Z' and captured_at < '${dateOf(day + 1)}Z')`,
    );
    const { rows } = await client.query<{ xid: string }>('select pg_current_xact_id()::text as xid');
    await client.query('commit');
    return { rows: copied.rowCount ?? 0, xid: rows[0]!.xid };
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
}

/** Makes the rows whose keys are in the log equal; returns how many entries it took from the log. */
async function catchUp(client: pg.ClientBase, old: string, fresh: string, log: string): Promise<number> {
  const { rows } = await client.query<{ taken: number }>(
    `with taken as (delete from ${log} returning stream_id, captured_at, discriminator),
       keys as (select distinct stream_id, captured_at, discriminator from taken),
       gone as (delete from ${fresh} using keys where ${fresh}.stream_id = keys.stream_id
         and ${fresh}.captured_at = keys.captured_at and ${fresh}.discriminator = keys.discriminator
         and not exists (select from ${old} where ${old}.stream_id = keys.stream_id
           and ${old}.captured_at = keys.captured_at and ${old}.discriminator = keys.discriminator)),
       brought as (insert into ${fresh} select ${old}.* from ${old} join keys using (stream_id, captured_at, discriminator)
         on conflict (stream_id, captured_at, discriminator) do update set delay_ms = excluded.delay_ms,
           shape_id = excluded.shape_id, deliveries = excluded.deliveries, flags = excluded.flags,
           told_ms = excluded.told_ms, rest = excluded.rest)
     select count(*) as taken from taken`,
  );
  return rows[0]!.taken;
}

async function oldSnapshotsEnd(client: pg.ClientBase, copyXid: string): Promise<boolean> {
  return waitUntil(async () => {
    const { rows } = await client.query<{ open: number }>(
      `select count(*) as open from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid()
         and backend_xmin is not null and age(backend_xmin) > age(($1::text)::xid)`,
      // The low 32 bits are the xid that rows and snapshots carry.
      [String(BigInt(copyXid) & 0xffff_ffffn)],
    );
    return rows[0]!.open === 0;
  }, OLD_SNAPSHOTS);
}

function dayOfName(name: string): number {
  const digits = /^captures_(\d{4})(\d{2})(\d{2})$/.exec(name);
  if (!digits) throw new Error(`${name}: a partition of captures is named like captures_20261124`);
  return Date.UTC(Number(digits[1]), Number(digits[2]) - 1, Number(digits[3])) / DAY_MS;
}
