import { type Kysely, type SqlBool, sql } from 'kysely';
import type { Instant } from '../../core/instant.ts';
import { intoMessages, messageIdOf, planSending } from '../../core/notification.ts';
import type { ClaimedMessage, NotificationRow, NotificationStore } from '../../ports.ts';
import type { Database } from './database.ts';
import { foldedAndTold } from './folded-incidents.ts';
import { incidentOf } from './incident-mapping.ts';
import type { Tables } from './tables.ts';
import { timestamp } from './timestamp.ts';

type ClaimOptions = Parameters<NotificationStore['claim']>[0];

export function createNotificationStore(database: Database): NotificationStore {
  const { db } = database;
  return {
    async claim(options) {
      return db.transaction().execute(async (transaction) => {
        // Claims of one channel take turns: its budget and the order of its messages are then the same for all replicas.
        await sql`select pg_advisory_xact_lock(hashtextextended(${`notify:${options.channel}`}, 0))`.execute(
          transaction,
        );
        if (await isPaused(transaction, options)) return null;
        return (await abandoned(transaction, options)) ?? (await fresh(transaction, options));
      });
    },

    async markSent(message, sentAt, summary, refused) {
      await db
        .updateTable('notifications')
        .set({ status: 'sent', sent_at: timestamp(sentAt), claimed_until: null, error: refused, summary })
        .where('message_id', '=', message.messageId)
        .where('channel', '=', message.channel)
        .where('status', '=', 'sending')
        .execute();
    },

    async markFailed(message, { error, retryAt, keepId }) {
      await db
        .updateTable('notifications')
        .set({
          status: retryAt === null ? 'failed' : 'pending',
          claimed_until: null,
          error,
          ...(retryAt === null ? {} : { due_at: timestamp(retryAt) }),
          ...(keepId ? {} : { message_id: null }),
        })
        .where('message_id', '=', message.messageId)
        .where('channel', '=', message.channel)
        .where('status', '=', 'sending')
        .execute();
    },

    async addRepeats({ channel, now, due, silenced }) {
      const rows = await db
        .selectFrom('incidents as i')
        .innerJoinLateral(
          (eb) =>
            eb
              .selectFrom('notifications')
              .select(['id as last_id', 'status as last_status', 'sent_at as last_sent_at', 'due_at as last_due_at'])
              .whereRef('incident_id', '=', 'i.id')
              .where('channel', '=', channel)
              .where('status', '<>', 'superseded')
              .orderBy('id', 'desc')
              .limit(1)
              .as('n'),
          (join) => join.onTrue(),
        )
        .selectAll('i')
        .select(['last_id', 'last_status', 'last_sent_at', 'last_due_at'])
        .where('i.status', '=', 'open')
        .where('i.folded_into', 'is', null)
        .where('n.last_status', 'in', ['sent', 'silenced', 'failed'])
        .execute();
      const repeats = rows.flatMap((row) => {
        const incident = incidentOf(row);
        const isDue =
          row.last_status === 'silenced' ? !silenced(incident) : due(incident, row.last_sent_at ?? row.last_due_at);
        return isDue ? [{ incident, after: row.last_id }] : [];
      });
      if (repeats.length === 0) return 0;
      await db
        .insertInto('notifications')
        .values(
          repeats.map(({ incident, after }) => ({
            channel,
            incident_id: incident.id,
            event: 'repeat' as const,
            cause_key: `after:${after}`,
            created_at: timestamp(now),
            due_at: timestamp(now),
          })),
        )
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      return repeats.length;
    },

    toldOf: (channel, incidentIds) => incidentsWith(db, channel, incidentIds, 'sent'),

    async recordTest(channel, at, error, summary) {
      await db
        .insertInto('notifications')
        .values({
          channel,
          incident_id: null,
          event: 'test',
          cause_key: sql<string>`'test:' || gen_random_uuid()`,
          status: error === null ? 'sent' : 'failed',
          attempts: 1,
          created_at: timestamp(at),
          due_at: timestamp(at),
          sent_at: error === null ? timestamp(at) : null,
          error,
          summary,
        })
        .execute();
    },

    async list(filter, after, limit) {
      let query = db
        .selectFrom('notifications')
        .selectAll()
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(limit);
      if (filter.channel) query = query.where('channel', 'in', filter.channel);
      if (filter.status) query = query.where('status', 'in', filter.status);
      if (filter.incident !== undefined) query = query.where('incident_id', '=', filter.incident);
      if (filter.from !== null) query = query.where('created_at', '>=', timestamp(filter.from));
      if (filter.to !== null) query = query.where('created_at', '<', timestamp(filter.to));
      if (after) {
        query = query.where(sql<SqlBool>`(created_at, id) < (${timestamp(after[0])}, ${after[1]}::bigint)`);
      }
      const rows = await query.execute();
      return rows.map(
        (row): NotificationRow => ({
          id: row.id,
          channel: row.channel,
          incidentId: row.incident_id,
          event: row.event,
          status: row.status,
          createdAt: row.created_at,
          dueAt: row.due_at,
          attempts: row.attempts,
          messageId: row.message_id,
          sentAt: row.sent_at,
          error: row.error,
          summary: row.summary,
        }),
      );
    },

    async counts() {
      return db
        .selectFrom('notifications')
        .select(['channel', 'status', (eb) => eb.fn.countAll<number>().as('count')])
        .groupBy(['channel', 'status'])
        .execute();
    },

    async giveUpBut(channels, before) {
      let query = db
        .updateTable('notifications')
        .set({ status: 'failed', error: 'The channel is no longer configured.' })
        .where('status', '=', 'pending')
        .where('created_at', '<', timestamp(before));
      if (channels.length > 0) query = query.where('channel', 'not in', channels);
      await query.execute();
    },

    async prune(before) {
      await db
        .deleteFrom('notifications')
        .where('created_at', '<', timestamp(before))
        .where('status', 'not in', ['pending', 'sending'])
        .execute();
    },
  };
}

async function isPaused(db: Kysely<Tables>, { channel, fingerprint, now }: ClaimOptions): Promise<boolean> {
  const row = await db
    .selectFrom('channel_states')
    .select('channel')
    .where('channel', '=', channel)
    .where('fingerprint', '=', fingerprint)
    .where('paused_until', '>', timestamp(now))
    .executeTakeFirst();
  return row !== undefined;
}

/** A message that somebody claimed and did not finish in time, or that may have arrived: the same again, under its id. */
async function abandoned(
  db: Kysely<Tables>,
  { channel, now, leaseSeconds }: ClaimOptions,
): Promise<ClaimedMessage | null> {
  const first = await db
    .selectFrom('notifications')
    .select('message_id')
    .where('channel', '=', channel)
    .where('message_id', 'is not', null)
    .where((eb) =>
      eb.or([
        eb.and([eb('status', '=', 'sending'), eb('claimed_until', '<=', timestamp(now))]),
        eb.and([eb('status', '=', 'pending'), eb('due_at', '<=', timestamp(now))]),
      ]),
    )
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
  if (!first?.message_id) return null;
  return claimRows(db, channel, first.message_id, now, leaseSeconds);
}

async function fresh(db: Kysely<Tables>, options: ClaimOptions): Promise<ClaimedMessage | null> {
  const { channel, now, leaseSeconds, perMinute, digestFrom, silenced } = options;
  const due = await db
    .selectFrom('notifications as n')
    .innerJoin('incidents as i', 'i.id', 'n.incident_id')
    .selectAll('i')
    .select(['n.id as row_id', 'n.event', 'n.created_at'])
    .where('n.channel', '=', channel)
    .where('n.status', '=', 'pending')
    .where('n.message_id', 'is', null)
    .where('n.due_at', '<=', timestamp(now))
    // Two words about one incident must not overtake each other.
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('notifications as other')
            .select('other.id')
            .where('other.channel', '=', channel)
            .whereRef('other.incident_id', '=', 'n.incident_id')
            .where('other.message_id', 'is not', null)
            .where('other.status', 'in', ['sending', 'pending']),
        ),
      ),
    )
    .orderBy('n.id')
    .execute();
  if (due.length === 0) return null;

  const incidents = new Map(due.map((row) => [row.id, incidentOf(row)]));
  const told = await incidentsWith(db, channel, [...incidents.keys()], 'sent');
  const hushed = await incidentsWith(db, channel, [...incidents.keys()], 'silenced');
  const rows = due.map((row) => ({ id: row.row_id, incidentId: row.id, event: row.event, createdAt: row.created_at }));
  // Silenced: during the silence, and the end of what was only ever silenced.
  const quiet = rows.filter(
    ({ incidentId, event }) =>
      silenced(incidents.get(incidentId)!) || (event === 'resolved' && hushed.has(incidentId) && !told.has(incidentId)),
  );
  const loud = rows.filter((row) => !quiet.includes(row));
  // Nobody who knows of it is told that it lasts once it is over, also where the end itself is not to be told.
  const stale = loud.filter(
    ({ incidentId, event }) =>
      event !== 'resolved' && told.has(incidentId) && incidents.get(incidentId)!.status === 'resolved',
  );
  const plan = planSending(
    loud.filter((row) => !stale.includes(row)),
    told,
  );
  await setStatus(
    db,
    quiet.map((row) => row.id),
    'silenced',
  );
  await setStatus(db, [...plan.superseded, ...stale.map((row) => row.id)], 'superseded');

  const messages = intoMessages(plan.send, digestFrom, perMinute - (await sentLastMinute(db, channel, now)));
  const [message] = messages;
  if (!message) return null;
  const id = messageIdOf(
    channel,
    message.map((row) => row.id),
  );
  for (const row of message) {
    await db.updateTable('notifications').set({ message_id: id, event: row.event }).where('id', '=', row.id).execute();
  }
  return claimRows(db, channel, id, now, leaseSeconds);
}

async function claimRows(
  db: Kysely<Tables>,
  channel: string,
  messageId: string,
  now: Instant,
  leaseSeconds: number,
): Promise<ClaimedMessage> {
  const rows = await db
    .updateTable('notifications')
    .set((eb) => ({
      status: 'sending' as const,
      claimed_until: timestamp(now + leaseSeconds * 1000),
      attempts: eb('attempts', '+', 1),
    }))
    .where('channel', '=', channel)
    .where('message_id', '=', messageId)
    .where('status', 'in', ['pending', 'sending'])
    .returning(['id', 'incident_id', 'event', 'attempts'])
    .execute();
  const incidents = await db
    .selectFrom('incidents')
    .selectAll()
    .where(
      'id',
      'in',
      rows.map((row) => row.incident_id ?? 0),
    )
    .execute();
  const byId = new Map(incidents.map((row) => [row.id, incidentOf(row)]));
  return {
    channel,
    folded: await foldedAndTold(db, channel, [...byId.keys()]),
    messageId,
    attempts: Math.min(...rows.map((row) => row.attempts)),
    rows: rows
      .sort((a, b) => a.id - b.id)
      .flatMap(({ id, incident_id, event }) => {
        const incident = byId.get(incident_id ?? 0);
        return incident ? [{ id, incident, event }] : [];
      }),
  };
}

async function incidentsWith(
  db: Kysely<Tables>,
  channel: string,
  incidentIds: readonly number[],
  status: 'sent' | 'silenced',
): Promise<Set<number>> {
  if (incidentIds.length === 0) return new Set();
  const rows = await db
    .selectFrom('notifications')
    .select('incident_id')
    .distinct()
    .where('channel', '=', channel)
    .where('incident_id', 'in', incidentIds)
    .where('status', '=', status)
    .execute();
  return new Set(rows.flatMap((row) => row.incident_id ?? []));
}

async function setStatus(db: Kysely<Tables>, ids: readonly number[], status: 'silenced' | 'superseded'): Promise<void> {
  if (ids.length === 0) return;
  await db.updateTable('notifications').set({ status }).where('id', 'in', ids).execute();
}

/** Messages, not rows: a digest counts once. What is being sent counts too. */
async function sentLastMinute(db: Kysely<Tables>, channel: string, now: Instant): Promise<number> {
  const row = await db
    .selectFrom('notifications')
    .select((eb) => eb.fn.count<number>('message_id').distinct().as('count'))
    .where('channel', '=', channel)
    .where((eb) =>
      eb.or([
        eb.and([eb('status', '=', 'sent'), eb('sent_at', '>', timestamp(now - 60_000))]),
        eb.and([eb('status', '=', 'sending'), eb('claimed_until', '>', timestamp(now))]),
      ]),
    )
    .executeTakeFirstOrThrow();
  return row.count;
}
