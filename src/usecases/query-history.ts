import type { Buckets, Clock, HistoryReads } from '../ports.ts';
import { auditQueries } from './query-audits.ts';
import { captureQueries } from './query-captures.ts';
import { configQueries } from './query-configs.ts';
import { coverageQueries } from './query-coverage.ts';
import { gapQueries } from './query-gaps.ts';
import { quarantineQueries } from './query-quarantine.ts';
import { sessionQueries } from './query-sessions.ts';
import { slotQueries } from './query-slots.ts';
import { streamQueries } from './query-streams.ts';

export interface HistoryDeps {
  reads: HistoryReads;
  clock: Clock;
  /** How long after its due time a capture may still be on its way; the vendor tries for 35 s. */
  graceSeconds?: number;
  /** Null where this process holds no credentials for OSS. */
  buckets?: Buckets | null;
}

const DELIVERY_WINDOW_SECONDS = 35;

/** Every question that people ask of the history; commands, API, dashboard and exports ask through it. */
export function createQueries({ reads, clock, graceSeconds = DELIVERY_WINDOW_SECONDS, buckets = null }: HistoryDeps) {
  return {
    ...streamQueries({ reads, clock, graceSeconds }),
    ...sessionQueries({ reads, clock }),
    ...slotQueries({ reads, clock }),
    ...captureQueries({ reads, clock, buckets }),
    ...gapQueries({ reads, clock }),
    ...coverageQueries({ reads, clock }),
    ...configQueries({ reads }),
    ...auditQueries({ reads, clock }),
    ...quarantineQueries({ reads, clock }),
  };
}

export type Queries = ReturnType<typeof createQueries>;
