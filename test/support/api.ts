import express, { type Express } from 'express';
import { createBuckets } from '../../src/adapters/oss/create-buckets.ts';
import { createCaptureExports } from '../../src/adapters/postgres/export-captures.ts';
import { createOperatorLog } from '../../src/adapters/postgres/operator-log.ts';
import { createHistoryReads } from '../../src/adapters/postgres/query-history.ts';
import { createTimelineReads } from '../../src/adapters/postgres/query-timeline.ts';
import { createWallReads } from '../../src/adapters/postgres/query-wall.ts';
import { createTokenStore } from '../../src/adapters/postgres/token-store.ts';
import type { Instant } from '../../src/core/instant.ts';
import { alertingRoutes } from '../../src/http/api/alerting-routes.ts';
import { createApiRouter } from '../../src/http/api/api-router.ts';
import { dashboardRoutes } from '../../src/http/api/dashboard-routes.ts';
import type { Route } from '../../src/http/api/define-route.ts';
import { exportRoutes } from '../../src/http/api/export-routes.ts';
import { historyRoutes } from '../../src/http/api/history-routes.ts';
import { quarantineControlRoutes } from '../../src/http/api/quarantine-routes.ts';
import { tokenRoutes } from '../../src/http/api/token-routes.ts';
import { deliveryReports } from '../../src/usecases/delivery-report.ts';
import { type Exports, exportHistory } from '../../src/usecases/export-history.ts';
import { inspectSlots } from '../../src/usecases/inspect-slot.ts';
import { manageTokens, type Tokens } from '../../src/usecases/manage-tokens.ts';
import { createQueries, type Queries } from '../../src/usecases/query-history.ts';
import { createWall } from '../../src/usecases/watch-wall.ts';
import { createTestAlerting } from './alerting-handle.ts';
import type { TestDatabase } from './database.ts';
import { createTestQuarantine } from './query-handle.ts';

export interface TestApi {
  app: Express;
  tokens: Tokens;
  queries: Queries;
  exports: Exports;
  routes: Route[];
  /** What became a 5xx. */
  errors: unknown[];
}

/** The API over a test database, on a bare Express app, at a time that stands still. */
export function createTestApi(
  database: TestDatabase,
  now: Instant,
  options: { moreRoutes?: Route[]; requestsPerMinute?: number } = {},
): TestApi {
  const clock = { now: () => now };
  const errors: unknown[] = [];
  // Signing a URL calls nobody.
  const buckets = createBuckets({ credentials: async () => ({ accessKeyId: 'id', accessKeySecret: 'secret' }) });
  const reads = { ...createHistoryReads(database), ...createCaptureExports(database) };
  const queries = createQueries({ reads, clock, buckets });
  const exports = exportHistory({ reads, queries, clock });
  const tokens = manageTokens({ store: createTokenStore(database), clock });
  const operatorLog = createOperatorLog(database);
  const routes = [
    ...historyRoutes(queries),
    ...exportRoutes(exports, deliveryReports({ reads, clock })),
    ...alertingRoutes(createTestAlerting(database, clock), clock),
    ...quarantineControlRoutes(createTestQuarantine(database)),
    ...dashboardRoutes({
      wall: createWall({
        reads: createWallReads(database),
        queries,
        clock,
        own: () => ({ aliveUntil: now, databaseDownSince: null, spool: null }),
        account: null,
        onError: (error) => errors.push(error),
      }),
      inspector: inspectSlots({
        reads: { ...reads, ...createTimelineReads(database) },
        gaps: queries,
        clock,
        buckets: null,
        live: null,
      }),
      // A stream that does not end, and what asks the vendor, have tests of their own.
    }).filter((route) => !/\/(events|object|index)$/.test(route.path)),
    // Last, for one of them revokes a token.
    ...tokenRoutes(tokens, operatorLog, clock),
    ...(options.moreRoutes ?? []),
  ];
  const app = express();
  app.disable('etag');
  app.use(
    createApiRouter({
      routes,
      tokens,
      operatorLog,
      onError: (error) => errors.push(error),
      requestsPerMinute: options.requestsPerMinute ?? 1_000_000,
    }),
  );
  return { app, tokens, queries, exports, routes, errors };
}
