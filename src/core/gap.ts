import type { Mode } from './capture.ts';
import type { Instant } from './instant.ts';
import type { Cause, Verdict } from './verdict.ts';

/**
 * A maximal run of slots of one session with the same verdict and cause. Runs of `unexpected` captures and of
 * `unknown` and `excused` slots have the same shape.
 */
export interface Gap {
  /** The first slot of the run: an observed instant, or the earlier neighbour plus a multiple of the interval. */
  from: Instant;
  /** The instant of the next slot after the run, or where the judgement ended. */
  to: Instant;
  count: number;
  verdict: Verdict;
  /** null only for `excused`. */
  cause: Cause | null;
  mode: Mode;
  /** `excused` only: why. */
  reason?: string;
}
