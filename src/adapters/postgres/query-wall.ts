import { sql } from 'kysely';
import type { Instant } from '../../core/instant.ts';
import { verdictOfLetter } from '../../core/strip-letters.ts';
import type { LiveIncident, StoredStrip, WallReads } from '../../ports.ts';
import type { Database } from './database.ts';
import { timestamp } from './timestamp.ts';

export function createWallReads({ db }: Pick<Database, 'db'>): WallReads {
  return {
    async strips(from, hours) {
      // One text a stream, four characters an hour: which hour, letter of the worst verdict (STRIP_LETTERS), ninths that are bad.
      const { rows } = await sql<{ streamId: number; ok: number; counted: number; hours: string }>`
        with hours as (
          select stream_id, (extract(epoch from hour - ${timestamp(from)}) / 3600)::integer as at,
            sum(ok) as ok, sum(late) as late, sum(callback_missing) as callback_missing,
            sum(object_missing) as object_missing, sum(not_captured) as not_captured, sum(misnamed) as misnamed,
            sum(unknown) as unknown, sum(excused) as excused, sum(pending) as pending,
            sum(late + callback_missing + object_missing + not_captured + misnamed) as bad
          from slot_hours
          where hour >= ${timestamp(from)} and hour < ${timestamp(from + hours * 3_600_000)}
          group by stream_id, hour
        )
        select stream_id as "streamId", sum(ok)::bigint as ok, sum(ok + bad)::bigint as counted,
          string_agg(lpad(at::text, 2, '0')
            || case when not_captured > 0 then 'n' when object_missing > 0 then 'o' when callback_missing > 0 then 'c'
               when misnamed > 0 then 'm' when late > 0 then 'l' when unknown > 0 then 'u'
               when ok > 0 then 'k' when excused > 0 then 'e' else 'p' end
            || case when bad > 0 then ceil(9.0 * bad / (ok + bad)) else 0 end::text, '') as hours
        from hours group by stream_id`.execute(db);
      return rows.map(({ hours: text, ...row }): StoredStrip => ({ ...row, hours: readHours(text) }));
    },

    async liveIncidents(limit) {
      const { rows } = await sql<LiveIncidentRow>`
        select id, kind, severity, status, domain, app, stream, since, cause from incidents where status <> 'resolved'
        order by case severity when 'critical' then 0 when 'warning' then 1 else 2 end, since, id
        limit ${limit}`.execute(db);
      return rows.map(({ domain, app, stream, ...row }) => ({ ...row, scope: { domain, app, stream } }));
    },
  };
}

type LiveIncidentRow = Omit<LiveIncident, 'scope'> & LiveIncident['scope'] & { since: Instant };

function readHours(text: string): StoredStrip['hours'] {
  const hours: StoredStrip['hours'] = [];
  for (let at = 0; at < text.length; at += 4) {
    hours.push({
      index: Number(text.slice(at, at + 2)),
      verdict: verdictOfLetter(text[at + 2] ?? '') ?? 'unknown',
      ninths: Number(text[at + 3]),
    });
  }
  return hours;
}
