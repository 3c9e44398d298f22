import { type RawBuilder, sql } from 'kysely';
import type { Instant } from '../../core/instant.ts';

/** An instant as a `timestamptz` parameter. Reading back needs nothing: the pool parses `timestamptz` to an `Instant`. */
export function timestamp(instant: Instant): RawBuilder<Instant> {
  return sql<Instant>`cast(${new Date(instant).toISOString()} as timestamptz)`;
}
