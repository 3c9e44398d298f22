import type { Selectable } from 'kysely';
import type { MaintenanceSchedule, MaintenanceStore } from '../../ports.ts';
import type { MaintenanceScheduleTable } from './alerting-tables.ts';
import type { Database } from './database.ts';
import { addExcused } from './excused-store.ts';
import { timestamp } from './timestamp.ts';

export function createMaintenanceStore(database: Database): MaintenanceStore {
  const { db } = database;
  return {
    async add(schedule) {
      const row = await db
        .insertInto('maintenance_schedules')
        .values({
          name: schedule.name,
          cron: schedule.cron,
          time_zone: schedule.timeZone,
          duration_seconds: schedule.durationSeconds,
          domain: schedule.domain,
          app: schedule.app,
          stream: schedule.stream,
          reason: schedule.reason,
          author: schedule.author,
          created_at: timestamp(schedule.createdAt),
          planned_until: timestamp(schedule.plannedUntil),
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      return scheduleOf(row);
    },

    async end(id, at) {
      const row = await db
        .updateTable('maintenance_schedules')
        // The name becomes free for a later schedule of the settings file.
        .set({ ended_at: timestamp(at), name: null })
        .where('id', '=', id)
        .where('ended_at', 'is', null)
        .returningAll()
        .executeTakeFirst();
      return row ? scheduleOf(row) : null;
    },

    async list(all) {
      let query = db.selectFrom('maintenance_schedules').selectAll().orderBy('id');
      if (!all) query = query.where('ended_at', 'is', null);
      return (await query.execute()).map(scheduleOf);
    },

    async setPlannedUntil(id, until) {
      await db
        .updateTable('maintenance_schedules')
        .set({ planned_until: timestamp(until) })
        .where('id', '=', id)
        .where('planned_until', '<', timestamp(until))
        .execute();
    },

    async planSpan(schedule, span) {
      await db.transaction().execute(async (transaction) => {
        // Whoever ends the schedule waits for this, or this finds it ended.
        const running = await transaction
          .selectFrom('maintenance_schedules')
          .select('id')
          .where('id', '=', schedule.id)
          .where('ended_at', 'is', null)
          .forShare()
          .executeTakeFirst();
        if (!running) return;
        const own = { schedule_id: schedule.id, from_at: timestamp(span.from) };
        const taken = await transaction
          .insertInto('maintenance_occurrences')
          .values({ ...own, excused_span_id: null })
          .onConflict((conflict) => conflict.doNothing())
          .returning('schedule_id')
          .executeTakeFirst();
        if (!taken) return;
        const { domain, app, stream, reason, author } = schedule;
        const { id } = await addExcused(transaction, { ...span, domain, app, stream, reason, author });
        await transaction
          .updateTable('maintenance_occurrences')
          .set({ excused_span_id: id })
          .where('schedule_id', '=', own.schedule_id)
          .where('from_at', '=', own.from_at)
          .execute();
      });
    },

    async spansFrom(id, from) {
      const rows = await db
        .selectFrom('maintenance_occurrences')
        .select('excused_span_id')
        .where('schedule_id', '=', id)
        .where('from_at', '>=', timestamp(from))
        .execute();
      return rows.flatMap((row) => row.excused_span_id ?? []);
    },
  };
}

function scheduleOf(row: Selectable<MaintenanceScheduleTable>): MaintenanceSchedule {
  return {
    id: row.id,
    name: row.name,
    cron: row.cron,
    timeZone: row.time_zone,
    durationSeconds: row.duration_seconds,
    domain: row.domain,
    app: row.app,
    stream: row.stream,
    reason: row.reason,
    author: row.author,
    createdAt: row.created_at,
    endedAt: row.ended_at,
    plannedUntil: row.planned_until,
  };
}
