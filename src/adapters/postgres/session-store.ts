import { type Kysely, sql } from 'kysely';
import { CAPTURE_FLAGS } from '../../core/capture-flags.ts';
import type { Instant } from '../../core/instant.ts';
import { END_DELAY_MS } from '../../core/judge.ts';
import type { StreamKey } from '../../core/stream-key.ts';
import type { SessionSignalRow, SessionStore, StoredSession, StreamRow } from '../../ports.ts';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';
import { timestamp } from './timestamp.ts';

const SUPPORTED = CAPTURE_FLAGS.verified | CAPTURE_FLAGS.fromIndex | CAPTURE_FLAGS.fromObject;

/** Streams, what was said about their publishing, and the sessions that were made of it. */
export function createSessionStore(database: Database): SessionStore {
  const { db } = database;
  return {
    ensureStreams: (keys) => ensureStreams(db, keys),

    async streams(domain) {
      return db.selectFrom('streams').select(['id', 'domain', 'app', 'stream']).where('domain', '=', domain).execute();
    },

    async streamsToTrack(domain, since) {
      // Besides streams that something was said about: those with captures that no session explains.
      const { rows } = await sql<StreamRow>`
        select id, domain, app, stream from streams s
        where domain = ${domain} and (
          exists (select from session_signals where stream_id = s.id and changed_at >= ${timestamp(since)})
          or exists (select from sessions where stream_id = s.id and ended_at is null and certainty = 'inferred')
          or (
            not exists (select from sessions where stream_id = s.id and ended_at is null)
            and exists (
              select from captures c where c.stream_id = s.id and c.captured_at >= ${timestamp(since)}
              and not exists (
                select from sessions x where x.stream_id = s.id and x.started_at <= c.captured_at + interval '2 seconds'
                and x.ended_at >= c.captured_at - interval '2 seconds'
              )
            )
          )
        )`.execute(db);
      return rows;
    },

    async endsToTrack(streamIds) {
      const { rows } = await sql<StreamRow & { toldAt: Instant }>`
        select s.id, s.domain, s.app, s.stream, max(d.changed_at) as "toldAt"
        from sessions x
        join streams s on s.id = x.stream_id
        join streams o on (o.domain, o.app, lower(o.stream)) = (s.domain, s.app, lower(s.stream))
        join session_signals d on d.stream_id = o.id and d.at >= x.started_at and d.kind = 'publish_done'
        where x.ended_at is null and x.stream_id = any(${sql.val(streamIds)}::integer[])
        group by s.id`.execute(db);
      return rows;
    },

    async streamsAlike(streams) {
      // Exact: a list or a snapshot callback spells the name, and not only a push callback, which may lower-case it.
      const { rows } = await sql<StreamRow & { exact: boolean }>`
        select s.id, s.domain, s.app, s.stream, (
          exists (select from session_signals x where x.stream_id = s.id and x.kind in ('online', 'listed'))
          or exists (select from captures c where c.stream_id = s.id)
        ) as exact
        from streams s where (s.domain, s.app, lower(s.stream)) in (
          select domain, app, lower(stream) from streams where id = any(${sql.val(streams.map(({ id }) => id))}::integer[])
        ) order by s.id`.execute(db);
      return rows;
    },

    async capturesOutsideSessions(streamId, from, limit) {
      const { rows } = await sql<{ captured_at: Instant }>`
        select captured_at from captures c where stream_id = ${streamId} and captured_at >= ${timestamp(from)}
        and flags & ${SUPPORTED} <> 0
        and not exists (
          select from sessions x where x.stream_id = c.stream_id and x.certainty <> 'inferred'
          and x.started_at <= c.captured_at + interval '2 seconds'
          and (x.ended_at is null or x.ended_at >= c.captured_at - interval '2 seconds')
        )
        order by captured_at limit ${limit}`.execute(db);
      return rows.map((row) => row.captured_at);
    },

    async lastCapture(streamId, from, to) {
      const row = await db
        .selectFrom('captures')
        .select('captured_at')
        .where('stream_id', '=', streamId)
        .where('captured_at', '>=', timestamp(from))
        .where('captured_at', '<', timestamp(to))
        .orderBy('captured_at', 'desc')
        .limit(1)
        .executeTakeFirst();
      return row?.captured_at ?? null;
    },

    async recordOnline(domain, streams, polledAt) {
      const ids = await ensureStreams(db, streams);
      await db.transaction().execute(async (transaction) => {
        await sql`
          insert into session_signals (stream_id, at, kind, seen_at, started_at, push_domain)
          select stream_id, started_at, 'online', ${timestamp(polledAt)}, started_at, push_domain
          from unnest(${sql.val(ids)}::integer[], ${instants(streams.map((stream) => stream.publishedAt))},
            ${sql.val(streams.map((stream) => stream.publishDomain))}::text[]) as seen (stream_id, started_at, push_domain)
          on conflict (stream_id, at, kind) do update set
            seen_at = greatest(session_signals.seen_at, excluded.seen_at),
            changed_at = case when session_signals.ended_at is null then session_signals.changed_at else now() end,
            ended_at = null
            where session_signals.seen_at < excluded.seen_at`.execute(transaction);
        // Not seen any more: it ended at some time between the last poll that saw it and this one.
        await sql`
          update session_signals o set ended_at = ${timestamp(polledAt)}, changed_at = now()
          from streams s where s.id = o.stream_id and s.domain = ${domain}
          and o.kind = 'online' and o.ended_at is null and o.seen_at < ${timestamp(polledAt)}`.execute(transaction);
      });
    },

    async recordPublishes(publishes, seenAt) {
      if (publishes.length === 0) return;
      const ids = await ensureStreams(db, publishes);
      await sql`
        insert into session_signals (stream_id, at, kind, seen_at, started_at, ended_at, push_domain)
        select distinct on (stream_id, started_at)
          stream_id, started_at, 'listed', ${timestamp(seenAt)}, started_at, ended_at, push_domain
        from unnest(${sql.val(ids)}::integer[], ${instants(publishes.map((publish) => publish.publishedAt))},
          ${instants(publishes.map((publish) => publish.stoppedAt))},
          ${sql.val(publishes.map((publish) => publish.publishDomain))}::text[])
          as seen (stream_id, started_at, ended_at, push_domain)
        order by stream_id, started_at, ended_at desc nulls last
        on conflict (stream_id, at, kind) do update set
          seen_at = excluded.seen_at,
          changed_at = case when session_signals.ended_at is distinct from excluded.ended_at then now()
            else session_signals.changed_at end,
          ended_at = excluded.ended_at`.execute(db);
    },

    async signals(streamIds, from) {
      const rows = await db
        .selectFrom('session_signals')
        .selectAll()
        .where('stream_id', '=', sql<number>`any(${sql.val([...streamIds])}::integer[])`)
        .where(
          sql<boolean>`(at >= ${timestamp(from)} or seen_at >= ${timestamp(from)} or ended_at >= ${timestamp(from)})`,
        )
        .orderBy('at')
        .execute();
      return grouped(
        rows,
        (row): SessionSignalRow => ({
          kind: row.kind as SessionSignalRow['kind'],
          at: row.at,
          seenAt: row.seen_at,
          startedAt: row.started_at,
          endedAt: row.ended_at,
          pushDomain: row.push_domain,
        }),
      );
    },

    async sessions(streamIds, from, to) {
      const rows = await db
        .selectFrom('sessions')
        .selectAll()
        .where('stream_id', '=', sql<number>`any(${sql.val([...streamIds])}::integer[])`)
        .where('started_at', '<', timestamp(to))
        .where(sql<boolean>`(ended_at is null or ended_at > ${timestamp(from)})`)
        .orderBy('started_at')
        .execute();
      return grouped(
        rows,
        (row): StoredSession => ({
          startedAt: row.started_at,
          endedAt: row.ended_at,
          certainty: row.certainty,
          endCertain: row.end_certain,
        }),
      );
    },

    async replaceSessions(streamId, from, sessions) {
      await db.transaction().execute((transaction) => replaceSessions(transaction, streamId, from, sessions));
    },
  };
}

async function ensureStreams(db: Kysely<Tables>, keys: readonly StreamKey[]): Promise<number[]> {
  if (keys.length === 0) return [];
  const columns = sql`unnest(${sql.val(keys.map((key) => key.domain))}::text[], ${sql.val(keys.map((key) => key.app))}::text[],
    ${sql.val(keys.map((key) => key.stream))}::text[])`;
  const find = async () => {
    const { rows } = await sql<{ id: number | null }>`
      select s.id from ${columns} with ordinality as k (domain, app, stream, position)
      left join streams s using (domain, app, stream) order by position`.execute(db);
    return rows.map((row) => row.id);
  };
  let ids = await find();
  if (ids.includes(null)) {
    // Looked up first: an insert that meets a row there burns an id every time.
    await sql`insert into streams (domain, app, stream) select distinct * from ${columns} on conflict do nothing`.execute(
      db,
    );
    ids = await find();
  }
  return ids.map((id) => {
    if (id === null) throw new Error('a stream that was just added is gone');
    return id;
  });
}

async function replaceSessions(
  transaction: Kysely<Tables>,
  streamId: number,
  from: Instant,
  sessions: readonly StoredSession[],
): Promise<void> {
  // Whoever changes a stream's sessions takes turns, and an audit under way finds its version gone.
  const watermark = await transaction
    .selectFrom('watermarks')
    .select(['audited_until', 'version'])
    .where('stream_id', '=', streamId)
    .forUpdate()
    .executeTakeFirst();
  const stored = await transaction
    .selectFrom('sessions')
    .selectAll()
    .where('stream_id', '=', streamId)
    .where('started_at', '>=', timestamp(from))
    .forUpdate()
    .execute();
  let changedFrom = Number.POSITIVE_INFINITY;
  for (const row of stored) {
    if (sessions.some((session) => session.startedAt === row.started_at)) continue;
    changedFrom = Math.min(changedFrom, row.started_at);
    await transaction
      .deleteFrom('sessions')
      .where('stream_id', '=', streamId)
      .where('started_at', '=', timestamp(row.started_at))
      .execute();
  }
  for (const session of sessions) {
    const row = stored.find((each) => each.started_at === session.startedAt);
    if (row && row.ended_at === session.endedAt) {
      if (row.certainty === session.certainty && row.end_certain === session.endCertain) continue;
    } else if (row) {
      changedFrom = Math.min(changedFrom, earlier(row.ended_at, session.endedAt) - END_DELAY_MS);
    } else changedFrom = Math.min(changedFrom, session.startedAt);
    const values = {
      ended_at: session.endedAt === null ? null : timestamp(session.endedAt),
      certainty: session.certainty,
      end_certain: session.endCertain,
      updated_at: sql<Instant>`now()`,
    };
    await transaction
      .insertInto('sessions')
      .values({ stream_id: streamId, started_at: timestamp(session.startedAt), ...values })
      .onConflict((conflict) => conflict.columns(['stream_id', 'started_at']).doUpdateSet(values))
      .execute();
  }
  if (changedFrom === Number.POSITIVE_INFINITY) return;
  await transaction
    .updateTable('watermarks')
    .set({ version: sql`version + 1` })
    .where('stream_id', '=', streamId)
    .execute();
  if (watermark && watermark.audited_until <= changedFrom) return;
  await transaction
    .insertInto('late_evidence')
    .values({ stream_id: streamId, from_at: timestamp(changedFrom), reason: 'session-changed' })
    .execute();
}

function earlier(a: Instant | null, b: Instant | null): Instant {
  return Math.min(a ?? Number.POSITIVE_INFINITY, b ?? Number.POSITIVE_INFINITY);
}

function grouped<Row extends { stream_id: number }, T>(rows: readonly Row[], map: (row: Row) => T): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const row of rows) {
    const group = groups.get(row.stream_id);
    if (group) group.push(map(row));
    else groups.set(row.stream_id, [map(row)]);
  }
  return groups;
}

function instants(values: readonly (Instant | null)[]) {
  return sql`cast(${sql.val(values.map((value) => (value === null ? null : new Date(value).toISOString())))} as timestamptz[])`;
}
