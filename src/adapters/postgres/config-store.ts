import { type Selectable, sql } from 'kysely';
import pg from 'pg';
import { configFields, differingFields } from '../../core/config-diff.ts';
import type { ConfigVersion } from '../../core/config-version.ts';
import type { ConfigStore } from '../../ports.ts';
import { createBaselineRows } from './baseline-rows.ts';
import type { Database } from './database.ts';
import { judgeAgain } from './judge-again.ts';
import { NO_APP, readConfigStates } from './query-config-states.ts';
import type { ConfigVersionTable } from './tables.ts';
import { timestamp } from './timestamp.ts';

/** A class of advisory locks of its own: "domain under config control". */
const LOCK_CLASS = 20;

/**
 * `sealingKeys`: the callback key in use and the one before. The first seals former keys of others, all are tried to open them.
 */
export function createConfigStore(database: Database, options: { sealingKeys: readonly string[] }): ConfigStore {
  const { db } = database;

  const versions = async (domain: string): Promise<ConfigVersion[]> => {
    const rows = await db
      .selectFrom('config_versions')
      .selectAll()
      .where('domain', '=', domain)
      .orderBy('valid_from')
      .orderBy('id')
      .execute();
    return rows.map(versionOf);
  };

  const latestVersions = async (domain: string, apps: string[]): Promise<Map<string, ConfigVersion>> => {
    const rows = await db
      .selectFrom('config_versions')
      .selectAll()
      .distinctOn('app')
      .where('domain', '=', domain)
      .where('app', 'in', apps)
      .orderBy('app')
      .orderBy('valid_from', 'desc')
      .execute();
    return new Map(rows.map((row) => [row.app, versionOf(row)]));
  };

  return {
    async withDomainLock(domain, work) {
      // A connection of its own: holding one of the pool's while the work asks for others could starve it.
      const client = new pg.Client({ connectionString: database.url, application_name: 'snapaudit config lock' });
      client.on('error', () => {});
      await client.connect();
      try {
        await client.query('select pg_advisory_lock($1, hashtext($2))', [LOCK_CLASS, domain]);
        return await work();
      } finally {
        await client.end();
      }
    },

    versions,

    async appendVersions(added, source) {
      const appended: ConfigVersion[] = [];
      for (const domain of new Set(added.map((version) => version.domain))) {
        const candidates = added.filter((candidate) => candidate.domain === domain);
        const latest = await latestVersions(
          domain,
          candidates.map(({ app }) => app),
        );
        for (const version of candidates) {
          const last = latest.get(version.app);
          if (last ? sameVersion(last, version) : version.absent) continue;
          const row = {
            ...version,
            validFrom: last ? Math.max(version.validFrom, last.validFrom + 1) : version.validFrom,
          };
          const fields = row.absent ? null : configFields(row);
          await db.transaction().execute(async (transaction) => {
            await transaction
              .insertInto('config_versions')
              .values({
                domain,
                app: row.app,
                valid_from: timestamp(row.validFrom),
                absent: row.absent ?? false,
                interval_seconds: fields?.intervalSeconds ?? null,
                bucket: fields?.bucket ?? null,
                endpoint: fields?.endpoint ?? null,
                sequence_object: fields?.sequenceObject ?? null,
                overwrite_object: fields?.overwriteObject ?? null,
                callback: fields?.callback ?? null,
                source,
              })
              .onConflict((conflict) => conflict.columns(['domain', 'app', 'valid_from']).doNothing())
              .execute();
            // Sessions that began under it were perhaps judged by the one before, or as expecting nothing.
            await judgeAgain(
              transaction,
              sql`select s.id as stream_id, min(x.started_at) as from_at from streams s join sessions x on x.stream_id = s.id
                where s.domain = ${domain} and (${row.app} = '*' or s.app = ${row.app}) and x.started_at >= ${timestamp(row.validFrom)}
                group by s.id`,
              'config-changed',
            );
          });
          latest.set(row.app, row);
          appended.push(row);
        }
      }
      return appended;
    },

    ...createBaselineRows(db, options.sealingKeys),

    states: (domain) => readConfigStates(db, domain === undefined ? null : [domain]),

    async saveStates(domain, states) {
      await db.transaction().execute(async (transaction) => {
        await transaction.deleteFrom('config_states').where('domain', '=', domain).execute();
        if (states.length === 0) return;
        await transaction
          .insertInto('config_states')
          .values(
            states.map((state) => ({
              domain,
              kind: state.kind,
              app: state.app ?? NO_APP,
              state: state.state,
              since: timestamp(state.since),
              looked_at: state.lookedAt === null ? null : timestamp(state.lookedAt),
              drifted_since: state.driftedSince === null ? null : timestamp(state.driftedSince),
              differences: JSON.stringify(state.differences),
              stopped_at: state.stoppedAt === null ? null : timestamp(state.stoppedAt),
            })),
          )
          .execute();
      });
    },

    async heals(domain, since) {
      const rows = await db
        .selectFrom('config_heals')
        .selectAll()
        .where('domain', '=', domain)
        .where('at', '>', timestamp(since))
        .orderBy('at')
        .orderBy('id')
        .execute();
      return rows.map((row) => ({
        domain,
        kind: row.kind,
        app: row.app === NO_APP ? null : row.app,
        at: row.at,
        outcome: row.outcome,
        detail: row.detail,
      }));
    },

    async recordHeal(subject, attempt, detail) {
      const { domain, kind } = subject;
      const app = subject.app ?? NO_APP;
      const { outcome } = attempt;
      await db
        .insertInto('config_heals')
        .values({ domain, kind, app, at: timestamp(attempt.at), outcome, detail })
        .execute();
    },

    async resetHeals(domain) {
      await db.deleteFrom('config_heals').where('domain', '=', domain).execute();
      await db.updateTable('config_states').set({ stopped_at: null }).where('domain', '=', domain).execute();
    },

    async noteSettings(domain, digest, at) {
      const noted = { digest, noted_at: timestamp(at) };
      await db
        .insertInto('settings_in_force')
        .values({ domain, ...noted })
        .onConflict((conflict) => conflict.column('domain').doUpdateSet(noted))
        .execute();
    },

    async settingsInForce(domain) {
      const row = await db
        .selectFrom('settings_in_force')
        .select(['digest', 'noted_at as notedAt'])
        .where('domain', '=', domain)
        .executeTakeFirst();
      return row ?? null;
    },

    async noteWatch(domain, digest, at) {
      await db
        .updateTable('settings_in_force')
        .set({ noted_at: timestamp(at) })
        .where('domain', '=', domain)
        .where('digest', '=', digest)
        .execute();
    },

    async keyChanges(domain) {
      const rows = await db
        .selectFrom('callback_key_changes')
        .selectAll()
        .where('domain', '=', domain)
        .orderBy('at')
        .execute();
      return rows.map((row) => ({ kind: row.kind, at: row.at, keyDigest: row.key_digest, source: row.source }));
    },

    async recordKey(domain, change, source) {
      const { kind, at, keyDigest } = change;
      const latest = await db
        .selectFrom('callback_key_changes')
        .select(['key_digest', 'at'])
        .where('domain', '=', domain)
        .where('kind', '=', kind)
        .orderBy('at', 'desc')
        .limit(1)
        .executeTakeFirst();
      if (latest ? latest.key_digest === keyDigest : keyDigest === null) return;
      await db
        .insertInto('callback_key_changes')
        .values({
          domain,
          kind,
          at: timestamp(latest ? Math.max(at, latest.at + 1) : at),
          key_digest: keyDigest,
          source,
        })
        .onConflict((conflict) => conflict.columns(['domain', 'kind', 'at']).doNothing())
        .execute();
    },

    async runningSessions(domain) {
      const rows = await db
        .selectFrom('sessions')
        .innerJoin('streams', 'streams.id', 'sessions.stream_id')
        .select(['streams.app', 'streams.stream', 'sessions.started_at'])
        .where('streams.domain', '=', domain)
        .where('sessions.ended_at', 'is', null)
        .orderBy('sessions.started_at')
        .execute();
      return rows.map((row) => ({ app: row.app, stream: row.stream, startedAt: row.started_at }));
    },
  };
}

export function versionOf(row: Selectable<ConfigVersionTable>): ConfigVersion {
  return {
    domain: row.domain,
    app: row.app,
    validFrom: row.valid_from,
    intervalSeconds: row.interval_seconds ?? 0,
    bucket: row.bucket ?? '',
    endpoint: row.endpoint ?? '',
    sequenceObject: row.sequence_object,
    overwriteObject: row.overwrite_object,
    callback: row.callback,
    ...(row.absent && { absent: true }),
  };
}

function sameVersion(a: ConfigVersion, b: ConfigVersion): boolean {
  if (a.absent || b.absent) return Boolean(a.absent) === Boolean(b.absent);
  return differingFields(a, b).length === 0;
}
