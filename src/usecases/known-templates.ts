import type { Settings } from '../config/settings.ts';
import type { ConfigVersion } from '../core/config-version.ts';

export interface KnownTemplates {
  /** Templates that may have named an object of (domain, app), the newest first. Never waits. */
  templatesOf(domain: string, app: string): readonly string[];
  /** Reads the config versions anew; on failure the former ones stay. */
  refresh(): Promise<void>;
}

/**
 * The receiver's copy of the object-name templates: those of the config versions, and those of the settings for a domain
 * whose configs were never observed. An app's own entry comes before `*`.
 */
export function createKnownTemplates(
  settings: Pick<Settings, 'domains'>,
  store: { versions(domain: string): Promise<ConfigVersion[]> },
): KnownTemplates {
  let byApp = collect(settings, []);
  return {
    templatesOf: (domain, app) => byApp.get(keyOf(domain, app)) ?? byApp.get(keyOf(domain, '*')) ?? [],
    async refresh() {
      const versions = await Promise.all(settings.domains.map(({ domain }) => store.versions(domain)));
      byApp = collect(settings, versions.flat());
    },
  };
}

function collect(settings: Pick<Settings, 'domains'>, versions: readonly ConfigVersion[]): Map<string, string[]> {
  const sets = new Map<string, Set<string>>();
  const add = (domain: string, app: string, ...templates: (string | null)[]) => {
    const key = keyOf(domain, app);
    const known = sets.get(key) ?? new Set();
    for (const template of templates) if (template) known.add(template);
    sets.set(key, known);
  };
  for (const version of [...versions].sort((a, b) => b.validFrom - a.validFrom)) {
    add(version.domain, version.app, version.sequenceObject, version.overwriteObject);
  }
  for (const { domain, apps } of settings.domains) {
    for (const app of apps) add(domain, app.app, app.sequenceObject, app.overwriteObject);
  }
  // A stream of an app with an entry of its own may still run on a version of the `*` entry.
  for (const key of sets.keys()) {
    const everyApp = sets.get(keyOf(key.slice(0, key.indexOf('/')), '*'));
    if (everyApp) for (const template of everyApp) sets.get(key)?.add(template);
  }
  return new Map([...sets].map(([key, templates]) => [key, [...templates]]));
}

/** A domain holds no slash. */
function keyOf(domain: string, app: string): string {
  return `${domain}/${app}`;
}
