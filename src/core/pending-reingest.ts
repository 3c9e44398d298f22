import { type ConfigFields, differingFields } from './config-diff.ts';
import { configInForce } from './config-in-force.ts';
import type { ConfigVersion } from './config-version.ts';
import type { Instant } from './instant.ts';

export interface RunningSession {
  app: string;
  stream: string;
  startedAt: Instant;
}

/** A running session that the vendor still serves by an older version. */
export interface PendingSession extends RunningSession {
  /** Since when the version it runs on stood; null where none stood when it started: it is not captured at all. */
  versionFrom: Instant | null;
}

/**
 * Sessions of the app of `config` that started under another version than the one that stands now (the vendor applies a change only
 * when ingest restarts). `versions` are of one domain, oldest first; a session of an app with an entry of its own is no matter of the `*` entry.
 */
export function pendingSessions(
  config: ConfigFields & { domain: string; app: string },
  versions: readonly ConfigVersion[],
  running: readonly RunningSession[],
): PendingSession[] {
  const ownApps = new Set(standingApps(versions));
  return running
    .filter(({ app }) => app === config.app || (config.app === '*' && !ownApps.has(app)))
    .map((session) => ({ session, version: configInForce(versions, config.domain, session.app, session.startedAt) }))
    .filter(({ version }) => version === null || differingFields(config, version).length > 0)
    .map(({ session, version }) => ({ ...session, versionFrom: version?.validFrom ?? null }));
}

/** Apps with an entry of their own that stands now. */
function standingApps(versions: readonly ConfigVersion[]): string[] {
  const latest = new Map(versions.map((version) => [version.app, version]));
  return [...latest.values()].filter(({ app, absent }) => app !== '*' && !absent).map(({ app }) => app);
}
