import express, { type Express } from 'express';
import { createBuckets } from '../../src/adapters/oss/create-buckets.ts';
import { createConfigStore } from '../../src/adapters/postgres/config-store.ts';
import type { Database } from '../../src/adapters/postgres/database.ts';
import { createOperatorLog } from '../../src/adapters/postgres/operator-log.ts';
import { createHistoryReads } from '../../src/adapters/postgres/query-history.ts';
import { createTimelineReads } from '../../src/adapters/postgres/query-timeline.ts';
import { createWallReads } from '../../src/adapters/postgres/query-wall.ts';
import { createTokenStore } from '../../src/adapters/postgres/token-store.ts';
import { composeHistory } from '../../src/compose/queries.ts';
import type { Instant } from '../../src/core/instant.ts';
import { allRoutes } from '../../src/http/api/all-routes.ts';
import { createApiRouter } from '../../src/http/api/api-router.ts';
import type { Route } from '../../src/http/api/define-route.ts';
import type { OperatorLog } from '../../src/ports.ts';
import { VendorState } from '../../src/sandbox/live/vendor-state.ts';
import { controlConfigs } from '../../src/usecases/control-configs.ts';
import type { Exports } from '../../src/usecases/export-history.ts';
import { inspectSlots } from '../../src/usecases/inspect-slot.ts';
import { manageTokens, type Tokens } from '../../src/usecases/manage-tokens.ts';
import type { Queries } from '../../src/usecases/query-history.ts';
import { createWall } from '../../src/usecases/watch-wall.ts';
import { createTestAlerting } from './alerting-handle.ts';
import { OUR_KEY, PLAY, PUSH, settingsFor } from './config-world.ts';
import type { TestDatabase } from './database.ts';
import { FakeBuckets } from './fake-buckets.ts';
import { createFakeLiveApi } from './fake-live-api.ts';
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
  options: { moreRoutes?: Route[]; requestsPerMinute?: number; operatorLog?: OperatorLog; asking?: Database } = {},
): TestApi {
  const clock = { now: () => now };
  const errors: unknown[] = [];
  // Signing a URL calls nobody.
  const buckets = createBuckets({ credentials: async () => ({ accessKeyId: 'id', accessKeySecret: 'secret' }) });
  const asking = options.asking ?? database;
  const reads = createHistoryReads(asking);
  const { queries, exports, reports } = composeHistory({ database, asking, clock, buckets });
  const tokens = manageTokens({ store: createTokenStore(database), clock });
  const operatorLog = options.operatorLog ?? createOperatorLog(database);
  // A vendor that knows the domain and no more, and a bucket that holds nothing.
  const vendor = new VendorState(clock);
  vendor.addDomain({ domain: PLAY, pushDomains: [PUSH] });
  const live = createFakeLiveApi(vendor);
  const pictures = new FakeBuckets();
  pictures.bucket('bucket-a');
  const routes = [
    ...allRoutes({
      queries,
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
        buckets: pictures,
        live,
      }),
      alerting: createTestAlerting(database, clock),
      configs: controlConfigs(
        { live, store: createConfigStore(database, { sealingKeys: [OUR_KEY] }), clock },
        settingsFor([{ app: 'live' }]),
      ),
      exports,
      reports,
      quarantine: createTestQuarantine(database),
      tokens,
      operatorLog,
      clock,
    }),
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
