import { type ConfigFields, differingFields } from './config-diff.ts';
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
 * when ingest restarts). `versions` are of one domain; a session of an app with an entry of its own is no matter of the `*` entry.
 */
export function pendingSessions(
  config: ConfigFields & { app: string },
  versions: readonly ConfigVersion[],
  running: readonly RunningSession[],
): PendingSession[] {
  const ownApps = new Set(standingApps(versions));
  return running
    .filter(({ app }) => app === config.app || (config.app === '*' && !ownApps.has(app)))
    .map((session) => ({ session, version: versionAtStart(versions, session) }))
    .filter(({ version }) => version === null || differingFields(config, version).length > 0)
    .map(({ session, version }) => ({ ...session, versionFrom: version?.validFrom ?? null }));
}

function standingApps(versions: readonly ConfigVersion[]): string[] {
  const apps = new Set(versions.map(({ app }) => app).filter((app) => app !== '*'));
  return [...apps].filter((app) => standing(versions, app, Number.POSITIVE_INFINITY) !== null);
}

function standing(versions: readonly ConfigVersion[], app: string, at: Instant): ConfigVersion | null {
  let found: ConfigVersion | null = null;
  for (const version of versions) {
    if (version.app !== app || version.validFrom > at) continue;
    if (found === null || version.validFrom >= found.validFrom) found = version;
  }
  return found?.absent ? null : found;
}

function versionAtStart(versions: readonly ConfigVersion[], session: RunningSession): ConfigVersion | null {
  return standing(versions, session.app, session.startedAt) ?? standing(versions, '*', session.startedAt);
}
