import { sql } from 'kysely';
import type pg from 'pg';
import { DELIVERY_WINDOW_MS } from '../../core/judge-capture.ts';
import { NAMES_NOT_KEPT } from '../../core/quarantine-reason.ts';
import type { BatchStore, QuarantineEntry, QuarantineLimits, RefusedItem, RetryableQuarantine } from '../../ports.ts';
import type { Database } from './database.ts';
import { timestamp } from './timestamp.ts';
import { withClient } from './with-client.ts';
import { writeAround } from './write-around.ts';

export interface QuarantineStore extends BatchStore<QuarantineEntry>, RetryableQuarantine {
  /**
   * Deletes what is older than `before`, and the oldest (rejected requests first) until no more than `maxRows` rows and `maxBytes`
   * bytes of bodies are left; so much at a time, and no further once `signal` is aborted. Returns how many.
   */
  prune(limits: QuarantineLimits, signal?: AbortSignal): Promise<number>;
}

/** A request that is written later than this after it came was perhaps in nobody's sight when its slot was judged. */
const WRITTEN_AT_ONCE_SECONDS = 10;
/** Rows that one statement deletes, so that it takes a moment and no more. */
const PRUNED_AT_ONCE = 50_000;
/** Of rejected ones it is kept until when there were some: without them nobody can tell any more whose fault a missing callback was. */
const TOO_OLD = `with gone as (delete from quarantine where id in (
  select id from quarantine where received_at < to_timestamp($1::float8 / 1000) limit $2) returning kind, received_at),
noted as (insert into evidence_kept (what, since)
  select 'quarantine', max(received_at) + interval '1 millisecond' from gone where kind = 'rejected' having count(*) > 0
  on conflict (what) do update set since = greatest(evidence_kept.since, excluded.since))
select count(*)::int as deleted from gone`;
/**
 * The newest are kept; rejected requests go first, for what was signed may still be understood one day. Of the minutes of which the name
 * of a rejected capture goes it is kept that there were such.
 */
const TOO_MANY = `with gone as (delete from quarantine where id in (
  select id from (
    select id, row_number() over newest_first as place, sum(size) over newest_first as bytes
    -- apart ("offset 0"), so that sizes are sorted and not bodies
    from (
      select id, kind, received_at, octet_length(body) as size from quarantine where reason <> '${NAMES_NOT_KEPT}' offset 0
    ) as sizes
    window newest_first as (order by kind = 'rejected', received_at desc, id desc rows unbounded preceding)
  ) as kept
  where place > $1 or bytes > $2 limit $3) returning kind, object, date_trunc('minute', received_at, 'UTC') as minute),
marked as (insert into quarantine (received_at, kind, reason, body)
  select distinct minute, 'rejected', '${NAMES_NOT_KEPT}', ''::bytea from gone
  where kind = 'rejected' and object is not null and not exists (
    select from quarantine known where known.reason = '${NAMES_NOT_KEPT}' and known.received_at >= minute
    and known.received_at < minute + interval '1 minute'))
select count(*)::int as deleted from gone`;

export function createQuarantineStore(options: { database: Database }): QuarantineStore {
  const { pool } = options.database;
  return {
    write: (entries, { timeoutMs }) =>
      withClient(pool, timeoutMs, (client) => writeAround(entries, (part) => write(client, part))),
    async unsettled({ afterId, limit, kind, reason }) {
      const rows = await options.database.db
        .selectFrom('quarantine')
        .selectAll()
        .where('id', '>', afterId)
        .where(sql<boolean>`(outcome is null or outcome not in ('stored', 'dropped'))`)
        .where(sql<boolean>`octet_length(body) > 0`)
        .$if(kind !== null, (query) => query.where('kind', '=', kind!))
        .$if(reason !== null, (query) => query.where('reason', '=', reason!))
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map((row) => ({
        id: row.id,
        receivedAt: row.received_at,
        kind: row.kind,
        reason: row.reason,
        remoteAddress: row.remote_address,
        headers: row.headers as Record<string, string>,
        body: row.body,
        domain: row.domain,
        app: row.app,
        stream: row.stream,
        object: row.object,
      }));
    },
    async settle(settled, at) {
      const ids = settled.map(({ id }) => id);
      const outcomes = settled.map(({ outcome }) => outcome);
      await sql`
        update quarantine set outcome = settled.outcome, retried_at = ${timestamp(at)}
        from unnest(${ids}::bigint[], ${outcomes}::text[]) as settled (id, outcome)
        where quarantine.id = settled.id`.execute(options.database.db);
    },
    async prune({ before, maxRows, maxBytes }, signal) {
      let pruned = 0;
      for (const statement of [TOO_OLD, TOO_MANY]) {
        const limits = statement === TOO_OLD ? [before, PRUNED_AT_ONCE] : [maxRows, maxBytes, PRUNED_AT_ONCE];
        for (let deleted = PRUNED_AT_ONCE; deleted === PRUNED_AT_ONCE && !signal?.aborted; pruned += deleted) {
          deleted = (await pool.query<{ deleted: number }>(statement, limits)).rows[0]!.deleted;
        }
      }
      return pruned;
    },
  };
}

async function write(client: pg.ClientBase, entries: QuarantineEntry[]): Promise<RefusedItem<QuarantineEntry>[]> {
  const column = <T>(value: (entry: QuarantineEntry) => T) => entries.map(value);
  await client.query({
    name: 'quarantine',
    // What waited in a spool may come after its slot was laid to the vendor: that is judged again.
    text: `with stored as (
      insert into quarantine (received_at, kind, reason, remote_address, headers, body, domain, app, stream, object)
      select to_timestamp(received_at / 1000), kind, reason, remote_address, headers::jsonb, decode(body, 'base64'), domain, app, stream, object
      from unnest($1::float8[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])
        as batch (received_at, kind, reason, remote_address, headers, body, domain, app, stream, object)
      returning received_at, kind, domain, app, stream, object
    )
    insert into late_evidence (stream_id, from_at, reason)
    select s.id, min(received_at) - interval '${DELIVERY_WINDOW_MS} milliseconds', 'late-rejection'
    from stored join streams s using (domain, app, stream)
    where kind = 'rejected' and object is not null and received_at < now() - interval '${WRITTEN_AT_ONCE_SECONDS} seconds'
    group by s.id`,
    values: [
      column((entry) => entry.receivedAt),
      column((entry) => entry.kind),
      column((entry) => entry.reason),
      column((entry) => entry.remoteAddress),
      column((entry) => JSON.stringify(entry.headers)),
      column((entry) => Buffer.from(entry.body).toString('base64')),
      column((entry) => entry.domain),
      column((entry) => entry.app),
      column((entry) => entry.stream),
      column((entry) => entry.object),
    ],
  });
  return [];
}
