import type { Instant } from '../core/instant.ts';
import type { AlertSink, Clock } from '../ports.ts';

/** Callbacks that wait on the disk of one receiver; null where it has no spool. */
export interface SpoolDepth {
  entries: number;
  oldestAt: Instant | null;
}

/** A short absence of the database is what the spool is for. */
const TOLD_AFTER_MS = 60_000;

/**
 * Reports a spool whose oldest entry has waited for over a minute. Each receiver watches its own: nobody else can see
 * it. While the database is away the report fails too, and is told as soon as it is back.
 */
export function createSpoolWatch(parts: { sink: AlertSink; clock: Clock }) {
  const reported = new Map<string, boolean>();
  /** Dropped before the spool began to wait. */
  let droppedBefore = 0;
  /** `forwardsDropped`: since the start of the process. */
  return async function watchSpool(spool: SpoolDepth | null, host: string, forwardsDropped = 0): Promise<void> {
    if (spool === null) return;
    const now = parts.clock.now();
    const active = spool.oldestAt !== null && now - spool.oldestAt >= TOLD_AFTER_MS;
    if (spool.oldestAt === null) droppedBefore = forwardsDropped;
    // The first report of a process also ends what its predecessor left behind.
    if (!active && reported.get(host) === false) return;
    await parts.sink.report({
      kind: 'spool_not_draining',
      key: host,
      active,
      at: spool.oldestAt ?? now,
      found: { code: 'spool-waits', entries: spool.entries, host, forwardsDropped: forwardsDropped - droppedBefore },
    });
    reported.set(host, active);
  };
}
