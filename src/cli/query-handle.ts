import type { OperatorLog } from '../ports.ts';
import type { Tokens } from '../usecases/manage-tokens.ts';
import type { Queries } from '../usecases/query-history.ts';

/** What the query commands work with. */
export interface QueryHandle {
  queries: Queries;
  tokens: Tokens;
  operatorLog: OperatorLog;
  close(): Promise<void>;
}
