import type { ConfigState } from './config-diff.ts';
import type { Instant } from './instant.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** After this many heals within an hour, a further change ends the healing: somebody else wants it otherwise. */
export const HEALS_PER_HOUR = 3;

export interface HealAttempt {
  at: Instant;
  outcome: 'healed' | 'failed';
}

export interface DriftSituation {
  mode: 'observe' | 'enforce';
  state: ConfigState;
  /** Only what `apply` took over once is healed; a config that a person never took over is reported, not touched. */
  takenOver: boolean;
  /** Set once healing has stopped; only a person's apply starts it again. */
  stoppedAt: Instant | null;
  /** Other settings than ours were noted since (`settingsInForce`): ours are no longer what is wanted. */
  outdated: boolean;
  /** All heals of this subject within the last hour at least, oldest first. */
  attempts: readonly HealAttempt[];
  now: Instant;
}

export type DriftDecision = 'nothing' | 'report' | 'heal' | 'wait' | 'stop';

/**
 * What to do about a subject that one poll found in `state`. The first heal is at once, the second at least a minute after the first, the
 * third two minutes after the second (a failed one counts like any other); a fourth within the hour is not made: `stop`.
 */
export function decideHeal(situation: DriftSituation): DriftDecision {
  const { mode, state, takenOver, stoppedAt, outdated, now } = situation;
  if (state !== 'drifted' && state !== 'missing') return 'nothing';
  if (mode === 'observe' || !takenOver || stoppedAt !== null || outdated) return 'report';
  const recent = situation.attempts.filter(({ at }) => at > now - HOUR_MS);
  const healed = recent.filter(({ outcome }) => outcome === 'healed').length;
  if (healed >= HEALS_PER_HOUR) return 'stop';
  const last = recent.at(-1);
  if (last && now < last.at + MINUTE_MS * 2 ** Math.min(recent.length - 1, 5)) return 'wait';
  return 'heal';
}
