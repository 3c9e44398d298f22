import { type ConfigState, shownValue } from '../core/config-diff.ts';
import type { Instant } from '../core/instant.ts';
import type { ConfigReads, ScopeFilter, StoredConfigVersion } from '../ports.ts';

export interface ConfigVersionView
  extends Omit<StoredConfigVersion, 'absent' | 'intervalSeconds' | 'bucket' | 'endpoint'> {
  /** false: from here on there was no config. */
  exists: boolean;
  /** Until when it stood; null: it still stands. */
  validTo: Instant | null;
  /** null where there was no config. */
  intervalSeconds: number | null;
  bucket: string | null;
  endpoint: string | null;
}

export function configQueries({ reads }: { reads: ConfigReads }) {
  async function versions(filter: ScopeFilter): Promise<ConfigVersionView[]> {
    const rows = await reads.configVersions({ domain: filter.domain });
    const validTo = new Map<string, Instant>();
    const views: ConfigVersionView[] = [];
    for (const { absent, ...row } of rows.toReversed()) {
      const key = JSON.stringify([row.domain, row.app]);
      views.push({
        ...row,
        exists: !absent,
        callback: shownValue('callback', row.callback),
        validTo: validTo.get(key) ?? null,
        intervalSeconds: absent ? null : row.intervalSeconds,
        bucket: absent ? null : row.bucket,
        endpoint: absent ? null : row.endpoint,
      });
      validTo.set(key, row.validFrom);
    }
    return views.filter((view) => filter.app === undefined || filter.app.includes(view.app));
  }

  return {
    /** Newest first; every version of every (domain, app), with the moment from which the next one stood. */
    configVersions: versions,
    /** How each config, key and push URL stood at the last look: drift, and since when. */
    async configStates({ domain, app, state }: ScopeFilter & { state?: readonly ConfigState[] | undefined }) {
      const rows = await reads.configStates({ domain });
      return rows.filter(
        (row) =>
          (app === undefined || (row.app !== null && app.includes(row.app))) &&
          (state === undefined || state.includes(row.state)),
      );
    },
  };
}
