import type { Instant } from './instant.ts';
import type { StreamKey } from './stream-key.ts';

/** One publish of a stream, `[startedAt, endedAt)`; `endedAt` is null while it is on air. */
export interface Session extends StreamKey {
  startedAt: Instant;
  endedAt: Instant | null;
}
