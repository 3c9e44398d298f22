import type { ConfigVersion } from './config-version.ts';
import type { Instant } from './instant.ts';

/**
 * The version that holds for a session that started at `startedAt`: the vendor applies a change only when ingest restarts. The
 * app's own entry comes before `*`, as long as it exists. Null where none stood: such a session expects nothing.
 */
export function configInForce(
  versions: Iterable<ConfigVersion>,
  domain: string,
  app: string,
  startedAt: Instant,
): ConfigVersion | null {
  let own: ConfigVersion | null = null;
  let everyApp: ConfigVersion | null = null;
  for (const version of versions) {
    if (version.domain !== domain || version.validFrom > startedAt) continue;
    if (version.app === app && (!own || version.validFrom >= own.validFrom)) own = version;
    if (version.app === '*' && (!everyApp || version.validFrom >= everyApp.validFrom)) everyApp = version;
  }
  if (own && !own.absent) return own;
  return everyApp && !everyApp.absent ? everyApp : null;
}
