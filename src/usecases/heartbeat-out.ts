import type { Instant } from '../core/instant.ts';
import type { Clock } from '../ports.ts';

/**
 * Calls an external dead-man's switch while alerting works here: it raises the alarm when the calls stay out, and so
 * notices our own death. No call is made unless an evaluation succeeded within `freshSeconds`.
 */
export function createHeartbeatOut(parts: {
  clock: Clock;
  everySeconds: number;
  freshSeconds: number;
  lastEvaluationAt(): Instant | null;
  /** Throws where the call failed. */
  call(): Promise<void>;
}) {
  let calledAt: Instant | null = null;
  return async function beat(): Promise<'called' | 'not-due' | 'not-well'> {
    const now = parts.clock.now();
    if (calledAt !== null && now - calledAt < parts.everySeconds * 1000) return 'not-due';
    const evaluated = parts.lastEvaluationAt();
    if (evaluated === null || now - evaluated > parts.freshSeconds * 1000) return 'not-well';
    await parts.call();
    calledAt = now;
    return 'called';
  };
}
