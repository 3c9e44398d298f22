import type { Capture, Mode } from './capture.ts';
import type { Gap } from './gap.ts';
import type { Instant } from './instant.ts';
import { type CaptureTerms, type Judgement, judgeCapture } from './judge-capture.ts';
import type { LookedSpans } from './judge-state.ts';
import type { Cause } from './verdict.ts';

/**
 * A capture outside every session (`no_session`), or in one that has no config in force (`beyond_beat`, for no beat is
 * expected). One that OSS or the index supports is `unexpected`; one that is only claimed is what the table makes of a claim
 * (`object_missing`, or `unknown` where nobody could look), for it may be a forgery.
 */
export function judgeStray(
  capture: Capture,
  cause: Extract<Cause, 'no_session' | 'beyond_beat'>,
  looked: LookedSpans,
  terms: CaptureTerms,
  judgedTo: Instant,
): Judgement {
  if (capture.at > judgedTo) return { verdict: 'pending', cause: null };
  if (capture.stored || capture.indexed) return { verdict: 'unexpected', cause };
  return judgeCapture(capture, looked, terms);
}

/** Strays further apart are two runs. */
const RUN_BREAK_MS = 10 * 60_000;

/**
 * Adds a judged stray to `runs`, in order of time; the last run is the one that it may lengthen. Nothing tells which slots lie
 * between strays, so a run ends at its last capture. `sessionSince` is the start of the last session before it, if any.
 */
export function addStray(
  runs: Gap[],
  at: Instant,
  { verdict, cause, reason }: Judgement,
  mode: Mode,
  sessionSince: Instant | null,
): void {
  if (verdict === 'pending') return;
  const last = runs.at(-1);
  const goesOn =
    last !== undefined &&
    last.verdict === verdict &&
    last.cause === cause &&
    last.reason === reason &&
    last.mode === mode &&
    at - last.to < RUN_BREAK_MS &&
    (sessionSince === null || sessionSince < last.from);
  if (goesOn) {
    last.count++;
    last.to = at + 1;
  } else
    runs.push({ from: at, to: at + 1, count: 1, verdict, cause, mode, ...(reason === undefined ? {} : { reason }) });
}
