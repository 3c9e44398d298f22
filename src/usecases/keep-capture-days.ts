import type { Instant } from '../core/instant.ts';
import type { AuditStore } from '../ports.ts';

/** The daily parts of the captures (adapters/postgres/capture-days.ts, partitions.ts). Days are counted from the epoch, UTC. */
export interface CaptureDayKeeper {
  list(): Promise<{ day: number; sealedRows: number | null; lateRows: number }[]>;
  ensure(days: number[], signal?: AbortSignal): Promise<void>;
  seal(day: number, signal?: AbortSignal): Promise<boolean>;
  drop(day: number, signal?: AbortSignal): Promise<void>;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const DAYS_AHEAD = 2;
/** A day is sealed this long after it ended; hardly anything comes later. */
const SEAL_AFTER_MS = 2 * HOUR_MS;
/** A sealed day is sealed again when this much of it came late. */
const RESEAL_SHARE = 0.02;
const RESEAL_ROWS = 10_000;

export interface CaptureDayPlan {
  ensure: number[];
  seal: number[];
  drop: number[];
}

/** A day is dropped when its last instant is older than the retention. */
export function firstKeptDay(now: Instant, retentionDays: number | null): number {
  return retentionDays === null ? Number.NEGATIVE_INFINITY : Math.floor(now / DAY_MS) - retentionDays;
}

/** Captures of before are gone, or may be at any moment: nobody can tell who was told of them. */
export async function capturesKeptFrom(
  audits: Pick<AuditStore, 'capturesKeptSince'>,
  now: Instant,
  retentionDays: number | null,
): Promise<Instant> {
  const gone = (await audits.capturesKeptSince()) ?? Number.NEGATIVE_INFINITY;
  return Math.max(gone, firstKeptDay(now, retentionDays) * DAY_MS);
}

/** What is to be done with which days now. `retentionDays` null: captures are kept for ever. */
export function planCaptureDays(
  days: readonly { day: number; sealedRows: number | null; lateRows: number }[],
  now: Instant,
  retentionDays: number | null,
): CaptureDayPlan {
  const today = Math.floor(now / DAY_MS);
  const firstKept = firstKeptDay(now, retentionDays);
  const kept = days.filter(({ day }) => day >= firstKept);
  return {
    ensure: Array.from({ length: DAYS_AHEAD + 1 }, (_, index) => today + index),
    seal: kept
      .filter(({ day }) => (day + 1) * DAY_MS + SEAL_AFTER_MS <= now)
      .filter(
        ({ sealedRows, lateRows }) =>
          sealedRows === null || lateRows > Math.max(RESEAL_ROWS, sealedRows * RESEAL_SHARE),
      )
      .map(({ day }) => day),
    drop: days.filter(({ day }) => day < firstKept).map(({ day }) => day),
  };
}

/** The hourly job. Running it twice, or on two replicas at once, is harmless; so is ending it anywhere by `signal`. */
export async function keepCaptureDays(parts: {
  keeper: CaptureDayKeeper;
  now: Instant;
  retentionDays: number | null;
  signal?: AbortSignal;
}): Promise<{ sealed: number[]; dropped: number[] }> {
  const { keeper, now, retentionDays, signal } = parts;
  const plan = planCaptureDays(await keeper.list(), now, retentionDays);
  await keeper.ensure(plan.ensure, signal);
  for (const day of plan.drop) await keeper.drop(day, signal);
  const sealed: number[] = [];
  for (const day of plan.seal) if (await keeper.seal(day, signal)) sealed.push(day);
  return { sealed, dropped: plan.drop };
}
