import { findDrift } from './find-drift.ts';
import { advanceGrid, MOST_OFF_TIMER, newGrid, offGrid, stepsBetween } from './grid.ts';
import type { Instant } from './instant.ts';
import type { Judgement } from './judge-capture.ts';
import type { Anchor, Drift, Held, JudgeState } from './judge-state.ts';
import type { SlotWriter } from './slot-writer.ts';
import type { Span } from './span.ts';

/** More unsupported captures than this between two anchors: the last one then serves as an anchor, to keep the state small. */
const MOST_CLAIMS = 32;
/** Of a drifting beat so many anchors are remembered. */
const RECENT_ANCHORS = 12;

export interface BeatTerms {
  intervalMs: number;
  /** Where the session (or what is known of it) begins. */
  head: Instant;
  /**
   * The last rows of the table, for a slot that no witness knows; `pending` where it is too early to say. `around`: where its
   * capture would lie.
   */
  judgeEmpty(at: Instant, around: Span): Judgement;
}

/**
 * Finds the slots of one session from its captures, given in order of time, and hands them to the writer in that order.
 * It decides only what no later capture can change, so that it does not matter in how many pieces the captures come.
 */
export class SessionBeat {
  #state: JudgeState;
  #writer: SlotWriter;
  #terms: BeatTerms;

  /** Works on `state` in place. */
  constructor(state: JudgeState, writer: SlotWriter, terms: BeatTerms) {
    this.#state = state;
    this.#writer = writer;
    this.#terms = terms;
  }

  push(capture: Held, supported: boolean): void {
    const state = this.#state;
    state.last ??= this.#terms.head;
    if (!supported && state.claims.length < MOST_CLAIMS) {
      state.claims.push(capture);
      return;
    }
    state.held.push({ ...capture, claims: state.claims });
    state.claims = [];
    this.#settle(false);
  }

  /**
   * No more captures come. `end` is the last neighbour, slots after `judgedTo` are pending, and runs that are still open end
   * at `closedAt`.
   */
  finish(end: Instant, judgedTo: Instant, closedAt: Instant): void {
    const state = this.#state;
    state.last ??= this.#terms.head;
    this.#settle(true);
    const judgedSteps = this.#tailSteps(Math.min(end, judgedTo));
    const steps = Math.max(judgedSteps, this.#tailSteps(end));
    const { drift } = state;
    const onBeat = drift !== null && end - state.last <= longestStep(drift.beatMs, this.#terms.intervalMs);
    const ofDrift = onBeat ? steps : drift ? this.#leftOver(drift) : 0;
    this.#segment(Math.max(end, state.last), steps, state.claims, ofDrift, judgedSteps, true);
    state.claims = [];
    this.#writer.endDrift(closedAt);
    this.#writer.end(closedAt);
  }

  #tailSteps(end: Instant): number {
    const { drift, last } = this.#state;
    const { intervalMs } = this.#terms;
    if (drift && end - last! <= longestStep(drift.beatMs, intervalMs)) {
      return Math.max(1, Math.round((end - drift.from) / intervalMs) - drift.steps);
    }
    return Math.max(1, Math.round((end - last!) / intervalMs)) + (drift ? this.#leftOver(drift) : 0);
  }

  /** Settles the place of every held anchor that can be settled. */
  #settle(ended: boolean): void {
    const state = this.#state;
    for (;;) {
      if (state.drift) {
        const next = state.held.shift();
        if (!next) return;
        this.#drifting(state.drift, next);
        continue;
      }
      if (state.held.length === 0) return;
      const times = [state.last!, ...state.held.map((anchor) => anchor.at)];
      const { intervalMs } = this.#terms;
      const here = state.atHead ? 'none' : findDrift(times, 0, intervalMs, ended);
      if (here === 'undecided') return;
      if (here !== 'none') {
        this.#startDrift(here.beatMs, here.spacings);
        continue;
      }
      // The step into a slower beat belongs to it: half a beat there would look like a lost slot.
      const next = findDrift(times, 1, intervalMs, ended);
      if (next === 'undecided') return;
      const slower = next !== 'none' && next.beatMs > intervalMs;
      if (slower && times[1]! - times[0]! <= longestStep(next.beatMs, intervalMs)) {
        this.#startDrift(next.beatMs, next.spacings + 1);
        continue;
      }
      // Nor is a capture in excess where a faster beat sets in.
      if (next === 'none' && this.#dropExcess(times, ended)) continue;
      this.#ordinary();
    }
  }

  /** The next anchor takes its place on the configured beat. */
  #ordinary(): void {
    const state = this.#state;
    const { intervalMs } = this.#terms;
    const anchor = state.held.shift()!;
    const last = state.last!;
    const steps = state.atHead
      ? Math.max(1, Math.round((anchor.at - last) / intervalMs))
      : stepsBetween(state.grid, last, anchor.at, intervalMs);
    this.#segment(anchor.at, steps, anchor.claims, 0, steps);
    this.#writer.slot(anchor.at, judgementOf(anchor));
    if (state.atHead) state.grid = newGrid();
    else advanceGrid(state.grid, last, anchor.at, steps, intervalMs);
    state.last = anchor.at;
    state.atHead = false;
  }

  #startDrift(beatMs: number, known: number): void {
    const state = this.#state;
    state.drift = { from: state.last!, steps: 0, beatMs, first: null, spacings: 0, recent: [], known };
    state.grid = newGrid();
  }

  #drifting(drift: Drift, anchor: Anchor): void {
    const state = this.#state;
    const { intervalMs } = this.#terms;
    const last = state.last!;
    const goesOn = drift.known > 0 || this.#onDriftingBeat(drift, anchor.at);
    if (drift.known > 0) drift.known--;
    // While it lasts, slots are counted with caution, and what is left over when it ends; a capture of a faster beat that falls
    // halfway between two slots is in excess, wherever in its jitter it falls.
    const faster = drift.beatMs < intervalMs;
    const cautious = goesOn && (!faster || anchor.at - last < 0.75 * intervalMs);
    const rounding = cautious ? (faster ? 0.25 : 0.1) : 0.5;
    const counted = Math.floor((anchor.at - drift.from) / intervalMs + rounding) - drift.steps;
    const steps = faster ? counted : Math.max(state.atHead ? 0 : 1, counted);
    const hole = anchor.at - last > longestStep(drift.beatMs, intervalMs);
    if (steps >= 1 || state.atHead) {
      const ofDrift = hole ? this.#leftOver(drift) : steps;
      this.#segment(anchor.at, Math.max(1, steps), anchor.claims, ofDrift, Math.max(1, steps));
      this.#writer.slot(anchor.at, judgementOf(anchor));
      drift.steps += Math.max(state.atHead ? 0 : 1, steps);
    } else {
      this.#segment(anchor.at, 1, anchor.claims, 0, 1);
      this.#writeUnexpected(anchor, 'interval_drift');
    }
    state.last = anchor.at;
    state.atHead = false;
    if (goesOn) {
      continueBeat(drift, anchor.at);
      return;
    }
    this.#writer.endDrift(anchor.at);
    state.drift = null;
  }

  /** Slots that the drift has left out up to the last anchor, and that are not written yet. */
  #leftOver(drift: Drift): number {
    return Math.max(0, Math.round((this.#state.last! - drift.from) / this.#terms.intervalMs) - drift.steps);
  }

  /** Where the anchors of late, carried on by the beat, want the next one. */
  #onDriftingBeat({ recent, beatMs }: Drift, at: Instant): boolean {
    let expected = 0;
    for (const [index, anchor] of recent.entries()) expected += anchor + (recent.length - index) * beatMs;
    return Math.abs(at - expected / recent.length) <= 0.75 * this.#terms.intervalMs;
  }

  /**
   * Two neighbours one interval apart (at most 1.5) leave no room for a capture between them, unless the next one makes up for
   * it: 7, 7 and 14 s are three intervals of 10 s. Of the two captures that could go, it is not the later one if that opens a gap.
   * Else the one goes that is off the encoder's timer; where that is not known, the one whose absence leaves the better beat;
   * else the one with fewer witnesses; else the later one.
   */
  #dropExcess(times: readonly Instant[], ended: boolean): boolean {
    const state = this.#state;
    const { intervalMs } = this.#terms;
    const [before, first, second, after] = times;
    if (state.atHead || second === undefined || second - before! >= 1.5 * intervalMs) return false;
    if (after === undefined && !ended) return false;
    const steps = (from: Instant, to: Instant) => stepsBetween(state.grid, from, to, intervalMs);
    if (after !== undefined && 2 + steps(second, after) <= steps(before!, after)) return false;
    const opensGap = after !== undefined && steps(first!, after) > steps(second, after);
    const [one, other] = state.held;
    const firstOff = offGrid(state.grid, before!, first!, intervalMs);
    const secondOff = offGrid(state.grid, before!, second, intervalMs);
    let worse = firstOff !== null && secondOff !== null ? firstOff - secondOff : 0;
    if (Math.abs(worse) < 0.1) {
      worse = misfit([before, first, after], intervalMs) - misfit([before, second, after], intervalMs);
      if (Math.abs(worse) < 0.25) worse = 0;
    }
    const firstGoes = opensGap || (worse === 0 ? one!.witnesses < other!.witnesses : worse > 0);
    const [gone] = state.held.splice(firstGoes ? 0 : 1, 1);
    const claimsAfter = state.held[firstGoes ? 0 : 1]?.claims ?? state.claims;
    claimsAfter.unshift(...gone!.claims);
    this.#writeUnexpected(gone!, 'beyond_beat');
    return true;
  }

  #writeUnexpected(anchor: Anchor, cause: 'beyond_beat' | 'interval_drift'): void {
    if (anchor.verdict === 'pending') this.#writer.slot(anchor.at, judgementOf(anchor));
    else if (cause === 'interval_drift') this.#writer.drifted(anchor.at, { verdict: 'unexpected', cause });
    else this.#writer.extra(anchor.at, { verdict: 'unexpected', cause });
  }

  /**
   * Writes what lies between the last anchor and the next neighbour, `steps` intervals later: the empty slots, and the claims,
   * each of which fills at most one of them. A claim never moves the beat. The first `drifting` empty slots are a drift's; those
   * from `judgedSteps` on are pending.
   */
  #segment(
    next: Instant,
    steps: number,
    claims: readonly Held[],
    drifting: number,
    judgedSteps: number,
    atTail = false,
  ): void {
    const last = this.#state.last!;
    const { intervalMs } = this.#terms;
    if (steps <= 1 && claims.length === 0) return;
    let empty: Instant[] = [];
    // Slots that a drift has left over may be more than there is room for.
    const apart = Math.min(intervalMs, next > last ? (next - last) / steps : intervalMs);
    for (let step = 1; step < steps; step++) empty.push(Math.round(last + step * (drifting > 0 ? apart : intervalMs)));
    if (claims.length === 0) {
      for (const [index, at] of empty.entries()) this.#writeEmpty(at, next, index < drifting, index + 1 >= judgedSteps);
      return;
    }
    // The first slot of a session may lie right at its start, and the last one right at its end.
    const room = Math.max(
      empty.length + (this.#state.atHead ? 1 : 0) + (atTail ? 1 : 0),
      atTail ? Math.round((claims.at(-1)!.at - last) / intervalMs) : 0,
    );
    const beyondBeat = weakest(claims, claims.length - room);
    const between = betweenNeighbours(last, claims, next, intervalMs);
    const missing = Math.min(between.length, Math.max(0, room - claims.length));
    if (between.length === missing) empty = between;
    else for (const claim of claims) if (empty.length > missing) removeNearest(empty, claim.at);
    // A claim may come later than the last neighbour; in a session that ended no slot before it is pending for that.
    const judgedTo = judgedSteps < steps ? last + judgedSteps * intervalMs : Number.POSITIVE_INFINITY;
    let index = 0;
    for (const claim of claims) {
      for (; index < empty.length && empty[index]! <= claim.at; index++) {
        this.#writeEmpty(empty[index]!, next, index < drifting, empty[index]! >= judgedTo);
      }
      if (beyondBeat.has(claim)) this.#writer.extra(claim.at, judgementOf(claim));
      else this.#writer.slot(claim.at, judgementOf(claim));
    }
    for (; index < empty.length; index++)
      this.#writeEmpty(empty[index]!, next, index < drifting, empty[index]! >= judgedTo);
  }

  #writeEmpty(at: Instant, next: Instant, drifting: boolean, pending: boolean): void {
    // Where the timer stands is not known before the first capture.
    const off = (MOST_OFF_TIMER + (this.#state.atHead ? 0.5 : 0)) * this.#terms.intervalMs;
    const around = {
      from: Math.min(at, Math.max(at - off, this.#state.last!)),
      to: Math.max(at + 1, Math.min(at + off, next)),
    };
    const judged: Judgement = pending ? { verdict: 'pending', cause: null } : this.#terms.judgeEmpty(at, around);
    if (drifting && judged.verdict === 'not_captured') {
      this.#writer.drifted(at, { verdict: 'not_captured', cause: 'interval_drift' });
    } else this.#writer.slot(at, judged);
  }
}

function continueBeat(drift: Drift, at: Instant): void {
  drift.recent.push(at);
  if (drift.recent.length > RECENT_ANCHORS) drift.recent.shift();
  if (drift.first === null) drift.first = at;
  else drift.spacings++;
  if (drift.spacings >= RECENT_ANCHORS) drift.beatMs = (at - drift.first) / drift.spacings;
}

/** A spacing of a drifting beat; anything longer is a hole in it. */
function longestStep(beatMs: number, intervalMs: number): number {
  return Math.max(beatMs, intervalMs) + 0.55 * intervalMs;
}

function misfit(times: readonly (Instant | undefined)[], intervalMs: number): number {
  let sum = 0;
  for (let index = 1; index < times.length; index++) {
    const from = times[index - 1];
    const to = times[index];
    if (from === undefined || to === undefined) continue;
    const intervals = (to - from) / intervalMs;
    sum += Math.abs(intervals - Math.max(1, Math.round(intervals)));
  }
  return sum;
}

/** The slots that are missing where each claim counts as a neighbour. */
function betweenNeighbours(last: Instant, claims: readonly Held[], next: Instant, intervalMs: number): Instant[] {
  const missing: Instant[] = [];
  let from = last;
  for (const to of [...claims.map((claim) => claim.at), next]) {
    const steps = Math.round((to - from) / intervalMs);
    for (let step = 1; step < steps; step++) missing.push(from + step * intervalMs);
    from = to;
  }
  return missing;
}

/** The claims to call beyond the beat where there are more of them than slots: unsigned ones before signed ones. */
function weakest(claims: readonly Held[], count: number): Set<Held> {
  if (count <= 0) return new Set();
  const unsignedFirst = claims.toSorted(
    (a, b) => Number(a.cause !== 'unconfirmed') - Number(b.cause !== 'unconfirmed'),
  );
  return new Set(unsignedFirst.slice(0, count));
}

function removeNearest(instants: Instant[], to: Instant): void {
  let nearest = 0;
  for (let index = 1; index < instants.length; index++) {
    if (Math.abs(instants[index]! - to) < Math.abs(instants[nearest]! - to)) nearest = index;
  }
  instants.splice(nearest, 1);
}

function judgementOf(held: Held): Judgement {
  const { verdict, cause, reason } = held;
  return reason === undefined ? { verdict, cause } : { verdict, cause, reason };
}
