import { type Kysely, sql } from 'kysely';
import type { CallBudget } from '../../ports.ts';
import type { Tables } from './tables.ts';

/** Nobody books further ahead: a database clock that was set back must not silence us for as long. */
const FURTHEST = sql`interval '2 minutes'`;

/**
 * The call allowance of the account, shared by every replica on this database: one row an action holds when the next call may be
 * made, and the database's clock is everybody's. One Snapaudit database serves one account, so the account is not in the key (with
 * STS each replica has another access key id). Should the database not answer, each replica falls back on its own pacing.
 */
export function createCallSlots(db: Kysely<Tables>, fallback: CallBudget): CallBudget {
  const seconds = (ms: number) => sql`make_interval(secs => ${ms / 1000}::double precision)`;
  return {
    async reserve(action, spacingMs) {
      try {
        const { rows } = await sql<{ wait: number }>`
          insert into vendor_call_slots as slots (action, next_free_at)
          values (${action}, clock_timestamp() + ${seconds(spacingMs)})
          on conflict (action) do update
            set next_free_at =
              least(greatest(slots.next_free_at, clock_timestamp()), clock_timestamp() + ${FURTHEST}) + ${seconds(spacingMs)}
          returning extract(epoch from next_free_at - ${seconds(spacingMs)} - clock_timestamp())::double precision * 1000 as wait
        `.execute(db);
        return { waitMs: Math.max(0, rows[0]?.wait ?? 0) };
      } catch {
        return fallback.reserve(action, spacingMs);
      }
    },
    async pause(action, pauseMs) {
      try {
        await sql`
          insert into vendor_call_slots as slots (action, next_free_at) values (${action}, clock_timestamp() + ${seconds(pauseMs)})
          on conflict (action) do update
            set next_free_at = greatest(slots.next_free_at, clock_timestamp() + ${seconds(pauseMs)})
        `.execute(db);
      } catch {
        await fallback.pause(action, pauseMs);
      }
    },
  };
}
