import type { FieldDifference } from './config-diff.ts';
import type { ConfigSubject } from './config-subject.ts';

/** What was found, as numbers and names: each language has its own sentence for it (`found-words.ts`). */
export type Found =
  | { code: 'requests-rejected'; count: number; reason: string }
  | { code: 'spool-waits'; entries: number; host: string; forwardsDropped?: number }
  | ({ code: 'config-missing'; subject: ConfigSubject } & LeftAsItIs)
  | ({ code: 'config-differs'; subject: ConfigSubject; fields: FieldDifference[] } & LeftAsItIs)
  | { code: 'healing-stopped'; subject: ConfigSubject; times: number }
  | { code: 'two-callbacks'; url: string }
  | { code: 'forward-refused'; host: string; reason: string };

/** Why it was not put right, where that has a reason of its own. */
export interface LeftAsItIs {
  /** Why putting it right failed last. */
  refusal?: string | null;
  /** Other settings were applied, or another service was started with others, since this one was started. */
  outdated?: boolean;
}
