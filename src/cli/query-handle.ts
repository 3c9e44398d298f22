import type { OperatorLog } from '../ports.ts';
import type { QuarantineControl } from '../usecases/control-quarantine.ts';
import type { DeliveryReports } from '../usecases/delivery-report.ts';
import type { Exports } from '../usecases/export-history.ts';
import type { Tokens } from '../usecases/manage-tokens.ts';
import type { Queries } from '../usecases/query-history.ts';

/** What the query commands work with. */
export interface QueryHandle {
  queries: Queries;
  exports: Exports;
  reports: DeliveryReports;
  tokens: Tokens;
  operatorLog: OperatorLog;
  /** Reads the settings file and the callback keys. */
  openQuarantine(): Promise<QuarantineControl>;
  close(): Promise<void>;
}
