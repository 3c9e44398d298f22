import type pg from 'pg';
import type { Instant } from '../../core/instant.ts';
import type { BatchStore, RefusedItem, SessionSignal } from '../../ports.ts';
import type { Database } from './database.ts';
import { createStreamIds } from './stream-ids.ts';
import { withClient } from './with-client.ts';
import { writeAround } from './write-around.ts';

export interface SignalStore extends BatchStore<SessionSignal> {
  /** Keeps what was said about publishing; the same signal twice is kept once. */
  record(signals: SessionSignal[]): Promise<void>;
}

export function createSignalStore(options: { database: Database; now: () => Instant }): SignalStore {
  // Publish callbacks name one stream each and come seldom; a stranger could still make up names.
  const streamIds = createStreamIds({ strangers: { atOnce: 20_000, perMinute: 6_000 }, now: options.now });

  async function write(client: pg.ClientBase, signals: SessionSignal[]): Promise<RefusedItem<SessionSignal>[]> {
    const ids = await streamIds.resolve(client, signals, () => false);
    const known = signals.map((signal, index) => ({ signal, id: ids[index] ?? null }));
    const rows = known
      .filter((row): row is { signal: SessionSignal; id: number } => row.id !== null)
      .sort((a, b) => a.id - b.id || a.signal.at - b.signal.at || (a.signal.kind < b.signal.kind ? -1 : 1));
    const column = <T>(value: (signal: SessionSignal) => T) => rows.map((row) => value(row.signal));
    await client.query({
      name: 'record-signals',
      text: `insert into session_signals (stream_id, at, kind, seen_at, started_at, ended_at, push_domain)
        select stream_id, to_timestamp(at / 1000), kind, to_timestamp(seen_at / 1000), to_timestamp(started_at / 1000),
          to_timestamp(ended_at / 1000), push_domain
        from unnest($1::int[], $2::float8[], $3::text[], $4::float8[], $5::float8[], $6::float8[], $7::text[])
          as batch (stream_id, at, kind, seen_at, started_at, ended_at, push_domain)
        on conflict do nothing`,
      values: [
        rows.map((row) => row.id),
        column((signal) => signal.at),
        column((signal) => signal.kind),
        column((signal) => signal.seenAt),
        column((signal) => signal.startedAt),
        column((signal) => signal.endedAt),
        column((signal) => signal.pushDomain),
      ],
    });
    return known.filter((row) => row.id === null).map((row) => ({ item: row.signal, reason: 'too-many-new-streams' }));
  }

  return {
    write: (signals, { timeoutMs }) =>
      withClient(options.database.pool, timeoutMs, (client) => writeAround(signals, (part) => write(client, part))),
    async record(signals) {
      await withClient(options.database.pool, 30_000, (client) => writeAround(signals, (part) => write(client, part)));
    },
  };
}
