import type { Mode } from './capture.ts';
import type { Instant } from './instant.ts';
import type { Cause, Verdict } from './verdict.ts';

/** A run of slots as the audit stored it. */
export interface VerdictRun {
  from: Instant;
  to: Instant;
  verdict: Verdict;
  cause: Cause | null;
}

/** From `from` until the next stretch, a capture has this verdict. */
export interface VerdictStretch {
  from: Instant;
  verdict: Verdict;
  cause: Cause | null;
}

/** Which captures are asked for: those that a callback told us of, or those that only backfill found. */
export type CaptureOrigin = 'callback' | 'backfill';

/** A run of these is a run of slots without any capture, whatever the row is. */
const NO_CAPTURE: ReadonlySet<Verdict> = new Set(['not_captured', 'pending']);

/** A drift is a fault of the beat, not of any one of the captures on it. */
function concerns(run: VerdictRun, told: boolean): boolean {
  if (run.to <= run.from || NO_CAPTURE.has(run.verdict) || run.cause === 'interval_drift') return false;
  return !(told && run.verdict === 'callback_missing');
}

/**
 * The verdict of every instant of one stream, as sorted stretches: good captures are not stored one by one, so a capture is
 * what the run over it says, `ok` where there is none, and `pending` where the audit has not been yet. Where runs overlap,
 * the one that begins later (it is the more particular one: an `unexpected` capture amid a run) decides.
 */
function verdictStretches(
  runs: readonly VerdictRun[],
  auditedUntil: Instant | null,
  origin: CaptureOrigin,
): VerdictStretch[] {
  const told = origin === 'callback';
  const relevant = runs.filter((run) => concerns(run, told)).sort((a, b) => a.from - b.from || b.to - a.to);
  const edges = new Set<Instant>([Number.NEGATIVE_INFINITY]);
  for (const run of relevant) edges.add(run.from).add(run.to);
  edges.add(auditedUntil ?? Number.NEGATIVE_INFINITY);
  const stretches: VerdictStretch[] = [];
  const active: VerdictRun[] = [];
  let next = 0;
  for (const from of [...edges].sort((a, b) => a - b)) {
    for (; next < relevant.length && relevant[next]!.from <= from; next++) active.push(relevant[next]!);
    for (let index = active.length - 1; index >= 0; index--) if (active[index]!.to <= from) active.splice(index, 1);
    const audited = auditedUntil !== null && from < auditedUntil;
    const run = active.at(-1);
    const here = run ?? { verdict: audited ? ('ok' as const) : ('pending' as const), cause: null };
    const before = stretches.at(-1);
    if (before?.verdict === here.verdict && before.cause === here.cause) continue;
    stretches.push({ from, verdict: here.verdict, cause: here.cause });
  }
  return stretches;
}

/** The stretch that holds the instant. */
export function verdictAt(stretches: readonly VerdictStretch[], at: Instant): VerdictStretch {
  let low = 0;
  let high = stretches.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (stretches[middle]!.from <= at) low = middle;
    else high = middle;
  }
  return stretches[low]!;
}

/** The verdicts of one stream, by what a capture is. */
export type VerdictLabels = Record<Mode, Record<CaptureOrigin, VerdictStretch[]>>;

export function verdictLabels(
  runs: readonly (VerdictRun & { mode: Mode })[],
  auditedUntil: Instant | null,
): VerdictLabels {
  const of = (mode: Mode) => {
    const ofMode = runs.filter((run) => run.mode === mode);
    return {
      callback: verdictStretches(ofMode, auditedUntil, 'callback'),
      backfill: verdictStretches(ofMode, auditedUntil, 'backfill'),
    };
  };
  return { sequence: of('sequence'), overwrite: of('overwrite') };
}
