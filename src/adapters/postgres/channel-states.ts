import { sql } from 'kysely';
import type { ChannelStates } from '../../ports.ts';
import type { Database } from './database.ts';
import { timestamp } from './timestamp.ts';

export function createChannelStates(database: Database): ChannelStates {
  const { db } = database;

  /** What was learned of a channel says nothing of it once its settings have changed. */
  async function forgetOthers(channel: string, fingerprint: string): Promise<void> {
    await db
      .deleteFrom('channel_states')
      .where('channel', '=', channel)
      .where('fingerprint', '<>', fingerprint)
      .execute();
  }

  return {
    async disabled(channel, fingerprint) {
      const row = await db
        .selectFrom('channel_states')
        .selectAll()
        .where('channel', '=', channel)
        .where('fingerprint', '=', fingerprint)
        .where('disabled_at', 'is not', null)
        .executeTakeFirst();
      return row?.disabled_at ? { at: row.disabled_at, reason: row.disabled_reason ?? '' } : null;
    },

    async disable(channel, fingerprint, at, reason) {
      await forgetOthers(channel, fingerprint);
      const off = { disabled_at: timestamp(at), disabled_reason: reason };
      await db
        .insertInto('channel_states')
        .values({ channel, fingerprint, ...off })
        .onConflict((conflict) => conflict.column('channel').doUpdateSet(off))
        .execute();
    },

    async enable(channel) {
      await db.deleteFrom('channel_states').where('channel', '=', channel).execute();
    },

    async pause(channel, fingerprint, until) {
      await forgetOthers(channel, fingerprint);
      const paused = { paused_until: timestamp(until) };
      await db
        .insertInto('channel_states')
        .values({ channel, fingerprint, ...paused })
        .onConflict((conflict) => conflict.column('channel').doUpdateSet(paused))
        .execute();
    },

    async count(channel, fingerprint, outcome) {
      await forgetOthers(channel, fingerprint);
      const row = await db
        .insertInto('channel_states')
        .values({ channel, fingerprint, outcome, in_a_row: 1 })
        .onConflict((conflict) =>
          conflict.column('channel').doUpdateSet({
            outcome,
            in_a_row: sql<number>`case when channel_states.outcome = ${outcome} then channel_states.in_a_row + 1 else 1 end`,
          }),
        )
        .returning('in_a_row')
        .executeTakeFirstOrThrow();
      return row.in_a_row;
    },
  };
}
