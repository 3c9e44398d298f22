import { type RawBuilder, sql } from 'kysely';
import type { StreamKey } from '../../core/stream-key.ts';
import type { TimeWindow } from '../../core/time-window.ts';
import type { ScopeFilter } from '../../ports.ts';
import { timestamp } from './timestamp.ts';

/** Conditions on a row `s` of `streams`, and on times: pieces that every query shares. */

type Condition = RawBuilder<boolean>;

export function all(conditions: readonly (Condition | null)[]): Condition {
  const present = conditions.filter((condition) => condition !== null);
  return present.length === 0 ? sql<boolean>`true` : sql<boolean>`${sql.join(present, sql` and `)}`;
}

export function inScope(filter: ScopeFilter): Condition {
  return all([
    filter.domain ? sql`s.domain = any(${[...filter.domain]}::text[])` : null,
    filter.app ? sql`s.app = any(${[...filter.app]}::text[])` : null,
    filter.stream ? sql`s.stream = any(${[...filter.stream]}::text[])` : null,
  ]);
}

export function hasScope(filter: ScopeFilter): boolean {
  return filter.domain !== undefined || filter.app !== undefined || filter.stream !== undefined;
}

/**
 * Restricts `column` to the streams of the scope, null where the scope is everything. The ids are read once; with a single
 * one the planner knows how few rows that is.
 */
export function streamIn(column: RawBuilder<unknown>, streamIds: readonly number[] | null): Condition | null {
  if (streamIds === null) return null;
  if (streamIds.length === 1) return sql`${column} = ${streamIds[0]}`;
  return sql`${column} = any(${[...streamIds]}::integer[])`;
}

export function afterStream(after: StreamKey | null): Condition | null {
  return after ? sql`(s.domain, s.app, s.stream) > (${after.domain}, ${after.app}, ${after.stream})` : null;
}

export function within(column: RawBuilder<unknown>, window: TimeWindow): Condition {
  return all([
    window.from === null ? null : sql`${column} >= ${timestamp(window.from)}`,
    window.to === null ? null : sql`${column} < ${timestamp(window.to)}`,
  ]);
}
