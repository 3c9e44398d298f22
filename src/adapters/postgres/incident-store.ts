import { type Kysely, type SqlBool, sql } from 'kysely';
import { foundText } from '../../core/found-words.ts';
import { CONFIG_FINDING_KINDS, type Finding, type IncidentFilter, type IncidentStore } from '../../ports.ts';
import { applyDecisions } from './apply-decisions.ts';
import type { Database } from './database.ts';
import { incidentOf } from './incident-mapping.ts';
import type { Tables } from './tables.ts';
import { timestamp } from './timestamp.ts';

/** Any number that nobody else uses: one evaluation at a time. */
const EVALUATION_LOCK = 7_301_850;

export function createIncidentStore(database: Database): IncidentStore {
  const { db } = database;
  return {
    async evaluate({ now, since, severity, route }, decide) {
      return db.transaction().execute(async (transaction) => {
        const lock = await sql<{ mine: boolean }>`select pg_try_advisory_xact_lock(${EVALUATION_LOCK}) as mine`.execute(
          transaction,
        );
        if (!lock.rows[0]?.mine) return null;
        const rows = await transaction
          .selectFrom('incidents')
          .selectAll()
          .where((eb) => eb.or([eb('status', '<>', 'resolved'), eb('resolved_at', '>=', timestamp(since))]))
          .execute();
        return applyDecisions(transaction, await decide(rows.map(incidentOf)), { now, severity, route });
      });
    },

    async list(filter, after, limit) {
      let query = filtered(db, filter).orderBy('opened_at', 'desc').orderBy('id', 'desc').limit(limit);
      if (after) {
        query = query.where(sql<SqlBool>`(opened_at, id) < (${timestamp(after[0])}, ${after[1]}::bigint)`);
      }
      return (await query.execute()).map(incidentOf);
    },

    async find(id) {
      const row = await db.selectFrom('incidents').selectAll().where('id', '=', id).executeTakeFirst();
      return row ? incidentOf(row) : null;
    },

    async transitions(id) {
      return db
        .selectFrom('incident_transitions')
        .select(['id', 'at', 'kind', 'actor', 'reason'])
        .where('incident_id', '=', id)
        .orderBy('id')
        .execute();
    },

    async acknowledge(id, { at, by, until, reason }) {
      return db.transaction().execute(async (transaction) => {
        const row = await transaction
          .updateTable('incidents')
          .set({
            status: 'acknowledged',
            acknowledged_at: timestamp(at),
            acknowledged_by: by,
            acknowledged_until: until === null ? null : timestamp(until),
            acknowledge_reason: reason,
            updated_at: timestamp(at),
          })
          .where('id', '=', id)
          .where('status', '<>', 'resolved')
          .returningAll()
          .executeTakeFirst();
        if (!row) return null;
        await transaction
          .insertInto('incident_transitions')
          .values({ incident_id: id, at: timestamp(at), kind: 'acknowledged', actor: by, reason, details: '{}' })
          .execute();
        return incidentOf(row);
      });
    },

    async forKeepAlive(since) {
      const rows = await db
        .selectFrom('incidents')
        .selectAll()
        .where((eb) => eb.or([eb('status', '<>', 'resolved'), eb('resolved_at', '>=', timestamp(since))]))
        .orderBy('id')
        .execute();
      return rows.map(incidentOf);
    },

    async report(finding, now) {
      const { found } = finding;
      const detail = finding.detail ?? (found && foundText(found, 'en'));
      const facts = JSON.stringify({ detail, found });
      const at = timestamp(finding.at ?? now);
      // The beginning stays while it lasts; a condition that comes back begins anew.
      await sql`
        insert into findings (kind, domain, app, stream, key, active, since, cause, facts, reported_at)
        values (${finding.kind}, ${finding.domain ?? null}, ${finding.app ?? null}, ${finding.stream ?? null},
          ${finding.key ?? ''}, ${finding.active}, ${at}, ${finding.cause ?? null}, ${facts}::jsonb, ${timestamp(now)})
        on conflict (kind, domain, app, stream, key) do update set
          since = case when findings.active and excluded.active then findings.since else excluded.since end,
          active = excluded.active, cause = excluded.cause, facts = excluded.facts, reported_at = excluded.reported_at
        `.execute(db);
    },

    async endFindingsBut(kind, keys, now) {
      let query = db
        .updateTable('findings')
        .set({ active: false, reported_at: timestamp(now) })
        .where('kind', '=', kind)
        .where('active', '=', true);
      if (keys.length > 0) query = query.where('key', 'not in', keys);
      await query.execute();
    },

    async reportConfigs(domain, standing, now) {
      for (const finding of standing) await this.report(finding, now);
      const column = (read: (finding: Finding) => string | null) => standing.map(read);
      await sql`
        update findings set active = false, reported_at = ${timestamp(now)}
        where active and domain = ${domain} and kind = any(${[...CONFIG_FINDING_KINDS]}::text[]) and not exists (
          select from unnest(${column(({ kind }) => kind)}::text[], ${column(({ app }) => app ?? null)}::text[],
            ${column(({ key }) => key ?? '')}::text[]) as s (kind, app, key)
          where s.kind = findings.kind and s.app is not distinct from findings.app and s.key = findings.key
        )`.execute(db);
    },

    async keepConfigs(domain, now) {
      await db
        .updateTable('findings')
        .set({ reported_at: timestamp(now) })
        .where('active', '=', true)
        .where('domain', '=', domain)
        .where('kind', 'in', [...CONFIG_FINDING_KINDS])
        .execute();
    },

    async counts() {
      const rows = await db
        .selectFrom('incidents')
        .select(['kind', 'severity', 'status', (eb) => eb.fn.countAll<number>().as('count')])
        .where('status', '<>', 'resolved')
        .where('folded_into', 'is', null)
        .groupBy(['kind', 'severity', 'status'])
        .execute();
      return rows;
    },

    async prune(before) {
      await db.transaction().execute(async (transaction) => {
        const old = transaction
          .selectFrom('incidents')
          .select('id')
          .where('status', '=', 'resolved')
          .where('resolved_at', '<', timestamp(before));
        await transaction.updateTable('incidents').set({ folded_into: null }).where('folded_into', 'in', old).execute();
        await transaction.deleteFrom('notifications').where('incident_id', 'in', old).execute();
        await transaction.deleteFrom('incident_gaps').where('incident_id', 'in', old).execute();
        await transaction.deleteFrom('incident_transitions').where('incident_id', 'in', old).execute();
        await transaction.deleteFrom('incidents').where('id', 'in', old).execute();
        await transaction
          .deleteFrom('incident_gaps')
          .where('incident_id', 'is', null)
          .where('first_seen_at', '<', timestamp(before))
          .execute();
        await transaction
          .deleteFrom('findings')
          .where('active', '=', false)
          .where('reported_at', '<', timestamp(before))
          .execute();
      });
    },
  };
}

function filtered(db: Kysely<Tables>, filter: IncidentFilter) {
  let query = db.selectFrom('incidents').selectAll();
  if (filter.status) query = query.where('status', 'in', filter.status);
  if (filter.kind) query = query.where('kind', 'in', filter.kind);
  if (filter.severity) query = query.where('severity', 'in', filter.severity);
  if (filter.domain) query = query.where('domain', 'in', filter.domain);
  if (filter.app) query = query.where('app', 'in', filter.app);
  if (filter.stream) query = query.where('stream', 'in', filter.stream);
  if (filter.from !== null) query = query.where('opened_at', '>=', timestamp(filter.from));
  if (filter.to !== null) query = query.where('opened_at', '<', timestamp(filter.to));
  return query;
}
