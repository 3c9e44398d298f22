import { Counter, Gauge, type Registry } from 'prom-client';
import type { ReceiverState } from '../usecases/receiver.ts';

/** What the receiver of this process holds back, for Prometheus: its queue, its spool, and since when the database is away. */
export function registerReceiverMetrics(
  registry: Registry,
  receiver: { state(): ReceiverState },
  now: () => number,
): void {
  const gauge = (name: string, help: string, read: (state: ReceiverState) => number) =>
    new Gauge({
      name: `snapaudit_receiver_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read(receiver.state()));
      },
    });
  /** The receiver counts for itself; here stands what it has counted since the start. */
  const counter = (name: string, help: string, read: (state: ReceiverState) => number) =>
    new Counter({
      name: `snapaudit_receiver_${name}_total`,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(read(receiver.state()));
      },
    });
  const age = (since: number | null | undefined) => (since == null ? 0 : Math.max(0, now() - since) / 1000);
  gauge('pending_items', 'Callbacks that wait for their commit.', (state) => state.pending);
  gauge('database_away_seconds', 'Since when callbacks go to the spool.', (state) => age(state.databaseDownSince));
  gauge(
    'spool_entries',
    'Items on the local disk that the database does not have yet.',
    (state) => state.spool?.entries ?? 0,
  );
  gauge('spool_bytes', 'Room that the spool takes.', (state) => state.spool?.bytes ?? 0);
  gauge('spool_age_seconds', 'Age of the oldest item in the spool.', (state) => age(state.spool?.oldestAt));
  counter('batches', 'Batches written.', (state) => state.batches);
  counter('batched_items', 'Items in these batches.', (state) => state.batchedItems);
  counter('turned_away', 'Callbacks answered 503.', (state) => state.turnedAway);
  counter(
    'forwards_dropped',
    'Callbacks that were not passed on, for the spool keeps the room for captures.',
    (state) => state.forwardsDropped,
  );
  counter('not_kept', 'Requests that the quarantine had no room for.', (state) => state.notKept);
}
