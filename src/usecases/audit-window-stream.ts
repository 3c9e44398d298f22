import type { Capture, Mode } from '../core/capture.ts';
import { configInForce } from '../core/config-in-force.ts';
import type { ConfigVersion } from '../core/config-version.ts';
import type { Instant } from '../core/instant.ts';
import { mayHaveExpired } from '../core/judge-capture.ts';
import type { Session } from '../core/session.ts';
import { divideBySession, type SessionSpan } from '../core/session-spans.ts';
import { HOUR_MS } from '../core/slot-writer.ts';
import { mergeSpans, spansCover } from '../core/span.ts';
import type { Template } from '../core/template.ts';
import type { CallbackWitness, ObjectWitness } from '../core/witness.ts';
import type { StoredCapture, StreamCommit, StreamRow } from '../ports.ts';
import { confirmAbsences } from './audit-window-absences.ts';
import { ForeignCounts } from './audit-window-foreign.ts';
import { askIndex } from './audit-window-index.ts';
import { StreamJudge } from './audit-window-judge.ts';
import { keyOf, listedAlike, MODES, StreamNames } from './audit-window-names.ts';
import { SeenBefore } from './audit-window-seen.ts';
import { beginStream, readStreamState, type StreamState } from './audit-window-state.ts';
import {
  isGone,
  NOTHING_SEEN,
  type Rejection,
  RULES_NOT_READ,
  type Stretch,
  witnessesOf,
} from './audit-window-stretch.ts';
import type { StreamStart, StreamTerms } from './audit-window-terms.ts';
import { ToldLate } from './audit-window-told.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
/** A callback without an instant of its own may come so late (core/join-captures.ts). */
const SEQUENCE_MARGIN_MS = 15 * MINUTE_MS;
/** A row of the index can be a capture that raises a new question; twice is enough in practice. */
const MOST_QUESTION_ROUNDS = 3;

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
  readonly #terms: StreamTerms;
  readonly #names: StreamNames | null;
  readonly #start: StreamStart;
  readonly #spans: SessionSpan[];
  readonly #judge: StreamJudge;
  #base: Instant;
  #version: number;
  #lastKey: string | null;
  readonly #seen: SeenBefore;
  readonly #told: ToldLate;
  #leftLate = false;
  readonly #foreign = new ForeignCounts();
  #finalAnything = false;
  #again: boolean;
  /** What was judged of before stands. */
  #standsBefore: Instant | null = null;
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
    let state: StreamState;
    if (!this.#again && watermark && stored) {
      this.#base = watermark.auditedUntil;
      state = stored;
    } else if (this.#again && kept && kept.at >= since) {
      this.#base = kept.at;
      state = readStreamState(kept.state);
    } else {
      // From the start of the session that is touched: what was judged of earlier ones stands.
      const touched = this.#spans.find((span) => span.capturesTo > from);
      this.#base = Math.max(
        since,
        this.#again ? Math.min(from, touched?.capturesFrom ?? from) : (touched?.capturesFrom ?? from),
      );
      state = beginStream(since);
      // No key is counted as foreign twice.
      state.foreignAfter = stored?.foreignAfter ?? null;
    }
    // What was judged while its captures were there stands: it cannot be judged again without them.
    if (this.#again && this.#base < terms.keptFrom) {
      this.#base = Math.min(terms.keptFrom, watermark!.auditedUntil);
      this.#again = this.#base < watermark!.auditedUntil;
      if (this.#again) this.#standsBefore = this.#base;
      state = this.#again ? { ...beginStream(this.#base), foreignAfter: stored!.foreignAfter } : stored!;
    }
    const { seen: _seen, expired: _expired, toldLate: _told, ...begun } = state;
    this.#told = new ToldLate(stored?.toldLate);
    this.#seen = new SeenBefore(
      stored ?? {},
      this.#again ? { from: Math.max(this.#base, stored!.since), to: watermark!.auditedUntil } : null,
    );
    this.#judge = new StreamJudge(stream, this.#spans, terms, { state: begun, base: this.#base, again: this.#again });
    this.#version = watermark?.version ?? 0;
    this.#lastKey = watermark?.lastKey ?? null;
    const ahead = this.#spans.filter((span) => span.capturesTo > this.#base && span.capturesFrom < terms.to);
    // Without a session, captures that belong to none are held against the config of now.
    const { versions, to } = terms;
    this.config =
      ahead.map((span) => this.#judge.configOf(span)).find((config) => config !== null) ??
      (ahead.length === 0 ? configInForce(versions, stream.domain, stream.app, to) : null);
    this.#names = this.config && new StreamNames(stream, this.config, versions);
    const other = ahead.find((span) => {
      const config = this.#judge.configOf(span);
      return config !== null && !listedAlike(config, this.config!);
    });
    this.to = Math.min(terms.to, other ? Math.max(other.capturesFrom, this.#base) : terms.to);
  }

  /** Everything before is judged. */
  get until(): Instant {
    return this.#judge.until;
  }

  /** It was judged further than the last commit goes: what stands is not to be replaced by "unknown". */
  get again(): boolean {
    return this.#again;
  }

  /** It found callbacks of slots that were judged before, and left late evidence of them. */
  get leftLate(): boolean {
    return this.#leftLate;
  }

  get template(): Template | null {
    return this.#names?.template ?? null;
  }

  /** Where the listing is to begin; null where no listing is needed. */
  get listFrom(): Instant | null {
    if (!this.template) return null;
    const [first] = this.#spans.filter(
      (span) => span.capturesTo > this.#base && span.capturesFrom < this.to && this.#judge.configOf(span) !== null,
    );
    return first ? Math.max(this.#base, first.capturesFrom) : null;
  }

  /** How long captures may be off the listing's order. */
  get marginMs(): number {
    return this.template?.hasTimestamp === false ? SEQUENCE_MARGIN_MS : MINUTE_MS;
  }

  /** From here on the listing is read in full: the stretch before has seen the margin, but nothing was listed before `since`. */
  get #listedFrom(): Instant {
    return Math.max(this.until - this.marginMs, this.#judge.state.since - SECOND_MS, this.#terms.keptFrom);
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
    await this.#seen.read((from, to) => looks.judged(this.stream.id, from, to));
    const read = await looks.callbacks(this.stream.id, this.until - this.marginMs, until + this.marginMs);
    const witnesses = witnessesOf(read);
    const named = new Set(witnesses.callbacks.map((callback) => callback.object));
    const all = [
      ...objects.filter(({ key, lastModified }) =>
        this.#isKept(this.#names?.timeOf(key, lastModified) ?? lastModified),
      ),
      ...others.filter((object) => named.has(object.key)),
    ];
    const absent: string[] = [];
    if (this.config && this.#names) {
      const terms = { config: this.config, names: this.#names, looks };
      const absences = await confirmAbsences(witnesses.callbacks, all, { from: this.until, to: until }, terms);
      all.push(...absences.found);
      absent.push(...absences.absent);
      for (const name of absences.unasked) this.#unasked.add(name);
    }
    const overwritten = await this.#overwriteObject();
    const rejected = await this.#rejections(witnesses, all, overwritten);
    const stretch: Stretch = {
      objects: all,
      overwritten,
      rejected,
      index: witnesses.index,
      listed: [{ from: this.#listedFrom, to: until }],
      indexed: [],
      lifecycle: [],
    };
    this.#partial = stretch;
    for (let round = 0; round < MOST_QUESTION_ROUNDS; round++) {
      const questions = this.#judge.questions(this.#join(witnesses.callbacks, stretch), stretch, until);
      const open = questions.filter((span) => !spansCover(stretch.indexed, span));
      const answers = await askIndex(this.stream, open, this.config?.intervalSeconds ?? 60, this.#terms);
      if (answers.spans.length === 0) break;
      stretch.indexed = mergeSpans([...stretch.indexed, ...answers.spans]);
      stretch.index = [...stretch.index, ...answers.rows];
    }
    const captures = this.#join(witnesses.callbacks, stretch);
    await this.#explainGone(captures, stretch);
    this.#judge.judge(captures, stretch, until, { final: true, config: this.config });
    await this.#leaveLate(captures.sequence);
    const { foreign, after } = this.#foreign.add(
      this.config ? others : [],
      this.config?.bucket ?? '',
      this.#judge.state.foreignAfter,
      (key) => named.has(key) || (this.#names?.explains(key) ?? false),
    );
    this.#judge.state.foreignAfter = after;
    await this.#record(read, stretch, foreign, absent, until);
    this.#judge.state.fresh = false;
    this.#partial = null;
    this.#judge.until = until;
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
    const state = structuredClone(this.#judge.state);
    this.#judge.judge(this.#join(witnesses.callbacks, stretch), stretch, until, { final: false, config: this.config });
    this.#judge.state = state;
  }

  /** True where there is nothing to store: a stream that was judged before, and could not be judged again, keeps its verdicts. */
  get nothingToCommit(): boolean {
    return this.#judge.empty && !this.#finalAnything && (this.#again || this.#start.late === null);
  }

  /** What was gathered since the last commit. */
  commit(auditId: number | null): StreamCommit {
    const keep: StreamCommit['keep'] = [];
    const { keptAt } = this.#judge.state;
    if (this.#finalAnything && (keptAt === null || this.until - keptAt >= HOUR_MS)) {
      this.#judge.state.keptAt = this.until;
      keep.push({ at: this.until, state: structuredClone(this.#judge.state) });
    }
    return {
      streamId: this.stream.id,
      auditId,
      expectedVersion: this.#version,
      base: this.#base,
      standsBefore: this.#standsBefore,
      watermark: {
        auditedUntil: this.until,
        lastKey: this.#lastKey,
        state: {
          ...this.#judge.state,
          ...this.#seen.after(this.until),
          ...this.#told.after(this.until - this.marginMs),
        },
      },
      keep,
      sessions: this.#judge.results(),
      standing: this.#spans
        .filter((span) => this.#standsBefore === null || span.capturesTo > this.#standsBefore)
        .map((span) => span.session.startedAt),
      // Taken in as soon as the watermark lies before it: what comes after is judged from there on, now or next time.
      lateEvidenceIds: this.#finalAnything || !this.#again ? (this.#start.late?.ids ?? []) : [],
      foreign: this.#foreign.all(),
    };
  }

  /** The commit went through: what comes now goes on from here. */
  committed(): void {
    this.#version++;
    this.#again = false;
    this.#base = this.until;
    this.#judge.clear();
    this.#foreign.clear();
    this.#finalAnything = false;
  }

  async #leaveLate(captures: readonly Capture[]): Promise<void> {
    const { looks } = this.#terms;
    // A name that tells the time has the callback stored under it, and whoever stores it late leaves evidence of it.
    const untimed = captures.filter(({ object, at }) => this.#names?.timeOf(object, at) === null);
    const from = await this.#told.find(untimed, this.until, this.marginMs, (from, to) =>
      looks.judged(this.stream.id, from, to),
    );
    if (from === null) return;
    await looks.markLate(this.stream.id, from);
    this.#leftLate = true;
  }

  /** Reads the bucket's rules where they can tell why an object is gone; what was seen before they may have deleted it stays seen. */
  async #explainGone(captures: Record<Mode, Capture[]>, stretch: Stretch): Promise<void> {
    const { config, template } = this;
    if (!config) return;
    const seen = MODES.flatMap((mode) => {
      const preciseMs = mode === 'sequence' && template?.hasTimestamp ? 1 : (config.intervalSeconds * SECOND_MS) / 2;
      return captures[mode].filter(
        (capture) => !capture.stored && !capture.replaced && this.#seen.has(capture, mode, preciseMs),
      );
    });
    const gone = MODES.flatMap((mode) => captures[mode].filter(isGone).map((capture) => ({ capture, mode })));
    if (seen.length === 0 && gone.length === 0) return;
    for (const { capture, mode } of gone) if (this.#seen.hadExpired(capture, mode)) capture.expired = true;
    stretch.lifecycle = RULES_NOT_READ;
    stretch.lifecycle = await this.#terms.looks.lifecycle(config.bucket, config.endpoint);
    const terms = { lifecycle: stretch.lifecycle, now: this.#terms.now };
    for (const capture of seen) if (mayHaveExpired(capture, terms)) capture.stored = true;
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
    const looked = { from: this.#listedFrom, to: until };
    await record({
      stream,
      config,
      callbacks,
      objects: [
        // An object between two sessions that nobody told us of is not judged.
        ...stretch.objects.filter(({ key, lastModified }) => {
          const at = this.#names?.timeOf(key, lastModified) ?? lastModified;
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
    const found = await this.#terms.looks.head(this.config.bucket, this.config.endpoint, key, true);
    return found && this.#isKept(found.lastModified) ? found : null;
  }

  #isKept(at: Instant): boolean {
    return at >= this.#terms.keptFrom;
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
}
