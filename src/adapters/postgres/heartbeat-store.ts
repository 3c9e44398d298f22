import type { Instant } from '../../core/instant.ts';
import type { Heartbeat } from '../../ports.ts';
import type { Database } from './database.ts';
import { withClient } from './with-client.ts';

export interface HeartbeatStore {
  /** Writes or extends the rows; resolves after the commit. */
  beat(beats: readonly Heartbeat[], timeoutMs: number): Promise<void>;
  /** Rows that share an instant with `[from, to)`, by their start. */
  alive(from: Instant, to: Instant): Promise<Heartbeat[]>;
  /** When a request from outside last came through to any receiver, and since when one is there without a break. */
  lastProof(): Promise<{ provenAt: Instant | null; aliveSince: Instant | null }>;
  /** Opens a blind span of its own, unless one with this reason is open. */
  openBlindSpan(reason: string, from: Instant): Promise<void>;
  closeBlindSpan(reason: string, to: Instant): Promise<void>;
  prune(before: Instant): Promise<void>;
}

export function createHeartbeatStore(options: { database: Database }): HeartbeatStore {
  const { pool } = options.database;
  return {
    async beat(beats, timeoutMs) {
      const sorted = [...beats].sort((a, b) => (a.receiverId < b.receiverId ? -1 : 1) || a.fromAt - b.fromAt);
      await withClient(pool, timeoutMs, (client) =>
        client.query({
          name: 'heartbeat',
          text: `insert into heartbeats (receiver_id, from_at, to_at, host, proven_at)
            select receiver_id, to_timestamp(from_at / 1000), to_timestamp(max(to_at) / 1000), max(host), to_timestamp(max(proven_at) / 1000)
            from unnest($1::uuid[], $2::float8[], $3::float8[], $4::text[], $5::float8[])
              as batch (receiver_id, from_at, to_at, host, proven_at)
            -- notes from the spool and the beat of now may speak of one row, and no row can be updated twice
            group by receiver_id, from_at
            on conflict (receiver_id, from_at) do update set to_at = greatest(heartbeats.to_at, excluded.to_at),
              proven_at = greatest(heartbeats.proven_at, excluded.proven_at)`,
          values: [
            sorted.map((beat) => beat.receiverId),
            sorted.map((beat) => beat.fromAt),
            sorted.map((beat) => beat.toAt),
            sorted.map((beat) => beat.host),
            sorted.map((beat) => beat.provenAt ?? null),
          ],
        }),
      );
    },
    async alive(from, to) {
      const { rows } = await pool.query<{ receiver_id: string; from_at: Instant; to_at: Instant; host: string }>(
        `select receiver_id, from_at, to_at, host from heartbeats
         where to_at > to_timestamp($1::float8 / 1000) and from_at < to_timestamp($2::float8 / 1000) order by from_at`,
        [from, to],
      );
      return rows.map((row) => ({ receiverId: row.receiver_id, fromAt: row.from_at, toAt: row.to_at, host: row.host }));
    },
    async lastProof() {
      const { rows } = await pool.query<{ proven_at: Instant | null; alive_since: Instant | null }>(
        `select max(proven_at) as proven_at, min(from_at) filter (where to_at = (select max(to_at) from heartbeats)) as alive_since
         from heartbeats where to_at > now() - interval '7 days'`,
      );
      return { provenAt: rows[0]?.proven_at ?? null, aliveSince: rows[0]?.alive_since ?? null };
    },
    async openBlindSpan(reason, from) {
      await pool.query(
        `insert into blind_spans (from_at, reason) select to_timestamp($2::float8 / 1000), $1
         where not exists (select from blind_spans where reason = $1 and to_at is null)`,
        [reason, from],
      );
    },
    async closeBlindSpan(reason, to) {
      await pool.query(
        `update blind_spans set to_at = greatest(from_at, to_timestamp($2::float8 / 1000)) where reason = $1 and to_at is null`,
        [reason, to],
      );
    },
    async prune(before) {
      await pool.query('delete from heartbeats where to_at < to_timestamp($1::float8 / 1000)', [before]);
      await pool.query('delete from blind_spans where to_at < to_timestamp($1::float8 / 1000)', [before]);
    },
  };
}
