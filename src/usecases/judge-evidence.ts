import type { Capture, Mode } from '../core/capture.ts';
import { configInForce } from '../core/config-in-force.ts';
import type { ConfigVersion } from '../core/config-version.ts';
import { coverage } from '../core/coverage.ts';
import type { EvidenceOf } from '../core/evidence.ts';
import type { Gap } from '../core/gap.ts';
import type { Instant } from '../core/instant.ts';
import { beginJudging, judgeSpan, objectTemplateOf } from '../core/judge.ts';
import type { LookedSpans } from '../core/judge-state.ts';
import { addStray, judgeStray } from '../core/judge-strays.ts';
import { divideBySession, type SessionSpan } from '../core/session-spans.ts';
import { mergeSpans, type Span } from '../core/span.ts';
import type { StreamKey } from '../core/stream-key.ts';
import { compileTemplate } from '../core/template.ts';
import { addSlotCounts, emptySlotCounts, type SlotCounts } from '../core/verdict.ts';
import { CollectedEvidence, type ForeignCount } from './collect-evidence.ts';
import type { GroupedRows } from './evidence-sorter.ts';
import { EvidenceError, parseEvidence } from './read-evidence.ts';

/** A gap of one stream. `mode` is given only where both modes were on, and each was judged by itself. */
export type StreamGap = StreamKey & Omit<Gap, 'mode'> & { mode?: Mode };

export interface JudgedEvidence {
  slots: SlotCounts;
  coverage: number | null;
  /** Bad and unknown runs and unexpected captures, by stream and time. */
  gaps: StreamGap[];
  /** Runs that would have been bad, with the reason why they are not held against anybody. */
  excused: StreamGap[];
  foreign: ForeignCount[];
}

export interface JudgeEvidenceOptions {
  /** Called now and then. */
  onProgress?: (done: { lines: number; stage: 'reading' | 'judging' }) => void;
}

const PROGRESS_EVERY_LINES = 50_000;

/** Recomputes every verdict from nothing but an evidence file (DESIGN 2.2). Throws `EvidenceError` for a line it cannot understand. */
export async function judgeEvidence(
  lines: AsyncIterable<string> | Iterable<string>,
  { onProgress }: JudgeEvidenceOptions = {},
): Promise<JudgedEvidence> {
  const evidence = new CollectedEvidence();
  try {
    let lineNumber = 0;
    let isEmpty = true;
    for await (const text of lines) {
      lineNumber++;
      // A byte order mark, as some editors put it before the first line, counts as blank.
      const trimmed = text.trim();
      if (trimmed === '') continue;
      evidence.add(parseEvidence(trimmed, lineNumber), lineNumber);
      isEmpty = false;
      if (lineNumber % PROGRESS_EVERY_LINES === 0) onProgress?.({ lines: lineNumber, stage: 'reading' });
    }
    const window = evidence.window();
    if (!window) {
      throw new EvidenceError(null, isEmpty ? 'the evidence is empty' : 'the evidence has no line of type "window"');
    }
    onProgress?.({ lines: lineNumber, stage: 'judging' });
    return judgeStreams(evidence, window);
  } finally {
    evidence.sorter.close();
  }
}

function judgeStreams(evidence: CollectedEvidence, window: EvidenceOf<'window'>): JudgedEvidence {
  const { sorter } = evidence;
  const foreign = evidence.joinNames();
  const captures = sorter.captures();
  const sessions = sorter.sessions();
  const indexed = sorter.indexed();
  const judged: JudgedEvidence = { slots: emptySlotCounts(), coverage: null, gaps: [], excused: [], foreign };
  for (let id = 0; id < sorter.streamCount(); id++) {
    const stream = sorter.streamOf(id);
    const bench: StreamBench = {
      evidence,
      window,
      stream,
      sessions: divideBySession([...sessions.take(id, null)].map((session) => ({ ...stream, ...session }))),
      configs: evidence.configs.filter(
        (each) => each.domain === stream.domain && (each.app === stream.app || each.app === '*'),
      ),
      looked: {
        listed: [],
        indexed: mergeSpans(indexed.take(id, null)),
        blind: evidence.blindSpans(),
        unkept: evidence.unkeptSpans(),
        excused: evidence.excusedSpans(stream),
      },
    };
    for (const mode of ['sequence', 'overwrite'] as const) {
      judgeMode(bench, mode, new StreamCaptures(captures, id, mode), judged);
    }
  }
  judged.coverage = coverage(judged.slots);
  judged.gaps.sort(compareGaps);
  judged.excused.sort(compareGaps);
  return judged;
}

/** All that one stream is judged by. */
interface StreamBench {
  evidence: CollectedEvidence;
  window: EvidenceOf<'window'>;
  stream: StreamKey;
  sessions: SessionSpan[];
  configs: ConfigVersion[];
  looked: LookedSpans;
}

class StreamCaptures {
  #rows: GroupedRows<Capture, Mode>;
  #streamId: number;
  #mode: Mode;

  constructor(rows: GroupedRows<Capture, Mode>, streamId: number, mode: Mode) {
    this.#rows = rows;
    this.#streamId = streamId;
    this.#mode = mode;
  }

  before(to: Instant): Generator<Capture> {
    return this.#rows.take(this.#streamId, this.#mode, (capture) => capture.at < to);
  }
}

function judgeMode(bench: StreamBench, mode: Mode, captures: StreamCaptures, judged: JudgedEvidence): void {
  const strays: Gap[] = [];
  let sessionSince: Instant | null = null;
  for (const span of bench.sessions) {
    judgeStrays(bench, mode, captures.before(span.capturesFrom), 'no_session', sessionSince, strays, judged);
    sessionSince = span.session.startedAt;
    const config = configInForce(bench.configs, bench.stream.domain, bench.stream.app, sessionSince);
    if (config && objectTemplateOf(config, mode) !== null) {
      judgeSession(bench, mode, span, config, captures, judged);
    } else {
      judgeStrays(bench, mode, captures.before(span.capturesTo), 'beyond_beat', sessionSince, strays, judged);
    }
  }
  judgeStrays(bench, mode, captures.before(Number.POSITIVE_INFINITY), 'no_session', sessionSince, strays, judged);
  report(bench.stream, strays, null, judged);
}

function judgeSession(
  bench: StreamBench,
  mode: Mode,
  { session, capturesFrom, capturesTo }: SessionSpan,
  config: ConfigVersion,
  captures: StreamCaptures,
  judged: JudgedEvidence,
): void {
  const { window } = bench;
  // A name may tell of a time that nobody can have captured yet; slots up to there would be without number.
  const own = captures.before(Math.min(capturesTo, Math.max(window.now, window.from)));
  const pass = () => {
    for (const _capture of captures.before(capturesTo));
  };
  if (capturesTo <= window.from || capturesFrom >= window.to) {
    pass();
    return;
  }
  const { evidence, looked } = bench;
  const result = judgeSpan(
    beginJudging(),
    {
      session,
      config,
      mode,
      settleSeconds: window.settleSeconds,
      lateAfterSeconds: window.lateAfterSeconds,
      callbackUrl: window.callbackUrl,
      window,
    },
    {
      captures: own,
      listed: listedFor(bench, config, mode),
      indexed: looked.indexed,
      blind: looked.blind,
      unkept: looked.unkept,
      excused: looked.excused,
      lifecycle: evidence.lifecycleRules(config.bucket),
    },
    { until: window.to, now: window.now },
  );
  pass();
  for (const { slots } of result.hours) addSlotCounts(judged.slots, slots);
  const both = config.sequenceObject !== null && config.overwriteObject !== null;
  report(bench.stream, [...result.gaps, ...result.provisional], both ? mode : null, judged);
}

function judgeStrays(
  bench: StreamBench,
  mode: Mode,
  captures: Iterable<Capture>,
  cause: 'no_session' | 'beyond_beat',
  sessionSince: Instant | null,
  runs: Gap[],
  judged: JudgedEvidence,
): void {
  const { window, stream, evidence } = bench;
  const judgedTo = window.now - window.settleSeconds * 1_000;
  for (const capture of captures) {
    if (capture.at < window.from || capture.at >= window.to) continue;
    const config =
      configInForce(bench.configs, stream.domain, stream.app, capture.at) ?? nobodysConfig(stream, capture);
    const result = judgeStray(
      capture,
      cause,
      // Where nobody listed its name the capture says so itself, whatever config is in force by then.
      { ...bench.looked, listed: [{ from: capture.at, to: capture.at + 1 }] },
      {
        stream,
        config,
        mode,
        template: compileTemplate(objectTemplateOf(config, mode) ?? '', mode),
        lateAfterSeconds: window.lateAfterSeconds,
        callbackUrl: window.callbackUrl,
        lifecycle: evidence.lifecycleRules(capture.bucket),
        now: window.now,
      },
      judgedTo,
    );
    judged.slots[result.verdict]++;
    addStray(runs, capture.at, result, mode, sessionSince);
  }
}

/** A stream that we are only told of, without a config that would explain it. */
function nobodysConfig({ domain, app }: StreamKey, { bucket, at }: Capture): ConfigVersion {
  return {
    domain,
    app,
    validFrom: at,
    intervalSeconds: 10,
    bucket,
    endpoint: '',
    sequenceObject: null,
    overwriteObject: null,
    callback: null,
    absent: true,
  };
}

function listedFor({ evidence, stream }: StreamBench, config: ConfigVersion, mode: Mode): Span[] {
  const template = compileTemplate(objectTemplateOf(config, mode) ?? '', mode);
  return evidence.listedSpans(config.bucket, template.streamPrefix(stream.app, stream.stream));
}

function report(stream: StreamKey, runs: readonly Gap[], shownMode: Mode | null, judged: JudgedEvidence): void {
  for (const { mode: _mode, ...run } of runs) {
    const { domain, app, stream: name } = stream;
    const gap: StreamGap = { domain, app, stream: name, ...run, ...(shownMode ? { mode: shownMode } : {}) };
    (run.verdict === 'excused' ? judged.excused : judged.gaps).push(gap);
  }
}

function compareGaps(a: StreamGap, b: StreamGap): number {
  const key = ({ domain, app, stream }: StreamGap) => `${domain}\n${app}\n${stream}`;
  const [one, other] = [key(a), key(b)];
  if (one !== other) return one < other ? -1 : 1;
  return a.from - b.from || (a.verdict < b.verdict ? -1 : a.verdict > b.verdict ? 1 : 0);
}
