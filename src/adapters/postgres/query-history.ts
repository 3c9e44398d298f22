import type { HistoryReads } from '../../ports.ts';
import type { Database } from './database.ts';
import { auditReads, quarantineReads } from './query-audits.ts';
import { captureReads } from './query-captures.ts';
import { coverageReads } from './query-coverage.ts';
import { gapReads } from './query-gaps.ts';
import { sessionReads } from './query-sessions.ts';
import { streamReads } from './query-streams.ts';

/** Every read that the query use cases need. */
export function createHistoryReads({ db }: Pick<Database, 'db'>): HistoryReads {
  return {
    ...streamReads(db),
    ...sessionReads(db),
    ...captureReads(db),
    ...gapReads(db),
    ...coverageReads(db),
    ...auditReads(db),
    ...quarantineReads(db),
  };
}
