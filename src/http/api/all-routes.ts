import type { Clock, OperatorLog } from '../../ports.ts';
import type { ConfigControl } from '../../usecases/control-configs.ts';
import type { QuarantineControl } from '../../usecases/control-quarantine.ts';
import type { DeliveryReports } from '../../usecases/delivery-report.ts';
import type { Exports } from '../../usecases/export-history.ts';
import type { SlotInspector } from '../../usecases/inspect-slot.ts';
import type { AlertingHandle } from '../../usecases/manage-alerting.ts';
import type { Tokens } from '../../usecases/manage-tokens.ts';
import type { Queries } from '../../usecases/query-history.ts';
import type { Wall } from '../../usecases/watch-wall.ts';
import { alertingRoutes } from './alerting-routes.ts';
import { configControlRoutes } from './config-control-routes.ts';
import { dashboardRoutes } from './dashboard-routes.ts';
import type { Route } from './define-route.ts';
import { exportRoutes } from './export-routes.ts';
import { historyRoutes } from './history-routes.ts';
import { quarantineControlRoutes } from './quarantine-routes.ts';
import { tokenRoutes } from './token-routes.ts';

export interface ApiParts {
  queries: Queries;
  wall: Wall;
  inspector: SlotInspector;
  alerting: AlertingHandle;
  configs: ConfigControl;
  exports: Exports;
  reports: DeliveryReports;
  quarantine: QuarantineControl;
  tokens: Tokens;
  operatorLog: OperatorLog;
  clock: Clock;
}

/** Every route of the service below `/api/v1`, but for those about the API itself: the service and the table-driven tests share it. */
export function allRoutes(parts: ApiParts): Route[] {
  return [
    ...historyRoutes(parts.queries),
    ...dashboardRoutes(parts),
    ...alertingRoutes(parts.alerting, parts.clock),
    ...configControlRoutes(parts.configs),
    ...exportRoutes(parts.exports, parts.reports),
    ...quarantineControlRoutes(parts.quarantine),
    ...tokenRoutes(parts.tokens, parts.operatorLog, parts.clock),
  ];
}
