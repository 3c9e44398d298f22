import type { HistoryReads } from '../../ports.ts';
import type { Database } from './database.ts';
import { auditReads } from './query-audits.ts';
import { captureReads } from './query-captures.ts';
import { configReads } from './query-configs.ts';
import { coverageReads } from './query-coverage.ts';
import { gapReads } from './query-gaps.ts';
import { quarantineReads } from './query-quarantine.ts';
import { sessionReads } from './query-sessions.ts';
import { streamReads } from './query-streams.ts';

/** Every read that the query use cases need. */
export function createHistoryReads({ db }: Pick<Database, 'db'>): HistoryReads {
  return {
    ...streamReads(db),
    ...configReads(db),
    ...sessionReads(db),
    ...captureReads(db),
    ...gapReads(db),
    ...coverageReads(db),
    ...auditReads(db),
    ...quarantineReads(db),
  };
}
