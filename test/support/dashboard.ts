import { pino } from 'pino';
import { createBuckets } from '../../src/adapters/oss/create-buckets.ts';
import { pictureOrigins } from '../../src/adapters/oss/picture-origins.ts';
import type { Database } from '../../src/adapters/postgres/database.ts';
import { createOperatorLog } from '../../src/adapters/postgres/operator-log.ts';
import { createHistoryReads } from '../../src/adapters/postgres/query-history.ts';
import { createTimelineReads } from '../../src/adapters/postgres/query-timeline.ts';
import { createWallReads } from '../../src/adapters/postgres/query-wall.ts';
import { createTokenStore } from '../../src/adapters/postgres/token-store.ts';
import type { Instant } from '../../src/core/instant.ts';
import { dashboardRouter } from '../../src/dashboard/dashboard-router.ts';
import { createApiRouter } from '../../src/http/api/api-router.ts';
import { dashboardRoutes } from '../../src/http/api/dashboard-routes.ts';
import type { Route } from '../../src/http/api/define-route.ts';
import { historyRoutes } from '../../src/http/api/history-routes.ts';
import { tokenRoutes } from '../../src/http/api/token-routes.ts';
import { createHttpServer } from '../../src/http/server.ts';
import { startOssServer } from '../../src/sandbox/oss/oss-server.ts';
import { inspectSlots } from '../../src/usecases/inspect-slot.ts';
import { manageTokens, type Tokens } from '../../src/usecases/manage-tokens.ts';
import { createQueries } from '../../src/usecases/query-history.ts';
import { createWall, type Wall } from '../../src/usecases/watch-wall.ts';
import { SHAPE } from './history.ts';

const CREDENTIAL = { accessKeyId: 'LTAI-test', accessKeySecret: 'secret-of-the-sandbox' };

export interface TestDashboard {
  url: string;
  /** Where its pictures come from. */
  ossUrl: string;
  tokens: Tokens;
  wall: Wall;
  /** Puts a picture into the bucket that the stored captures name. */
  putPicture(key: string, jpeg: Buffer, at: Instant): void;
  /** What the service could not do. */
  errors: unknown[];
  /** Ends the event streams and refuses new connections, as a service does that goes away; `close` must still be called. */
  goAway(): Promise<void>;
  close(): Promise<void>;
}

/** Dashboard, API and an OSS stand-in over a test database, on loopback. */
export async function startTestDashboard(
  database: Database,
  options: {
    moreRoutes?: Route[];
    everyMs?: number;
    pingEveryMs?: number;
    environmentToken?: string;
    /** Without it the bucket is the stand-in's. */
    port?: number;
  } = {},
): Promise<TestDashboard> {
  const clock = { now: () => Date.now() };
  const errors: unknown[] = [];
  const oss = await startOssServer({ credentials: [CREDENTIAL], buckets: [SHAPE.bucket ?? ''] });
  const buckets = createBuckets({
    credentials: async () => CREDENTIAL,
    endpoint: oss.url,
    retries: 0,
    retryPauseMs: 1,
    timeoutMs: 2_000,
    keysPerSecond: null,
  });
  const reads = createHistoryReads(database);
  const queries = createQueries({ reads, clock, buckets });
  const tokens = manageTokens({
    store: createTokenStore(database),
    clock,
    environmentToken: options.environmentToken ?? null,
  });
  const operatorLog = createOperatorLog(database);
  const wall = createWall({
    reads: createWallReads(database),
    queries,
    clock,
    own: () => ({ aliveUntil: clock.now(), databaseDownSince: null, spool: { entries: 0, oldestAt: null } }),
    account: 'acme-live',
    onError: (error) => errors.push(error),
    everyMs: options.everyMs ?? 250,
  });
  const inspector = inspectSlots({
    reads: { ...reads, ...createTimelineReads(database) },
    gaps: queries,
    clock,
    buckets,
    live: null,
  });
  const dashboard = dashboardRouter({
    pictureOrigins: () => pictureOrigins([{ bucket: SHAPE.bucket ?? '', endpoint: SHAPE.endpoint ?? '' }], oss.url),
  });
  const server = createHttpServer({
    routers: [
      createApiRouter({
        routes: [
          ...historyRoutes(queries),
          ...dashboardRoutes({ wall, inspector, ...(options.pingEveryMs && { pingEveryMs: options.pingEveryMs }) }),
          ...tokenRoutes(tokens, operatorLog, clock),
          ...(options.moreRoutes ?? []),
        ],
        tokens,
        operatorLog,
        onError: (error) => errors.push(error),
        requestsPerMinute: 1_000_000,
      }),
      dashboard,
    ],
    logger: pino({ level: 'silent' }),
  });
  await dashboard.warm();
  const url = await server.listen({ port: options.port ?? 0, host: '127.0.0.1' });
  const goAway = async () => {
    wall.close();
    await server.close(1_000);
  };
  return {
    url,
    ossUrl: oss.url,
    tokens,
    wall,
    errors,
    putPicture: (key, jpeg, at) =>
      void oss.store(SHAPE.bucket ?? '').put({ key, body: jpeg, lastModified: at, contentType: 'image/jpeg' }),
    goAway,
    async close() {
      await goAway();
      await buckets.close();
      await oss.close();
    },
  };
}
