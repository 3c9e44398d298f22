import { Router } from 'express';
import type { ReceiverState } from '../usecases/receiver.ts';

/** GET /healthz: the process answers. GET /readyz: a callback that came now would be kept. */
export function healthRoutes(receiver: { state(): ReceiverState }, now: () => number): Router {
  const router = Router();
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' });
  });
  router.get('/readyz', (_request, response) => {
    const state = receiver.state();
    const isReady = state.aliveUntil !== null && now() - state.aliveUntil < MAX_AGE_MS;
    response.status(isReady ? 200 : 503).json({
      status: isReady ? 'ready' : 'not-ready',
      database: state.databaseDownSince === null ? 'ok' : 'away',
      databaseAwaySeconds: state.databaseDownSince === null ? 0 : (now() - state.databaseDownSince) / 1000,
      spool: state.spool && {
        entries: state.spool.entries,
        bytes: state.spool.bytes,
        oldestAgeSeconds: state.spool.oldestAt === null ? 0 : (now() - state.spool.oldestAt) / 1000,
      },
      pending: state.pending,
    });
  });
  return router;
}

const MAX_AGE_MS = 5_000;
