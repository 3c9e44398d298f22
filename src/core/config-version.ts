import type { Mode } from './capture.ts';
import type { ConfigFields } from './config-diff.ts';
import type { Instant } from './instant.ts';

/** The snapshot configuration of one (domain, app) as it stood from `validFrom` until the next version. */
export interface ConfigVersion extends ConfigFields {
  domain: string;
  /** An app name, or `*` for every app of the domain without an entry of its own. */
  app: string;
  validFrom: Instant;
  /** True where the config did not exist from `validFrom` on (deleted): such a session expects nothing. */
  absent?: boolean;
}

/** The modes that these versions turn on; the first is the one that people mean who name none. */
export function modesOf(...versions: readonly ConfigVersion[]): Mode[] {
  const has = {
    sequence: versions.some(({ sequenceObject }) => sequenceObject !== null),
    overwrite: versions.some(({ overwriteObject }) => overwriteObject !== null),
  };
  return (['sequence', 'overwrite'] as const).filter((mode) => has[mode]);
}
