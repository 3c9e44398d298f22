import type { Capture, Mode } from '../core/capture.ts';
import { configInForce } from '../core/config-in-force.ts';
import type { ConfigVersion } from '../core/config-version.ts';
import { indexQuestions } from '../core/index-questions.ts';
import type { Instant } from '../core/instant.ts';
import { beginJudging, type JudgeTerms, judgeSpan, objectTemplateOf, type SpanEvidence } from '../core/judge.ts';
import type { JudgeState } from '../core/judge-state.ts';
import type { SessionSpan } from '../core/session-spans.ts';
import { HOUR_MS } from '../core/slot-writer.ts';
import { mergeSpans, type Span, spansAfter } from '../core/span.ts';
import type { SlotCounts } from '../core/verdict.ts';
import type { ExcusedSpanRow, GapRow, SessionCommit, StreamRow } from '../ports.ts';
import { MODES } from './audit-window-names.ts';
import { describer, evidenceKey, type GapEvidence, type StreamState } from './audit-window-state.ts';
import { findStrays, judgeStrays, type Stray } from './audit-window-strays.ts';
import type { StretchLooks } from './audit-window-stretch.ts';
import type { StreamTerms } from './audit-window-terms.ts';

interface SessionResult {
  mode: Mode;
  hoursFrom: Instant;
  hours: Map<Instant, SlotCounts>;
  finalGaps: GapRow[];
  provisionalGaps: GapRow[];
}

const MINUTE_MS = 60_000;
const UNTIL_FOREVER = 8.64e15;

/** Judges one stream stretch by stretch, all its sessions and both modes, and gathers what comes out. Asks nobody anything. */
export class StreamJudge {
  /** Everything before is judged. */
  until: Instant;
  state: StreamState;
  /** What comes out replaces what was stored for the time from here on. */
  #base: Instant;
  /** Something was stored for that time before. */
  #again: boolean;
  readonly #stream: StreamRow;
  readonly #spans: readonly SessionSpan[];
  readonly #terms: Omit<StreamTerms, 'looks'>;
  #results = new Map<string, SessionResult & { startedAt: Instant | null }>();

  constructor(
    stream: StreamRow,
    spans: readonly SessionSpan[],
    terms: Omit<StreamTerms, 'looks'>,
    start: { state: StreamState; base: Instant; again: boolean },
  ) {
    this.#stream = stream;
    this.#spans = spans;
    this.#terms = terms;
    this.state = start.state;
    this.until = start.base;
    this.#base = start.base;
    this.#again = start.again;
  }

  get empty(): boolean {
    return this.#results.size === 0;
  }

  /** What came out since the last `clear`. */
  results(): SessionCommit[] {
    return [...this.#results.values()].map(
      ({ startedAt, mode, hoursFrom, hours, finalGaps, provisionalGaps }): SessionCommit => ({
        sessionStartedAt: startedAt,
        mode,
        hoursFrom,
        hours: [...hours].map(([hour, slots]) => ({ hour, slots })),
        finalGaps,
        provisionalGaps,
      }),
    );
  }

  clear(): void {
    this.#results.clear();
    this.#base = this.until;
    this.#again = false;
  }

  /** The config that stood when the session began; null where it expects nothing. */
  configOf(span: SessionSpan): ConfigVersion | null {
    return configInForce(this.#terms.versions, this.#stream.domain, this.#stream.app, span.session.startedAt);
  }

  /** Sessions (and modes) that have slots before `until`, each with its captures. */
  *#parts(captures: Record<Mode, Capture[]>, until: Instant) {
    for (const span of this.#spans) {
      if (span.capturesFrom >= until) break;
      const config = this.configOf(span);
      if (config === null) continue;
      for (const mode of MODES) {
        if (objectTemplateOf(config, mode) === null) continue;
        const { startedAt } = span.session;
        const entry = this.state.sessions.find((each) => each.startedAt === startedAt && each.mode === mode);
        const begins = span.capturesFrom >= this.until || (this.state.fresh && span.capturesTo > this.until);
        if (!entry && !begins) continue;
        const judge = entry?.judge ?? beginJudging();
        const from = Math.max(judge.until ?? Number.NEGATIVE_INFINITY, span.capturesFrom);
        const to = Math.min(span.capturesTo, until);
        const own = captures[mode].filter((capture) => capture.at >= from && capture.at < to);
        yield { span, config, mode, judge, own, terms: this.#judgeTerms(span, config, mode) };
      }
    }
  }

  #judgeTerms(span: SessionSpan, config: ConfigVersion, mode: Mode): JudgeTerms {
    const { settleSeconds, lateAfterSeconds, callbackUrl } = this.#terms;
    return {
      session: span.session,
      config,
      mode,
      settleSeconds,
      lateAfterSeconds,
      callbackUrl,
      window: { from: this.state.since, to: UNTIL_FOREVER },
    };
  }

  #spanEvidence(captures: readonly Capture[], looked: StretchLooks, until: Instant): SpanEvidence {
    const { blind, unkept, excused } = this.#terms;
    const from = this.until - HOUR_MS;
    const { listed, indexed, lifecycle } = looked;
    return {
      captures,
      listed,
      indexed,
      lifecycle,
      blind: spansAfter(blind, from).filter((span) => span.from < until + MINUTE_MS),
      unkept: spansAfter(unkept, from).filter((span) => span.from < until + MINUTE_MS),
      excused: spansAfter(excused, from).filter((span) => span.from < until && concerns(span, this.#stream)),
    };
  }

  /** Spans for which the vendor's index is needed. */
  questions(captures: Record<Mode, Capture[]>, looked: StretchLooks, until: Instant): Span[] {
    const spans: Span[] = [];
    const at = { until, now: this.#terms.now };
    for (const { judge, terms, own } of this.#parts(captures, until)) {
      spans.push(...indexQuestions(judge, terms, this.#spanEvidence(own, looked, until), at));
    }
    for (const stray of this.#strays(captures, until)) {
      if (stray.capture.stored || stray.capture.indexed) continue;
      spans.push({ from: stray.capture.at - MINUTE_MS, to: Math.min(stray.capture.at + MINUTE_MS, until) });
    }
    return mergeSpans(spans);
  }

  /**
   * Judges up to `until`; `final` false: nobody could look, and what comes out stands until the next try. `config`: what captures
   * outside every session are held against.
   */
  judge(
    captures: Record<Mode, Capture[]>,
    looked: StretchLooks,
    until: Instant,
    { final, config }: { final: boolean; config: ConfigVersion | null },
  ): void {
    const at = { until, now: this.#terms.now };
    const evidence: Record<string, GapEvidence> = {};
    const sessions: StreamState['sessions'] = [];
    for (const { span, mode, judge, own, terms } of this.#parts(captures, until)) {
      const judged = judgeSpan(judge, terms, this.#spanEvidence(own, looked, until), at);
      const result = this.#resultOf(span.session.startedAt, mode, judge);
      const describe = describer(own, this.state.evidence);
      const gaps = judged.gaps.map(describe);
      const provisional = judged.provisional.map(describe);
      if (final) result.finalGaps.push(...gaps);
      result.provisionalGaps = final ? provisional : [...gaps, ...provisional];
      for (const { hour, slots } of judged.hours) result.hours.set(hour, slots);
      for (const gap of provisional) if (gap.evidence) evidence[evidenceKey(gap)] = gap.evidence;
      if (!judged.state.closed) sessions.push({ startedAt: span.session.startedAt, mode, judge: judged.state });
    }
    this.state.sessions = sessions;
    if (config) this.#judgeStrays(captures, looked, until, { final, config });
    this.state.evidence = evidence;
  }

  #resultOf(startedAt: Instant | null, mode: Mode, judge: JudgeState | null): SessionResult {
    const key = `${startedAt} ${mode}`;
    let result = this.#results.get(key);
    if (!result) {
      // Hours before the last settled capture are final; the judge reports every later one.
      const from = judge ? (judge.last ?? Math.max(startedAt ?? this.#base, this.state.since)) : this.#base;
      result = {
        startedAt,
        mode,
        hoursFrom: Math.floor(from / HOUR_MS) * HOUR_MS,
        hours: new Map(),
        finalGaps: [],
        provisionalGaps: [],
      };
      this.#results.set(key, result as SessionResult & { startedAt: Instant | null });
    }
    return result;
  }

  #strays(captures: Record<Mode, Capture[]>, until: Instant): Iterable<Stray> {
    return findStrays(captures, this.#spans, (span) => this.configOf(span) !== null, [this.until, until]);
  }

  #judgeStrays(
    captures: Record<Mode, Capture[]>,
    looked: StretchLooks,
    until: Instant,
    { final, config }: { final: boolean; config: ConfigVersion },
  ): void {
    const { now, settleSeconds, lateAfterSeconds, callbackUrl } = this.#terms;
    const { listed, indexed, lifecycle } = looked;
    const { blind, unkept, excused } = this.#spanEvidence([], looked, until);
    const known = new Set(this.state.strays.map((run) => `${run.mode} ${run.from}`));
    const { runs, hours, open } = judgeStrays(
      this.#strays(captures, until),
      this.state,
      { listed, indexed, blind: [...blind], unkept: [...unkept], excused: [...excused] },
      {
        stream: { domain: this.#stream.domain, app: this.#stream.app, stream: this.#stream.stream },
        config,
        lateAfterSeconds,
        callbackUrl,
        lifecycle,
        now,
        judgedTo: now - settleSeconds * 1_000,
        until,
      },
    );
    Object.assign(this.state, open);
    for (const mode of MODES) {
      if (runs[mode].length === 0 && hours[mode].size === 0 && !this.#again) continue;
      const result = this.#resultOf(null, mode, null);
      for (const [hour, slots] of hours[mode]) result.hours.set(hour, slots);
      const gaps = runs[mode].map(describer(captures[mode], this.state.evidence));
      if (!final) result.provisionalGaps = gaps;
      // The last run of the stretch before may have grown: it is told again.
      else result.finalGaps = [...result.finalGaps.filter((gap) => !known.has(`${mode} ${gap.from}`)), ...gaps];
    }
  }
}

function concerns(span: ExcusedSpanRow, stream: StreamRow): boolean {
  return (
    (span.domain === null || span.domain === stream.domain) &&
    (span.app === null || span.app === stream.app) &&
    (span.stream === null || span.stream === stream.stream)
  );
}
