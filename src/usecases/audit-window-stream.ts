import type { Capture, Mode } from '../core/capture.ts';
import { configInForce } from '../core/config-in-force.ts';
import type { ConfigVersion } from '../core/config-version.ts';
import { foreignPrefix } from '../core/foreign-prefix.ts';
import { indexQuestions } from '../core/index-questions.ts';
import type { Instant } from '../core/instant.ts';
import { beginJudging, type JudgeTerms, judgeSpan, objectTemplateOf, type SpanEvidence } from '../core/judge.ts';
import type { LifecycleRule } from '../core/judge-capture.ts';
import type { JudgeState } from '../core/judge-state.ts';
import { compareKeys } from '../core/object-key.ts';
import type { Session } from '../core/session.ts';
import { divideBySession, type SessionSpan } from '../core/session-spans.ts';
import { HOUR_MS } from '../core/slot-writer.ts';
import { mergeSpans, type Span, spansAfter } from '../core/span.ts';
import type { Template } from '../core/template.ts';
import type { SlotCounts } from '../core/verdict.ts';
import type { CallbackWitness, IndexWitness, ObjectWitness } from '../core/witness.ts';
import type {
  ExcusedSpanRow,
  GapRow,
  SessionCommit,
  StoredCapture,
  StoredSession,
  StreamCommit,
  StreamRow,
  Watermark,
} from '../ports.ts';
import { MODES, StreamNames } from './audit-window-names.ts';
import {
  beginStream,
  describer,
  evidenceKey,
  type GapEvidence,
  readStreamState,
  type StreamState,
} from './audit-window-state.ts';
import { findStrays, judgeStrays, type Stray } from './audit-window-strays.ts';
import {
  NOTHING_SEEN,
  type RecordedStretch,
  type Rejection,
  type Stretch,
  type StretchLooks,
  witnessesOf,
} from './audit-window-stretch.ts';

/** What the auditing of one stream asks of outside; each may throw `CouldNotLookError`. */
export interface StreamLooks {
  callbacks(streamId: number, from: Instant, to: Instant): Promise<StoredCapture[]>;
  /** null: proven absent; undefined: not asked, for the right is missing or enough were asked. */
  head(bucket: string, endpoint: string, key: string, essential: boolean): Promise<ObjectWitness | null | undefined>;
  index(stream: StreamRow, from: Instant, to: Instant): Promise<IndexWitness[]>;
  lifecycle(bucket: string, endpoint: string): Promise<LifecycleRule[]>;
  rejections(objects: string[]): Promise<Rejection[]>;
  /** Takes down all that a stretch was judged by, for an evidence file. */
  record?: ((stretch: RecordedStretch) => Promise<void>) | undefined;
}

export interface StreamTerms {
  now: Instant;
  /** Slots before are judged. */
  to: Instant;
  settleSeconds: number;
  lateAfterSeconds: number;
  callbackUrl: string | null;
  versions: readonly ConfigVersion[];
  blind: readonly Span[];
  excused: readonly ExcusedSpanRow[];
  looks: StreamLooks;
}

/** Where the judgement of a stream starts from. */
export interface StreamStart {
  stream: StreamRow;
  /** In order of start; those that reach into what is to be judged, and a few before. */
  sessions: readonly StoredSession[];
  /** Nothing before is ours to judge. */
  since: Instant;
  watermark: Watermark | null;
  /** Late evidence: from here on it is judged again. */
  late: { from: Instant; ids: number[] } | null;
  /** A kept state from before the late evidence. */
  kept: { at: Instant; state: unknown } | null;
}

interface SessionResult {
  mode: Mode;
  hoursFrom: Instant;
  hours: Map<Instant, SlotCounts>;
  finalGaps: GapRow[];
  provisionalGaps: GapRow[];
}

const MINUTE_MS = 60_000;
/** A callback without an instant of its own may come so late (core/join-captures.ts). */
const SEQUENCE_MARGIN_MS = 15 * MINUTE_MS;
/** A row of the vendor's index is written a moment after the instant in the name. */
const INDEX_LAG_MS = 15_000;
/** The vendor's index can be asked for one year. */
const INDEX_REACH_MS = 364 * 24 * HOUR_MS;
/** A row of the index can be a capture that raises a new question; twice is enough in practice. */
const MOST_QUESTION_ROUNDS = 3;
const UNTIL_FOREVER = 8.64e15;

/**
 * The audit of one stream: takes its objects stretch by stretch (`advance`), reads the other witnesses, has the core judge,
 * and gathers what is to be stored (`commit`). Where the last stretch could not be looked at, `giveUp` says so of all that was left.
 */
export class StreamAudit {
  readonly stream: StreamRow;
  /** The config by which the objects are listed: that of the first session that is not judged to its end. */
  readonly config: ConfigVersion | null;
  /** Judged as one config goes; the rest is for another round. */
  readonly to: Instant;
  until: Instant;
  readonly #terms: StreamTerms;
  readonly #names: StreamNames | null;
  readonly #start: StreamStart;
  readonly #spans: SessionSpan[];
  #base: Instant;
  #state: StreamState;
  #version: number;
  #lastKey: string | null;
  #results = new Map<string, SessionResult & { startedAt: Instant | null }>();
  #foreign = new Map<
    string,
    { bucket: string; prefix: string; count: number; example: string; lastModified: Instant }
  >();
  #finalAnything = false;
  #again: boolean;
  /** Names outside the listed prefix that OSS was not asked for. */
  #unasked = new Set<string>();
  /** What was seen of the stretch that could not be judged. */
  #partial: Stretch | null = null;

  constructor(start: StreamStart, terms: StreamTerms) {
    const { stream, watermark, late, kept } = start;
    this.stream = stream;
    this.#start = start;
    this.#terms = terms;
    this.#spans = divideBySession(start.sessions.map((session): Session => ({ ...session, ...keyOf(stream) })));
    const stored = watermark ? readStreamState(watermark.state) : null;
    this.#again = late !== null && watermark !== null && late.from < watermark.auditedUntil;
    const since = Math.min(start.since, stored?.since ?? start.since);
    const from = this.#again ? Math.max(late!.from, since) : since;
    if (!this.#again && watermark && stored) {
      this.#base = watermark.auditedUntil;
      this.#state = stored;
    } else if (this.#again && kept && kept.at >= since) {
      this.#base = kept.at;
      this.#state = readStreamState(kept.state);
    } else {
      // From the start of the session that is touched: what was judged of earlier ones stands.
      const touched = this.#spans.find((span) => span.capturesTo > from);
      this.#base = Math.max(
        since,
        this.#again ? Math.min(from, touched?.capturesFrom ?? from) : (touched?.capturesFrom ?? from),
      );
      this.#state = beginStream(since);
      // No key is counted as foreign twice.
      this.#state.foreignAfter = stored?.foreignAfter ?? null;
    }
    this.until = this.#base;
    this.#version = watermark?.version ?? 0;
    this.#lastKey = watermark?.lastKey ?? null;
    const ahead = this.#spans.filter((span) => span.capturesTo > this.#base && span.capturesFrom < terms.to);
    // Without a session, captures that belong to none are held against the config of now.
    const { versions, to } = terms;
    this.config =
      ahead.map((span) => this.#configOf(span)).find((config) => config !== null) ??
      (ahead.length === 0 ? configInForce(versions, stream.domain, stream.app, to) : null);
    this.#names = this.config && new StreamNames(stream, this.config, versions);
    const other = ahead.find((span) => {
      const config = this.#configOf(span);
      return config !== null && !listedAlike(config, this.config!);
    });
    this.to = Math.min(terms.to, other ? Math.max(other.capturesFrom, this.#base) : terms.to);
  }

  /** It was judged further than the last commit goes: what stands is not to be replaced by "unknown". */
  get again(): boolean {
    return this.#again;
  }

  get template(): Template | null {
    return this.#names?.template ?? null;
  }

  /** Where the listing is to begin; null where no listing is needed. */
  get listFrom(): Instant | null {
    if (!this.template) return null;
    const [first] = this.#spans.filter(
      (span) => span.capturesTo > this.#base && span.capturesFrom < this.to && this.#configOf(span) !== null,
    );
    return first ? Math.max(this.#base, first.capturesFrom) : null;
  }

  /** How long captures may be off the listing's order. */
  get marginMs(): number {
    return this.template?.hasTimestamp === false ? SEQUENCE_MARGIN_MS : MINUTE_MS;
  }

  /** How many captures the stretch to be listed should hold. */
  get expectedKeys(): number {
    const from = this.listFrom;
    if (from === null || !this.config) return 0;
    return this.#spans.reduce((sum, span) => {
      const overlap = Math.min(span.capturesTo, this.to) - Math.max(span.capturesFrom, from);
      return sum + Math.max(0, overlap) / 1_000 / this.config!.intervalSeconds;
    }, 0);
  }

  /**
   * Takes the objects of captures up to `until` and judges that stretch. Returns how many stored captures were read.
   * Throws `CouldNotLookError`, and then nothing has changed.
   */
  async advance(
    objects: readonly ObjectWitness[],
    others: readonly ObjectWitness[],
    until: Instant,
    lastKey: string | null,
  ): Promise<number> {
    const { looks } = this.#terms;
    const read = await looks.callbacks(this.stream.id, this.until - this.marginMs, until + this.marginMs);
    const witnesses = witnessesOf(read);
    const named = new Set(witnesses.callbacks.map((callback) => callback.object));
    const all = [...objects, ...others.filter((object) => named.has(object.key))];
    const absent = await this.#confirmAbsences(witnesses, all, until);
    const overwritten = await this.#overwriteObject();
    const rejected = await this.#rejections(witnesses, all, overwritten);
    const stretch: Stretch = {
      objects: all,
      overwritten,
      rejected,
      index: witnesses.index,
      listed: [{ from: this.until - this.marginMs, to: until }],
      indexed: [],
      lifecycle: this.config ? await looks.lifecycle(this.config.bucket, this.config.endpoint) : [],
    };
    this.#partial = stretch;
    for (let round = 0; round < MOST_QUESTION_ROUNDS; round++) {
      const questions = this.#questions(this.#join(witnesses.callbacks, stretch), stretch, until);
      const answers = await this.#ask(questions.filter((span) => !covers(stretch.indexed, span)));
      if (answers.spans.length === 0) break;
      stretch.indexed = mergeSpans([...stretch.indexed, ...answers.spans]);
      stretch.index = [...stretch.index, ...answers.rows];
    }
    this.#judge(this.#join(witnesses.callbacks, stretch), stretch, until, true);
    const foreign = this.#noteForeign(others, named);
    await this.#record(read, stretch, foreign, absent, until);
    this.#state.fresh = false;
    this.#partial = null;
    this.until = until;
    this.#lastKey = lastKey ?? this.#lastKey;
    this.#finalAnything = true;
    return read.length;
  }

  /**
   * Nobody could look at OSS (or the index) from here to `until`: what the callbacks, and what was seen before the failure, amount to.
   * It stands until the next try.
   */
  async giveUp(until: Instant): Promise<void> {
    const read = await this.#terms.looks.callbacks(this.stream.id, this.until - this.marginMs, until);
    const witnesses = witnessesOf(read);
    const stretch = this.#partial ?? { ...NOTHING_SEEN, index: witnesses.index };
    const state = structuredClone(this.#state);
    this.#judge(this.#join(witnesses.callbacks, stretch), stretch, until, false);
    this.#state = state;
  }

  /** True where there is nothing to store: a stream that was judged before, and could not be judged again, keeps its verdicts. */
  get nothingToCommit(): boolean {
    return this.#results.size === 0 && !this.#finalAnything && (this.#again || this.#start.late === null);
  }

  /** What was gathered since the last commit. */
  commit(auditId: number | null): StreamCommit {
    const keep: StreamCommit['keep'] = [];
    const { keptAt } = this.#state;
    if (this.#finalAnything && (keptAt === null || this.until - keptAt >= HOUR_MS)) {
      this.#state.keptAt = this.until;
      keep.push({ at: this.until, state: structuredClone(this.#state) });
    }
    return {
      streamId: this.stream.id,
      auditId,
      expectedVersion: this.#version,
      base: this.#base,
      watermark: { auditedUntil: this.until, lastKey: this.#lastKey, state: this.#state },
      keep,
      sessions: [...this.#results.values()].map(
        ({ startedAt, mode, hoursFrom, hours, finalGaps, provisionalGaps }): SessionCommit => ({
          sessionStartedAt: startedAt,
          mode,
          hoursFrom,
          hours: [...hours].map(([hour, slots]) => ({ hour, slots })),
          finalGaps,
          provisionalGaps,
        }),
      ),
      standing: this.#spans.map((span) => span.session.startedAt),
      // Taken in as soon as the watermark lies before it: what comes after is judged from there on, now or next time.
      lateEvidenceIds: this.#finalAnything || !this.#again ? (this.#start.late?.ids ?? []) : [],
      foreign: [...this.#foreign.values()],
    };
  }

  /** The commit went through: what comes now goes on from here. */
  committed(): void {
    this.#version++;
    this.#again = false;
    this.#base = this.until;
    this.#results.clear();
    this.#foreign.clear();
    this.#finalAnything = false;
  }

  #configOf(span: SessionSpan): ConfigVersion | null {
    return configInForce(this.#terms.versions, this.stream.domain, this.stream.app, span.session.startedAt);
  }

  /** Absent from the list is only a candidate (reference/oss.md section 2): one HEAD confirms it, or finds the object. */
  async #confirmAbsences(
    { callbacks }: { callbacks: readonly CallbackWitness[] },
    objects: ObjectWitness[],
    until: Instant,
  ): Promise<string[]> {
    const { config } = this;
    const names = this.#names;
    const absent: string[] = [];
    if (!config || !names) return absent;
    const present = new Set(objects.map((object) => object.key));
    const asked = new Set<string>();
    for (const { object, bucket, capturedAt, receivedAt } of callbacks) {
      if (present.has(object) || asked.has(object) || names.isOverwrite(object)) continue;
      const at = names.timeOf(object) ?? capturedAt ?? receivedAt;
      if (at < this.until || at >= until) continue;
      asked.add(object);
      const elsewhere = bucket !== '' && bucket !== config.bucket;
      const found = elsewhere ? undefined : await this.#terms.looks.head(config.bucket, config.endpoint, object, false);
      if (found) objects.push(found);
      else if (found === null) absent.push(object);
      else if (found === undefined && (elsewhere || names.timeOf(object) === null)) this.#unasked.add(object);
    }
    return absent;
  }

  async #record(
    callbacks: readonly StoredCapture[],
    stretch: Stretch,
    foreign: readonly ObjectWitness[],
    absent: readonly string[],
    until: Instant,
  ): Promise<void> {
    const { record } = this.#terms.looks;
    if (!record) return;
    const { config, stream } = this;
    const named = new Set(callbacks.map((callback) => callback.object));
    const looked = { from: this.until - this.marginMs, to: until };
    await record({
      stream,
      config,
      callbacks,
      objects: [
        // An object between two sessions that nobody told us of is not judged.
        ...stretch.objects.filter(({ key, lastModified }) => {
          const at = this.#names?.timeOf(key) ?? lastModified;
          return named.has(key) || this.#spans.some((span) => at >= span.capturesFrom && at < span.capturesTo);
        }),
        ...foreign,
      ],
      overwritten: stretch.overwritten,
      index: stretch.index,
      indexed: stretch.indexed,
      rejected: stretch.rejected,
      listed: [
        ...(this.#names?.prefixes ?? []).map((prefix) => ({ prefix, ...looked })),
        ...absent.map((prefix) => ({ prefix, ...looked })),
      ],
      lifecycle: stretch.lifecycle,
    });
  }

  async #overwriteObject(): Promise<ObjectWitness | null> {
    const key = this.#names?.overwriteKey ?? null;
    if (!this.config || key === null) return null;
    return (await this.#terms.looks.head(this.config.bucket, this.config.endpoint, key, true)) ?? null;
  }

  async #rejections(
    { callbacks }: { callbacks: readonly CallbackWitness[] },
    objects: readonly ObjectWitness[],
    overwritten: ObjectWitness | null,
  ): Promise<Rejection[]> {
    const told = new Set(callbacks.map((callback) => callback.object));
    const silent = objects.map((object) => object.key).filter((key) => !told.has(key));
    if (overwritten) silent.push(overwritten.key);
    return silent.length === 0 ? [] : this.#terms.looks.rejections(silent);
  }

  #join(callbacks: readonly CallbackWitness[], stretch: Stretch): Record<Mode, Capture[]> {
    return this.#names?.join(callbacks, stretch, this.#unasked) ?? { sequence: [], overwrite: [] };
  }

  /** Sessions (and modes) that have slots before `until`, each with its captures. */
  *#parts(captures: Record<Mode, Capture[]>, until: Instant) {
    for (const span of this.#spans) {
      if (span.capturesFrom >= until) break;
      const config = this.#configOf(span);
      if (config === null) continue;
      for (const mode of MODES) {
        if (objectTemplateOf(config, mode) === null) continue;
        const { startedAt } = span.session;
        const entry = this.#state.sessions.find((each) => each.startedAt === startedAt && each.mode === mode);
        const begins = span.capturesFrom >= this.until || (this.#state.fresh && span.capturesTo > this.until);
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
      window: { from: this.#state.since, to: UNTIL_FOREVER },
    };
  }

  #spanEvidence(captures: readonly Capture[], looked: StretchLooks, until: Instant): SpanEvidence {
    const { blind, excused } = this.#terms;
    const from = this.until - HOUR_MS;
    const { listed, indexed, lifecycle } = looked;
    return {
      captures,
      listed,
      indexed,
      lifecycle,
      blind: spansAfter(blind, from).filter((span) => span.from < until + MINUTE_MS),
      excused: spansAfter(excused, from).filter((span) => span.from < until && concerns(span, this.stream)),
    };
  }

  #questions(captures: Record<Mode, Capture[]>, looked: StretchLooks, until: Instant): Span[] {
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

  /** A page of the index holds 100 rows, so questions that lie near each other are one. */
  async #ask(questions: readonly Span[]): Promise<{ spans: Span[]; rows: IndexWitness[] }> {
    const near = 20 * (this.config?.intervalSeconds ?? 60) * 1_000;
    const earliest = this.#terms.now - INDEX_REACH_MS;
    const spans: Span[] = [];
    for (const { from, to } of questions) {
      const last = spans.at(-1);
      if (last && from - last.to < near) last.to = to;
      else if (to > earliest) spans.push({ from: Math.max(from, earliest), to });
    }
    const rows: IndexWitness[] = [];
    for (const { from, to } of spans) {
      rows.push(...(await this.#terms.looks.index(this.stream, from, Math.min(to + INDEX_LAG_MS, this.#terms.now))));
    }
    return { spans, rows };
  }

  #judge(captures: Record<Mode, Capture[]>, looked: StretchLooks, until: Instant, final: boolean): void {
    const at = { until, now: this.#terms.now };
    const evidence: Record<string, GapEvidence> = {};
    const sessions: StreamState['sessions'] = [];
    for (const { span, mode, judge, own, terms } of this.#parts(captures, until)) {
      const judged = judgeSpan(judge, terms, this.#spanEvidence(own, looked, until), at);
      const result = this.#resultOf(span.session.startedAt, mode, judge);
      const describe = describer(own, this.#state.evidence);
      const gaps = judged.gaps.map(describe);
      const provisional = judged.provisional.map(describe);
      if (final) result.finalGaps.push(...gaps);
      result.provisionalGaps = final ? provisional : [...gaps, ...provisional];
      for (const { hour, slots } of judged.hours) result.hours.set(hour, slots);
      for (const gap of provisional) if (gap.evidence) evidence[evidenceKey(gap)] = gap.evidence;
      if (!judged.state.closed) sessions.push({ startedAt: span.session.startedAt, mode, judge: judged.state });
    }
    this.#state.sessions = sessions;
    this.#judgeStrays(captures, looked, until, final);
    this.#state.evidence = evidence;
  }

  #resultOf(startedAt: Instant | null, mode: Mode, judge: JudgeState | null): SessionResult {
    const key = `${startedAt} ${mode}`;
    let result = this.#results.get(key);
    if (!result) {
      // Hours before the last settled capture are final; the judge reports every later one.
      const from = judge ? (judge.last ?? startedAt ?? this.#base) : this.#base;
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
    return findStrays(captures, this.#spans, (span) => this.#configOf(span) !== null, [this.until, until]);
  }

  #judgeStrays(captures: Record<Mode, Capture[]>, looked: StretchLooks, until: Instant, final: boolean): void {
    const { now, settleSeconds, lateAfterSeconds, callbackUrl } = this.#terms;
    const { config } = this;
    if (!config) return;
    const { listed, indexed, lifecycle } = looked;
    const { blind, excused } = this.#spanEvidence([], looked, until);
    const known = new Set(this.#state.strays.map((run) => `${run.mode} ${run.from}`));
    const { runs, hours, open } = judgeStrays(
      this.#strays(captures, until),
      this.#state,
      { listed, indexed, blind: [...blind], excused: [...excused] },
      {
        stream: keyOf(this.stream),
        config,
        lateAfterSeconds,
        callbackUrl,
        lifecycle,
        now,
        judgedTo: now - settleSeconds * 1_000,
        until,
      },
    );
    Object.assign(this.#state, open);
    for (const mode of MODES) {
      if (runs[mode].length === 0 && hours[mode].size === 0) continue;
      const result = this.#resultOf(null, mode, null);
      for (const [hour, slots] of hours[mode]) result.hours.set(hour, slots);
      const gaps = runs[mode].map(describer(captures[mode], this.#state.evidence));
      if (!final) result.provisionalGaps = gaps;
      // The last run of the stretch before may have grown: it is told again.
      else result.finalGaps = [...result.finalGaps.filter((gap) => !known.has(`${mode} ${gap.from}`)), ...gaps];
    }
  }

  /** Keys that no template of the bucket explains, by folder; each key once. */
  #noteForeign(others: readonly ObjectWitness[], named: ReadonlySet<string>): ObjectWitness[] {
    const { config } = this;
    const foreign: ObjectWitness[] = [];
    if (!config) return foreign;
    for (const object of others) {
      const { key, lastModified } = object;
      if (this.#state.foreignAfter !== null && compareKeys(key, this.#state.foreignAfter) <= 0) continue;
      if (named.has(key) || this.#names?.explains(key)) continue;
      const prefix = foreignPrefix(key);
      const entry = this.#foreign.get(prefix);
      if (entry) {
        entry.count++;
        entry.lastModified = Math.max(entry.lastModified, lastModified);
      } else this.#foreign.set(prefix, { bucket: config.bucket, prefix, count: 1, example: key, lastModified });
      this.#state.foreignAfter = key;
      foreign.push(object);
    }
    return foreign;
  }
}

function keyOf({ domain, app, stream }: StreamRow) {
  return { domain, app, stream };
}

function listedAlike(a: ConfigVersion, b: ConfigVersion): boolean {
  return (
    a.bucket === b.bucket &&
    a.endpoint === b.endpoint &&
    a.sequenceObject === b.sequenceObject &&
    a.overwriteObject === b.overwriteObject
  );
}

function concerns(span: ExcusedSpanRow, stream: StreamRow): boolean {
  return (
    (span.domain === null || span.domain === stream.domain) &&
    (span.app === null || span.app === stream.app) &&
    (span.stream === null || span.stream === stream.stream)
  );
}

function covers(spans: readonly Span[], { from, to }: Span): boolean {
  return spans.some((span) => span.from <= from && span.to >= to);
}
