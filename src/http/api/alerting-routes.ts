import type { Clock } from '../../ports.ts';
import type { AlertingHandle } from '../../usecases/manage-alerting.ts';
import type { Route } from './define-route.ts';
import { incidentRoutes } from './incident-routes.ts';
import { maintenanceRoutes } from './maintenance-routes.ts';
import { notificationRoutes } from './notification-routes.ts';

/** Every route of alerting: what people were told, and what they do about it. */
export function alertingRoutes(alerting: AlertingHandle, clock: Clock): Route[] {
  return [...incidentRoutes(alerting), ...notificationRoutes(alerting), ...maintenanceRoutes(alerting, clock)];
}
