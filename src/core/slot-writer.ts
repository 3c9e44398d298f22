import type { Mode } from './capture.ts';
import type { Gap } from './gap.ts';
import type { Instant } from './instant.ts';
import type { Judgement } from './judge-capture.ts';
import type { JudgeState } from './judge-state.ts';
import type { SlotCounts } from './verdict.ts';

export const HOUR_MS = 3_600_000;

/** One slot (or `unexpected` capture) as it was judged, for whoever wants to follow them all. */
export interface JudgedSlot extends Judgement {
  at: Instant;
  mode: Mode;
}

/** Only slots of `[from, to)` are reported. */
export interface Report {
  from: Instant;
  to: Instant;
  mode: Mode;
  onSlot: ((slot: JudgedSlot) => void) | null;
}

/**
 * Takes judged slots in order of time, counts them by hour and joins them to gaps. Three runs can be open at once: the
 * slots of the beat, the one gap of a drift, and what is no slot at all (`unexpected`, and claims beyond the beat).
 */
export class SlotWriter {
  /** Gaps that ended. */
  readonly gaps: Gap[] = [];
  /** Hours that got slots. */
  readonly hours = new Map<Instant, Partial<SlotCounts>>();
  #state: JudgeState;
  #report: Report;
  #hour: Partial<SlotCounts> = {};
  #hourStart: Instant = Number.NaN;

  constructor(state: JudgeState, report: Report) {
    this.#state = state;
    this.#report = report;
    for (const [hour, counts] of state.hours) this.hours.set(hour, { ...counts });
  }

  /** A slot of the beat. */
  slot(at: Instant, judged: Judgement): void {
    const { runs } = this.#state;
    if (runs.extra && at > runs.extra.from) {
      // A run is maximal: what came beyond the beat right before a run of its kind is part of that run.
      if (!runs.main && isOfKind(runs.extra, judged)) {
        runs.main = runs.extra;
        runs.extra = null;
      } else this.#close('extra', at);
    }
    if (judged.verdict === 'ok' || judged.verdict === 'pending') {
      if (runs.main) this.#close('main', at);
      this.#count(at, judged);
    } else this.#run('main', at, judged);
  }

  /** A slot that a drifting beat left out, or a capture that it made in excess. */
  drifted(at: Instant, judged: Judgement): void {
    this.#run('drift', at, judged);
  }

  /** Something that is not a slot of the beat. */
  extra(at: Instant, judged: Judgement): void {
    const { main } = this.#state.runs;
    this.#run(main && isOfKind(main, judged) ? 'main' : 'extra', at, judged);
  }

  endDrift(at: Instant): void {
    if (this.#state.runs.drift) this.#close('drift', at);
  }

  /** The judgement ends here: nothing stays open. */
  end(at: Instant): void {
    for (const name of ['main', 'drift', 'extra'] as const) if (this.#state.runs[name]) this.#close(name, at);
  }

  #run(name: 'main' | 'drift' | 'extra', at: Instant, judged: Judgement): void {
    if (!this.#count(at, judged)) return;
    const { runs } = this.#state;
    const open = runs[name];
    if (open && isOfKind(open, judged)) {
      open.count++;
      // What is beyond the beat may be told a little out of order.
      open.from = Math.min(open.from, at);
      open.to = Math.max(open.to, at);
      return;
    }
    if (open) this.#close(name, at);
    const { verdict, cause, reason } = judged;
    runs[name] = {
      from: at,
      to: at,
      count: 1,
      verdict,
      cause,
      mode: this.#report.mode,
      ...(reason === undefined ? {} : { reason }),
    };
  }

  #close(name: 'main' | 'drift' | 'extra', at: Instant): void {
    const { runs } = this.#state;
    const open = runs[name]!;
    // A run never ends before its last slot, not even where the end of the session comes sooner.
    this.gaps.push({ ...open, to: Math.max(open.to + 1, Math.min(at, this.#report.to)) });
    runs[name] = null;
  }

  #count(at: Instant, judged: Judgement): boolean {
    if (at < this.#report.from || at >= this.#report.to) return false;
    if (!(at >= this.#hourStart && at < this.#hourStart + HOUR_MS)) {
      this.#hourStart = Math.floor(at / HOUR_MS) * HOUR_MS;
      this.#hour = this.hours.get(this.#hourStart) ?? {};
      this.hours.set(this.#hourStart, this.#hour);
    }
    this.#hour[judged.verdict] = (this.#hour[judged.verdict] ?? 0) + 1;
    this.#report.onSlot?.({ at, mode: this.#report.mode, ...judged });
    return true;
  }
}

function isOfKind(run: Pick<Judgement, 'verdict' | 'cause' | 'reason'>, judged: Judgement): boolean {
  return run.verdict === judged.verdict && run.cause === judged.cause && run.reason === judged.reason;
}
