import type { OperatorLog } from '../ports.ts';
import type { AlertingHandle as Alerting } from '../usecases/manage-alerting.ts';

/** What the commands of alerting work with. */
export interface AlertingCommandHandle {
  alerting: Alerting;
  operatorLog: OperatorLog;
  /** Those that streams were seen on. */
  domains(): Promise<{ domain: string }[]>;
  close(): Promise<void>;
}

/** Who a command acts for, in the record: the person at the keyboard where one is given. */
export const COMMAND_LINE = 'command line';
