import type { Capture, Mode } from './capture.ts';
import type { ConfigVersion } from './config-version.ts';
import type { Gap } from './gap.ts';
import { newGrid } from './grid.ts';
import type { Instant } from './instant.ts';
import {
  type CaptureTerms,
  type Judgement,
  judgeCapture,
  judgeEmptySlot,
  type LifecycleRule,
} from './judge-capture.ts';
import type { ExcusedSpan, JudgeState, LookedSpans } from './judge-state.ts';
import type { Session } from './session.ts';
import { SessionBeat } from './session-beat.ts';
import { HOUR_MS, type JudgedSlot, SlotWriter } from './slot-writer.ts';
import { mergeSpans, type Span, spansAfter } from './span.ts';
import { compileTemplate } from './template.ts';
import { addSlotCounts, emptySlotCounts, type SlotCounts } from './verdict.ts';

/** The vendor notices a dead push up to 10 s late. */
export const END_DELAY_MS = 10_000;

/** What a session in one mode is judged by. May differ between two calls only in `session.endedAt` becoming known. */
export interface JudgeTerms {
  session: Session;
  /** The version in force, see `configInForce`. A session without one (or with an `absent` one) is not judged at all. */
  config: ConfigVersion;
  mode: Mode;
  settleSeconds: number;
  lateAfterSeconds: number;
  /** Our callback URL; null where it is not known, and then no callback is called not ours. */
  callbackUrl: string | null;
  /**
   * Only slots of this span are reported. Where nobody looked beyond one of its ends, that end is the neighbour of what lies within.
   * Null: the whole session.
   */
  window: Span | null;
}

/** What is new since the state's `until`. Spans may repeat what was given before; it does no harm. */
export interface SpanEvidence {
  /**
   * In order of `at`; none that was given before. Those from the new `until` on are only used as neighbours, and are to be
   * given again next time.
   */
  captures: Iterable<Capture>;
  /** Spans in which OSS was read in full for this stream. */
  listed: readonly Span[];
  /** Spans in which the vendor's index was read in full for this stream. */
  indexed: readonly Span[];
  /** Up to 35 s past `until`, for a callback of the last capture may come that late. */
  blind: readonly Span[];
  /** In which rejected requests came whose names were not kept; as far past `until` as `blind`. */
  unkept: readonly Span[];
  /** Those that concern this stream. */
  excused: readonly ExcusedSpan[];
  /** Of the config's bucket. */
  lifecycle: readonly LifecycleRule[];
}

export interface JudgeAt {
  /** All captures before this instant are given. */
  until: Instant;
  now: Instant;
  /** Called for every slot (and `unexpected` capture) of this call, final or provisional. */
  onSlot?: (slot: JudgedSlot, final: boolean) => void;
}

export interface JudgedHour {
  /** Start of the hour, UTC. */
  hour: Instant;
  /** All slots of this session and mode in that hour, final and provisional: it replaces what was said before. */
  slots: SlotCounts;
}

export interface JudgedSpan {
  /** To go on from. */
  state: JudgeState;
  /** Gaps that will not change any more; none of them was given before. */
  gaps: Gap[];
  /** Gaps as they stand at `until`; they replace the provisional ones of the call before. */
  provisional: Gap[];
  /** Every hour whose slots may differ from what was said before. */
  hours: JudgedHour[];
}

/** Where a session in one mode begins to be judged. */
export function beginJudging(): JudgeState {
  return {
    version: 1,
    until: null,
    reportedTo: null,
    last: null,
    atHead: true,
    held: [],
    claims: [],
    grid: newGrid(),
    drift: null,
    runs: { main: null, drift: null, extra: null },
    hours: [],
    looked: { listed: [], indexed: [], blind: [], unkept: [], excused: [] },
    closed: false,
  };
}

/**
 * Judges the next stretch of a session, up to `until`. Judging a day in one go or in any number of pieces gives the same gaps
 * (the final ones of every call, and the provisional ones of the last) and the same hours.
 *
 * Nothing becomes final before `settle` has passed: captures after `now - settle` only show as `pending`, in the
 * provisional part, and must be given again next time; `state.until` says from when on. A session that ended is closed
 * once `until` has come to its end.
 */
export function judgeSpan(before: JudgeState, terms: JudgeTerms, evidence: SpanEvidence, at: JudgeAt): JudgedSpan {
  const { session, settleSeconds } = terms;
  const state = structuredClone(before);
  if (state.closed) return { state, gaps: [], provisional: [], hours: [] };
  state.looked = addLooked(state.looked, evidence);
  const judgedTo = at.now - settleSeconds * 1_000;
  // A slot is judged from the very instant on at which `settle` has passed.
  const finalTo = Math.min(at.until, judgedTo + 1);
  const end = session.endedAt === null ? Number.POSITIVE_INFINITY : session.endedAt - END_DELAY_MS;
  const captures = evidence.captures[Symbol.iterator]();
  let next = captures.next();
  const head = headOf(terms, state.looked, next.done ? null : next.value.at);

  const final = openSession(state, terms, evidence, at, head, true);
  for (; !next.done && next.value.at < finalTo; next = captures.next()) final.push(next.value);
  state.until = Math.max(state.until ?? finalTo, finalTo);
  if (session.endedAt !== null && finalTo >= session.endedAt) {
    final.finish(end, session.endedAt);
    state.closed = true;
  }
  state.hours = [...final.hours];
  let { hours } = final;

  let provisional: Gap[] = [];
  if (!state.closed) {
    const open = openSession(structuredClone(state), terms, evidence, at, head, false);
    for (; !next.done; next = captures.next()) open.push(next.value);
    const until = Math.min(Math.max(at.until, seenUntil(terms, state.looked, at.until)), at.now);
    open.finish(Math.min(end, until), Math.min(session.endedAt ?? until, until));
    provisional = open.gaps;
    hours = open.hours;
  }
  for (const hour of hoursOf(before.last ?? before.reportedTo, before.reportedTo))
    if (!hours.has(hour)) hours.set(hour, {});
  state.reportedTo = Math.max(state.reportedTo ?? at.until, at.until);
  forgetWhatIsFinal(state);
  return { state, gaps: final.gaps, provisional, hours: judgedHours(hours) };
}

/** The object-name template of a mode; null where the mode is off. */
export function objectTemplateOf(config: ConfigVersion, mode: Mode): string | null {
  return mode === 'sequence' ? config.sequenceObject : config.overwriteObject;
}

/** Before the first capture, the start of the session is its neighbour, or the start of the window where nobody looked before it. */
function headOf(terms: JudgeTerms, looked: LookedSpans, firstCapture: Instant | null): Instant {
  const { startedAt } = terms.session;
  const from = terms.window?.from ?? startedAt;
  const seen = seenUntil(terms, looked, startedAt) >= from || (firstCapture !== null && firstCapture < from);
  return seen ? startedAt : Math.max(startedAt, from);
}

/** So far from `from` on every capture would have been seen. */
function seenUntil({ mode }: JudgeTerms, { listed, indexed }: LookedSpans, from: Instant): Instant {
  const spans = mode === 'sequence' ? listed : indexed;
  return spans.find((span) => span.from <= from && span.to > from)?.to ?? from;
}

/** What takes the captures of one session and writes its slots into `state`. */
function openSession(
  state: JudgeState,
  terms: JudgeTerms,
  evidence: SpanEvidence,
  at: JudgeAt,
  head: Instant,
  final: boolean,
) {
  const { session, config, mode, lateAfterSeconds, callbackUrl, window } = terms;
  const judgedTo = at.now - terms.settleSeconds * 1_000;
  const captureTerms: CaptureTerms = {
    stream: session,
    config,
    template: compileTemplate(objectTemplateOf(config, mode) ?? '', mode),
    mode,
    lateAfterSeconds,
    callbackUrl,
    lifecycle: evidence.lifecycle,
    now: at.now,
  };
  const { onSlot } = at;
  const writer = new SlotWriter(state, {
    from: window?.from ?? Number.NEGATIVE_INFINITY,
    to: Math.min(window?.to ?? Number.POSITIVE_INFINITY, at.until),
    mode,
    onSlot: onSlot ? (slot) => onSlot(slot, final) : null,
  });
  const pending: Judgement = { verdict: 'pending', cause: null };
  const beat = new SessionBeat(state, writer, {
    intervalMs: config.intervalSeconds * 1_000,
    head,
    judgeEmpty: (slotAt, around) =>
      slotAt > judgedTo ? pending : judgeEmptySlot(slotAt, state.looked, mode, around, at.until),
  });
  return {
    gaps: writer.gaps,
    hours: writer.hours,
    push(capture: Capture) {
      const judged = capture.at > judgedTo ? pending : judgeCapture(capture, state.looked, captureTerms);
      const witnesses = Number(capture.callback !== null) + Number(capture.stored) + Number(capture.indexed);
      beat.push({ at: capture.at, witnesses, ...judged }, capture.stored || capture.indexed);
    },
    finish: (end: Instant, closedAt: Instant) => beat.finish(end, judgedTo, closedAt),
  };
}

function addLooked(before: LookedSpans, evidence: SpanEvidence): LookedSpans {
  const excused = new Map<string, ExcusedSpan>();
  for (const { from, to, reason } of [...before.excused, ...evidence.excused]) {
    excused.set(JSON.stringify([from, to, reason]), { from, to, reason });
  }
  return {
    listed: mergeSpans([...before.listed, ...evidence.listed]),
    indexed: mergeSpans([...before.indexed, ...evidence.indexed]),
    blind: mergeSpans([...before.blind, ...evidence.blind]),
    // A state that an older version kept knows of none.
    unkept: mergeSpans([...(before.unkept ?? []), ...evidence.unkept]),
    excused: [...excused.values()].sort((a, b) => a.from - b.from || a.to - b.to),
  };
}

/** Slots to come lie after the last settled anchor; what was known of the time before has done its work. */
function forgetWhatIsFinal(state: JudgeState): void {
  const { last, looked } = state;
  if (last === null) return;
  state.hours = state.hours.filter(([hour]) => hour + HOUR_MS > last);
  state.looked = {
    listed: spansAfter(looked.listed, last),
    indexed: spansAfter(looked.indexed, last),
    blind: spansAfter(looked.blind, last),
    unkept: spansAfter(looked.unkept, last),
    excused: spansAfter(looked.excused, last),
  };
}

function hoursOf(from: Instant | null, to: Instant | null): Instant[] {
  const hours: Instant[] = [];
  if (from === null || to === null) return hours;
  for (let hour = Math.floor(from / HOUR_MS) * HOUR_MS; hour < to; hour += HOUR_MS) hours.push(hour);
  return hours;
}

function judgedHours(hours: Map<Instant, Partial<SlotCounts>>): JudgedHour[] {
  return [...hours]
    .sort(([a], [b]) => a - b)
    .map(([hour, counts]) => {
      const slots = emptySlotCounts();
      addSlotCounts(slots, counts);
      return { hour, slots };
    });
}
