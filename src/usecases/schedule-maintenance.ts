import { Cron } from 'croner';
import type { Instant } from '../core/instant.ts';
import { RefusalError } from '../core/refusal.ts';
import type { Clock, ExcusedSpanRow, ExcusedStore, MaintenanceSchedule, MaintenanceStore } from '../ports.ts';

/** A schedule of the settings file. */
export interface ConfiguredMaintenance {
  name: string;
  cron: string;
  timeZone: string;
  duration: number;
  domain?: string | undefined;
  app?: string | undefined;
  stream?: string | undefined;
  reason: string;
}

export interface MaintenanceParts {
  maintenance: MaintenanceStore;
  excused: ExcusedStore;
  clock: Clock;
}

interface MaintenanceScope {
  domain: string | null;
  app: string | null;
  stream: string | null;
  reason: string;
  author: string;
}

/** Occurrences get their excused span so long before they begin. */
const AHEAD_MS = 2 * 86_400_000;
/** At most so many occurrences in one go; the next run plans the rest. */
const AT_ONCE = 500;

/** One window, in the past or the future. Slots inside become `excused`, those judged before are judged again. */
export async function excuseOnce(
  parts: MaintenanceParts,
  request: MaintenanceScope & { from: Instant; to: Instant },
): Promise<ExcusedSpanRow> {
  checkScope(request);
  if (request.from >= request.to) throw new RefusalError('bad-parameter', 'The window must end after it begins.');
  return parts.excused.add(request);
}

/** A window that comes again by a cron line in a time zone. Throws `RefusalError`. */
export async function scheduleMaintenance(
  parts: MaintenanceParts,
  request: MaintenanceScope & { cron: string; timeZone: string; durationSeconds: number },
): Promise<MaintenanceSchedule> {
  checkScope(request);
  const now = parts.clock.now();
  if (occurrences(request, now, now + 400 * 86_400_000, 1).length === 0) {
    throw new RefusalError('bad-parameter', `"${request.cron}" never comes within a year.`);
  }
  if (request.durationSeconds < 60 || request.durationSeconds > 7 * 86_400) {
    throw new RefusalError('bad-parameter', 'A maintenance window lasts from one minute to seven days.');
  }
  const schedule = await parts.maintenance.add({ ...request, name: null, createdAt: now, plannedUntil: now });
  await plan(parts, schedule);
  return schedule;
}

/** Ends a schedule, with the windows that it planned and that have not begun. */
export async function endMaintenance(parts: MaintenanceParts, id: number): Promise<MaintenanceSchedule> {
  const now = parts.clock.now();
  const ended = await parts.maintenance.end(id, now);
  if (!ended) throw new RefusalError('not-found', `There is no running maintenance schedule ${id}.`);
  for (const spanId of await parts.maintenance.spansFrom(id, now)) await parts.excused.cancel(spanId, now);
  return ended;
}

/** Brings the schedules in line with the settings file, then turns what comes up into excused spans. Twice is harmless. */
export async function planMaintenance(
  parts: MaintenanceParts,
  configured: readonly ConfiguredMaintenance[],
): Promise<void> {
  const running = await parts.maintenance.list(false);
  const now = parts.clock.now();
  const wanted = new Map(configured.map((entry) => [entry.name, entry]));
  for (const schedule of running) {
    if (schedule.name === null) continue;
    const entry = wanted.get(schedule.name);
    if (entry && isSame(schedule, entry)) wanted.delete(schedule.name);
    else await endMaintenance(parts, schedule.id);
  }
  for (const entry of wanted.values()) {
    await parts.maintenance.add({
      name: entry.name,
      cron: entry.cron,
      timeZone: entry.timeZone,
      durationSeconds: entry.duration,
      domain: entry.domain ?? null,
      app: entry.app ?? null,
      stream: entry.stream ?? null,
      reason: entry.reason,
      author: 'settings',
      createdAt: now,
      plannedUntil: now,
    });
  }
  for (const schedule of await parts.maintenance.list(false)) await plan(parts, schedule);
}

async function plan(parts: MaintenanceParts, schedule: MaintenanceSchedule): Promise<void> {
  const until = parts.clock.now() + AHEAD_MS;
  const starts = occurrences(schedule, schedule.plannedUntil, until, AT_ONCE);
  for (const from of starts) {
    await parts.maintenance.planSpan(schedule, { from, to: from + schedule.durationSeconds * 1000 });
  }
  const last = starts.at(-1);
  await parts.maintenance.setPlannedUntil(
    schedule.id,
    starts.length < AT_ONCE || last === undefined ? until : last + 1,
  );
}

/** Starts in `[from, to)`, at most `limit`. Throws `RefusalError` on a cron line that is none. */
function occurrences(
  schedule: { cron: string; timeZone: string },
  from: Instant,
  to: Instant,
  limit: number,
): Instant[] {
  const starts: Instant[] = [];
  try {
    const cron = new Cron(schedule.cron, { timezone: schedule.timeZone, mode: '5-part', paused: true });
    // `nextRun` looks strictly after its argument, and `from` itself counts.
    let cursor = from - 1000;
    while (starts.length < limit) {
      const next = cron.nextRun(new Date(cursor))?.getTime();
      if (next === undefined || next >= to) break;
      if (next >= from) starts.push(next);
      cursor = next;
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RefusalError('bad-parameter', `"${schedule.cron}" in ${schedule.timeZone} is no schedule: ${reason}`);
  }
  return starts;
}

function isSame(schedule: MaintenanceSchedule, entry: ConfiguredMaintenance): boolean {
  return (
    schedule.cron === entry.cron &&
    schedule.timeZone === entry.timeZone &&
    schedule.durationSeconds === entry.duration &&
    schedule.domain === (entry.domain ?? null) &&
    schedule.app === (entry.app ?? null) &&
    schedule.stream === (entry.stream ?? null) &&
    schedule.reason === entry.reason
  );
}

function checkScope({ domain, app, stream, reason }: MaintenanceScope): void {
  if (app !== null && domain === null) throw new RefusalError('bad-parameter', 'An app needs its domain.');
  if (stream !== null && app === null) throw new RefusalError('bad-parameter', 'A stream needs its app.');
  if (reason.trim() === '') throw new RefusalError('bad-parameter', 'Maintenance needs a reason.');
}
