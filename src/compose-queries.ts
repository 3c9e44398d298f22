import { createOperatorLog } from './adapters/postgres/operator-log.ts';
import { createHistoryReads } from './adapters/postgres/query-history.ts';
import { createTokenStore } from './adapters/postgres/token-store.ts';
import type { QueryHandle } from './cli/query-handle.ts';
import { type Environment, openStorage, systemClock } from './compose.ts';
import { manageTokens } from './usecases/manage-tokens.ts';
import { createQueries } from './usecases/query-history.ts';

/** The history for the commands: straight from the database, without a running service. */
export async function openQueries(environment: Pick<Environment, 'config'>): Promise<QueryHandle> {
  const storage = await openStorage(environment);
  const { database } = storage;
  return {
    queries: createQueries({ reads: createHistoryReads(database), clock: systemClock }),
    tokens: manageTokens({ store: createTokenStore(database), clock: systemClock }),
    operatorLog: createOperatorLog(database),
    close: storage.close,
  };
}
