import type { FieldDifference } from './config-diff.ts';
import type { ConfigSubject } from './config-subject.ts';

/** What was found, as numbers and names: each language has its own sentence for it (`found-words.ts`). */
export type Found =
  | { code: 'requests-rejected'; count: number; reason: string }
  | { code: 'spool-waits'; entries: number; host: string }
  /** `refusal`: why putting it right failed last. */
  | { code: 'config-missing'; subject: ConfigSubject; refusal?: string | null }
  | { code: 'config-differs'; subject: ConfigSubject; fields: FieldDifference[]; refusal?: string | null }
  | { code: 'healing-stopped'; subject: ConfigSubject; times: number }
  | { code: 'two-callbacks'; url: string }
  | { code: 'forward-refused'; host: string; reason: string };
