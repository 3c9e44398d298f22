import type { Capture } from '../../src/core/capture.ts';
import type { ConfigVersion } from '../../src/core/config-version.ts';
import type { Gap } from '../../src/core/gap.ts';
import { beginJudging, type JudgeTerms, judgeSpan, type SpanEvidence } from '../../src/core/judge.ts';
import { addSlotCounts, emptySlotCounts } from '../../src/core/verdict.ts';

/** A whole hour, 2026-09-21T14:00:00Z. */
export const START = 1_789_999_200_000;
export const CALLBACK_URL = 'https://audit.example.com/callbacks/snapshot';
const FAR = 1_000_000_000;

export function configOf(changes: Partial<ConfigVersion> = {}): ConfigVersion {
  return {
    domain: 'play.example.com',
    app: 'live',
    validFrom: 0,
    intervalSeconds: 10,
    bucket: 'b',
    endpoint: 'oss-cn-shanghai.aliyuncs.com',
    sequenceObject: 'snapshot/{AppName}/{StreamName}/{UnixTimestamp}.jpg',
    overwriteObject: null,
    callback: CALLBACK_URL,
    ...changes,
  };
}

export function termsOf(
  changes: Partial<Omit<JudgeTerms, 'session'>> & { startedAt?: number; endedAt?: number | null } = {},
): JudgeTerms {
  const { startedAt = START, endedAt = null, ...rest } = changes;
  return {
    session: { domain: 'play.example.com', app: 'live', stream: 'cam01', startedAt, endedAt },
    config: configOf(),
    mode: 'sequence',
    settleSeconds: 60,
    lateAfterSeconds: 30,
    callbackUrl: CALLBACK_URL,
    window: null,
    ...rest,
  };
}

/** Everything looked at, nobody blind, nothing excused, unless said otherwise. */
export function evidenceOf(changes: Partial<SpanEvidence> = {}): SpanEvidence {
  const everywhere = [{ from: START - FAR, to: START + FAR }];
  return {
    captures: [],
    listed: everywhere,
    indexed: everywhere,
    blind: [],
    unkept: [],
    excused: [],
    lifecycle: [],
    ...changes,
  };
}

export type CaptureKind = 'ok' | 'late' | 'untold' | 'claim' | 'unsigned-claim' | 'deleted';

/** `untold`: no callback came; `claim`: nothing but a (signed) callback; `deleted`: the index knows it, OSS has it no more. */
export function captureAt(at: number, kind: CaptureKind = 'ok', changes: Partial<Capture> = {}): Capture {
  const told = kind !== 'untold';
  return {
    at,
    bucket: 'b',
    object: `snapshot/live/cam01/${at % 1_000 === 0 ? at / 1_000 : at}.jpg`,
    callback: told
      ? { receivedAt: at + (kind === 'late' ? 31_000 : 1_000), capturedAt: null, verified: kind !== 'unsigned-claim' }
      : null,
    stored: kind === 'ok' || kind === 'late' || kind === 'untold',
    indexed: kind === 'deleted',
    rejected: false,
    replaced: false,
    ...changes,
  };
}

/** Captures at `offsets` seconds after the start. */
export function capturesAt(offsets: readonly number[], kind: CaptureKind = 'ok'): Capture[] {
  return offsets.map((offset) => captureAt(START + offset * 1_000, kind));
}

/** Judges a session in one go, long after, and tells gaps in seconds after the start. */
export function judgeWhole(
  terms: JudgeTerms,
  evidence: SpanEvidence,
  at: { until?: number; now?: number } = {},
): { gaps: string[]; slots: Record<string, number>; all: Gap[] } {
  const until = at.until ?? (terms.session.endedAt ?? START) + 60_000;
  const result = judgeSpan(beginJudging(), terms, evidence, { until, now: at.now ?? until + 600_000 });
  const all = [...result.gaps, ...result.provisional].sort((a, b) => a.from - b.from);
  const counts = emptySlotCounts();
  for (const { slots } of result.hours) addSlotCounts(counts, slots);
  const seconds = (instant: number) => (instant - START) / 1_000;
  return {
    all,
    gaps: all.map((gap) => `${seconds(gap.from)}..${seconds(gap.to)} ${gap.count} ${gap.cause ?? gap.verdict}`),
    slots: Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
  };
}
