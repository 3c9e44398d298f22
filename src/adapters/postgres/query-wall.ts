import { sql } from 'kysely';
import type { Instant } from '../../core/instant.ts';
import { verdictOfLetter } from '../../core/strip-letters.ts';
import type { LiveIncident, StoredStrip, WallReads } from '../../ports.ts';
import type { Database } from './database.ts';
import { timestamp } from './timestamp.ts';

export function createWallReads({ db }: Pick<Database, 'db'>): WallReads {
  return {
    async strips(from, hours) {
      // One text a stream, three characters a row: which hour (from `0` on), letter of the worst verdict (STRIP_LETTERS), ninths that
      // are bad. An hour that two sessions share has two rows: `readHours` joins them, which is cheaper than to group twice.
      const bad = sql`(late + callback_missing + object_missing + not_captured + misnamed)`;
      const { rows } = await sql<{ streamId: number; ok: number; counted: number; hours: string }>`
        select stream_id as "streamId", sum(ok)::bigint as ok, sum(ok + ${bad})::bigint as counted,
          string_agg(chr(48 + (extract(epoch from hour - ${timestamp(from)}) / 3600)::integer)
            || case when not_captured > 0 then 'n' when object_missing > 0 then 'o' when callback_missing > 0 then 'c'
               when misnamed > 0 then 'm' when late > 0 then 'l' when unknown > 0 then 'u'
               when ok > 0 then 'k' when excused > 0 then 'e' when pending > 0 then 'p' else 'x' end
            || case when ${bad} > 0 then ceil(9.0 * ${bad} / (ok + ${bad})) else 0 end::text, '') as hours
        from slot_hours
        where hour >= ${timestamp(from)} and hour < ${timestamp(from + hours * 3_600_000)}
        group by stream_id`.execute(db);
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

/** Worst first. */
const ORDER = 'nocmlukepx';

function readHours(text: string): StoredStrip['hours'] {
  const hours = new Map<number, StoredStrip['hours'][number] & { letter: string }>();
  for (let at = 0; at < text.length; at += 3) {
    const index = text.charCodeAt(at) - 48;
    const letter = text[at + 1] ?? '';
    const ninths = Number(text[at + 2]);
    const before = hours.get(index);
    const worse = before && ORDER.indexOf(before.letter) < ORDER.indexOf(letter) ? before.letter : letter;
    hours.set(index, {
      index,
      letter: worse,
      verdict: verdictOfLetter(worse) ?? 'unknown',
      ninths: Math.max(ninths, before?.ninths ?? 0),
    });
  }
  return [...hours.values()].map(({ index, verdict, ninths }) => ({ index, verdict, ninths }));
}
