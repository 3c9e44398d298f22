import type { Instant } from './instant.ts';

/** The snapshot configuration of one (domain, app) as it stood from `validFrom` until the next version. */
export interface ConfigVersion {
  domain: string;
  /** An app name, or `*` for every app of the domain without an entry of its own. */
  app: string;
  validFrom: Instant;
  /** 5 to 3600. */
  intervalSeconds: number;
  bucket: string;
  endpoint: string;
  /** Template of the sequence mode, or null where the mode is off. */
  sequenceObject: string | null;
  overwriteObject: string | null;
  /** The callback URL that stood in this version; null where there was none. */
  callback: string | null;
  /** True where the config did not exist from `validFrom` on (deleted): such a session expects nothing. */
  absent?: boolean;
}
