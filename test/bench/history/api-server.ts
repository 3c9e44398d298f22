import express from 'express';
import { openDatabase } from '../../../src/adapters/postgres/database.ts';
import { createCaptureExports } from '../../../src/adapters/postgres/export-captures.ts';
import { createOperatorLog } from '../../../src/adapters/postgres/operator-log.ts';
import { createHistoryReads } from '../../../src/adapters/postgres/query-history.ts';
import { createTokenStore } from '../../../src/adapters/postgres/token-store.ts';
import { createApiRouter } from '../../../src/http/api/api-router.ts';
import { exportRoutes } from '../../../src/http/api/export-routes.ts';
import { historyRoutes } from '../../../src/http/api/history-routes.ts';
import { deliveryReports } from '../../../src/usecases/delivery-report.ts';
import { exportHistory } from '../../../src/usecases/export-history.ts';
import { manageTokens } from '../../../src/usecases/manage-tokens.ts';
import { createQueries } from '../../../src/usecases/query-history.ts';

/** The API in a process of its own, so that its memory is its own. Arguments: database URL, now in ms. */
const [url, now] = process.argv.slice(2);
const clock = { now: () => Number(now) };
const database = openDatabase({ url: url!, maxConnections: 4 });
const reads = { ...createHistoryReads(database), ...createCaptureExports(database) };
const queries = createQueries({ reads, clock });
const app = express();
app.use(
  createApiRouter({
    routes: [
      ...historyRoutes(queries),
      ...exportRoutes(exportHistory({ reads, queries, clock }), deliveryReports({ reads, clock })),
    ],
    tokens: manageTokens({ store: createTokenStore(database), clock }),
    operatorLog: createOperatorLog(database),
    onError: (error) => console.error(error),
    requestsPerMinute: 1_000_000_000,
  }),
);
const server = app.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address && typeof address === 'object') process.send!({ url: `http://127.0.0.1:${address.port}/api/v1` });
});

let peak = 0;
setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, 50).unref();
process.on('message', (message) => {
  if (message === 'reset') peak = process.memoryUsage.rss();
  if (message === 'peak') process.send!({ peakMb: Math.round(peak / 1024 / 1024) });
  if (message === 'stop') process.exit(0);
});
