import { sql } from 'kysely';
import { VERDICTS } from '../../core/verdict.ts';
import type { MetricsSnapshot, MetricsSource } from '../../ports.ts';
import type { Database } from './database.ts';
import { timestamp } from './timestamp.ts';

/** Labels stay bounded: a callback can name any app, so only so many are shown by name. */
const MAX_APPS = 200;
const HOUR_MS = 3_600_000;

/** `domains`: those of the settings. Of one that has left them nobody knows what is on air, and that the audit does not get on is no fault. */
export function createMetricsSource(database: Database, domains: readonly string[]): MetricsSource {
  const { db } = database;
  return {
    async read(now) {
      const hour = now - (now % HOUR_MS);
      const [onAir, slots, incidents, notifications, audits, quarantined, heartbeat] = await Promise.all([
        sql<MetricsSnapshot['onAir'][number]>`
          select t.domain, t.app, count(*)::integer as streams from sessions s join streams t on t.id = s.stream_id
          where s.ended_at is null and t.domain = any(${[...domains]}::text[])
          group by t.domain, t.app order by streams desc`.execute(db),
        sql<{ domain: string; app: string } & Record<string, number>>`
          select t.domain, t.app, ${sql.raw(VERDICTS.map((verdict) => `sum(h.${verdict})::integer as ${verdict}`).join(', '))}
          from slot_hours h join streams t on t.id = h.stream_id where h.hour >= ${timestamp(hour - HOUR_MS)}
          group by t.domain, t.app order by sum(h.ok) desc`.execute(db),
        db
          .selectFrom('incidents')
          .select(['kind', 'severity', 'status', (eb) => eb.fn.countAll<number>().as('count')])
          .where('status', '<>', 'resolved')
          .where('folded_into', 'is', null)
          .groupBy(['kind', 'severity', 'status'])
          .execute(),
        db
          .selectFrom('notifications')
          .select(['channel', 'status', (eb) => eb.fn.countAll<number>().as('count')])
          .groupBy(['channel', 'status'])
          .execute(),
        sql<{ domain: string; at: number | null }>`
          with known as (
            select domain, max(finished_at) filter (where status = 'done') as done_at, min(started_at) as begun_at
            from audits where kind = 'audit' and started_at > ${timestamp(now - 7 * 24 * HOUR_MS)} group by domain
            union all
            select t.domain, null, min(s.started_at) from sessions s join streams t on t.id = s.stream_id
            where s.ended_at is null group by t.domain
          )
          select domain, coalesce(max(done_at), min(begun_at)) as at from known group by domain`.execute(db),
        sql<MetricsSnapshot['quarantined'][number]>`
          select kind, count(*)::integer as count from quarantine where received_at >= ${timestamp(now - HOUR_MS)}
          group by kind`.execute(db),
        db
          .selectFrom('heartbeats')
          .select((eb) => eb.fn.max('to_at').as('at'))
          .executeTakeFirst(),
      ]);
      return {
        onAir: bounded(onAir.rows, (a, b) => ({ ...a, streams: a.streams + b.streams })),
        slots: bounded(
          slots.rows.map(({ domain, app, ...counts }) => ({ domain, app, counts })),
          (a, b) => ({
            ...a,
            counts: Object.fromEntries(
              VERDICTS.map((verdict) => [verdict, (a.counts[verdict] ?? 0) + (b.counts[verdict] ?? 0)]),
            ),
          }),
        ).flatMap(({ domain, app, counts }) =>
          VERDICTS.map((verdict) => ({ domain, app, verdict, slots: counts[verdict] ?? 0 })),
        ),
        incidents,
        notifications,
        auditAgeSeconds: audits.rows.flatMap(({ domain, at }) =>
          at === null || !domains.includes(domain) ? [] : [{ domain, seconds: Math.max(0, (now - at) / 1000) }],
        ),
        quarantined: quarantined.rows,
        newestHeartbeat: heartbeat?.at ?? null,
      };
    },
  };
}

/** Keeps the first rows by name and sums the others up. */
function bounded<Row extends { domain: string; app: string }>(rows: Row[], add: (a: Row, b: Row) => Row): Row[] {
  const kept = rows.slice(0, MAX_APPS);
  const [first, ...rest] = rows.slice(MAX_APPS);
  if (first) kept.push({ ...rest.reduce(add, first), domain: 'other', app: 'other' });
  return kept;
}
