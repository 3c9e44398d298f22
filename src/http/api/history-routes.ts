import type { Queries } from '../../usecases/query-history.ts';
import { auditRoutes } from './audit-routes.ts';
import { captureRoutes } from './capture-routes.ts';
import { configVersionRoutes } from './config-version-routes.ts';
import { coverageRoutes } from './coverage-routes.ts';
import type { Route } from './define-route.ts';
import { gapRoutes } from './gap-routes.ts';
import { quarantineRoutes } from './quarantine-routes.ts';
import { sessionRoutes } from './session-routes.ts';
import { streamRoutes } from './stream-routes.ts';

/** Every route that only reads the history. */
export function historyRoutes(queries: Queries): Route[] {
  return [
    ...streamRoutes(queries),
    ...sessionRoutes(queries),
    ...captureRoutes(queries),
    ...gapRoutes(queries),
    ...coverageRoutes(queries),
    ...configVersionRoutes(queries),
    ...auditRoutes(queries),
    ...quarantineRoutes(queries),
  ];
}
