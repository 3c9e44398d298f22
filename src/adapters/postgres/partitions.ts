import type pg from 'pg';
import type { Instant } from '../../core/instant.ts';

export const DAY_MS = 86_400_000;
/** One lock for whoever changes the partitions of captures: creating, sealing, dropping. */
export const PARTITION_LOCK = 727_275;

/** Every day is a table; whoever holds no key may make us create this many. */
const MAX_STRANGE_DAYS = 31;

/** Whole days since the epoch, UTC. */
export function dayOf(instant: Instant): number {
  return Math.floor(instant / DAY_MS);
}

export function partitionName(day: number): string {
  return `captures_${dateOf(day).replaceAll('-', '')}`;
}

/** `2026-11-24`. */
export function dateOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

export interface Partitions {
  /** Whether an unsigned callback may be stored on this day: yes for days that are there and for some others, not for thousands. */
  admitsStranger(day: number, today: number): boolean;
  /** Makes sure that captures of these days can be stored. */
  ensure(client: pg.ClientBase, days: Iterable<number>): Promise<void>;
  /** Somebody dropped a partition: look again. */
  forget(): void;
}

/** Daily partitions of `captures`, made on demand and remembered. */
export function createPartitions(): Partitions {
  const known = new Set<number>();
  const strangeDays = new Set<number>();
  return {
    admitsStranger(day, today) {
      if (known.has(day) || strangeDays.has(day) || Math.abs(day - today) <= 2) return true;
      if (strangeDays.size >= MAX_STRANGE_DAYS) return false;
      strangeDays.add(day);
      return true;
    },
    async ensure(client, days) {
      for (const day of days) {
        if (known.has(day)) continue;
        await createPartition(client, day);
        known.add(day);
      }
    },
    forget: () => known.clear(),
  };
}

async function createPartition(client: pg.ClientBase, day: number): Promise<void> {
  const name = partitionName(day);
  await client.query('begin');
  try {
    await client.query('select pg_advisory_xact_lock($1)', [PARTITION_LOCK]);
    const { rows } = await client.query('select to_regclass($1) is not null as there', [name]);
    if (!(rows[0] as { there: boolean }).there) {
      // Made apart and then attached: `partition of` would lock out every reader and writer of captures.
      await client.query(
        `create table ${name} (like captures including defaults including constraints including indexes)`,
      );
      await client.query(
        `alter table captures attach partition ${name} for values from ('${dateOf(day)}Z') to ('${dateOf(day + 1)}Z')`,
      );
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
}
