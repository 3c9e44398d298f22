import type { Kysely } from 'kysely';
import type { ConfigReads, StoredConfigVersion } from '../../ports.ts';
import { versionOf } from './config-store.ts';
import { readConfigStates } from './query-config-states.ts';
import type { Tables } from './tables.ts';

export function configReads(db: Kysely<Tables>): ConfigReads {
  return {
    configStates: ({ domain }) => readConfigStates(db, domain ?? null),

    async configVersions(filter) {
      const rows = await db
        .selectFrom('config_versions')
        .selectAll()
        .$if(filter.domain !== undefined, (query) => query.where('domain', 'in', [...(filter.domain ?? [])]))
        .$if(filter.app !== undefined, (query) => query.where('app', 'in', [...(filter.app ?? []), '*']))
        .orderBy('valid_from')
        .orderBy('id')
        .execute();
      return rows.map(
        (row): StoredConfigVersion => ({
          id: row.id,
          ...versionOf(row),
          absent: row.absent,
          source: row.source,
          recordedAt: row.recorded_at,
        }),
      );
    },
  };
}
