import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Capture } from '../../src/core/capture.ts';
import type { EvidenceLine } from '../../src/core/evidence.ts';
import type { Gap } from '../../src/core/gap.ts';
import { beginJudging, type JudgedHour, judgeSpan, type SpanEvidence } from '../../src/core/judge.ts';
import type { JudgeState } from '../../src/core/judge-state.ts';
import type { Span } from '../../src/core/span.ts';
import { judgeEvidence } from '../../src/usecases/judge-evidence.ts';
import { line, textOf } from '../support/evidence.ts';
import { captureAt, configOf, evidenceOf, START, termsOf } from '../support/judging.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

interface Broadcast {
  intervalSeconds: number;
  captures: Capture[];
  endedAt: number | null;
  to: number;
  looked: Pick<SpanEvidence, 'listed' | 'indexed' | 'blind' | 'excused'>;
}

/** Anything goes: holes, claims, captures in excess, other beats, jitter far beyond what key frames do. */
const broadcasts: fc.Arbitrary<Broadcast> = fc
  .record({
    intervalSeconds: fc.constantFrom(5, 6, 10, 30),
    steps: fc.array(
      fc.record({
        intervals: fc.oneof({ weight: 12, arbitrary: fc.constant(1) }, fc.constantFrom(0, 0.5, 1.5, 2, 3, 9)),
        times: fc.oneof({ weight: 5, arbitrary: fc.constant(1) }, fc.integer({ min: 5, max: 15 })),
        jitter: fc.double({ min: 0, max: 0.5, noNaN: true }),
        kind: fc.oneof(
          { weight: 6, arbitrary: fc.constant('ok' as const) },
          fc.constantFrom('untold' as const, 'claim' as const, 'deleted' as const, 'late' as const),
        ),
      }),
      { minLength: 1, maxLength: 120 },
    ),
    ends: fc.boolean(),
    holes: fc.array(fc.tuple(fc.nat(4 * 3_600), fc.integer({ min: 10, max: 900 }), fc.nat(3)), { maxLength: 6 }),
  })
  .map(({ intervalSeconds, steps, ends, holes }) => {
    const intervalMs = intervalSeconds * SECOND;
    const captures: Capture[] = [];
    let grid = START;
    for (const step of steps) {
      for (let time = 0; time < step.times; time++) {
        grid += step.intervals * intervalMs;
        const at = Math.floor((grid + step.jitter * intervalMs * ((time * 7) % 5) * 0.25) / SECOND) * SECOND;
        captures.push(captureAt(at, step.kind));
      }
    }
    captures.sort((a, b) => a.at - b.at || (a.object < b.object ? -1 : 1));
    const endedAt = ends ? grid + 15 * SECOND : null;
    const to = grid + 5 * MINUTE;
    const spans: Record<string, Span[]> = { listed: [], indexed: [], blind: [], excused: [] };
    for (const [from, length, which] of holes) {
      spans[Object.keys(spans)[which]!]!.push({ from: START + from * SECOND, to: START + (from + length) * SECOND });
    }
    const seen = (unseen: Span[]) => {
      const points = [START - HOUR, ...unseen.flatMap((span) => [span.from, span.to]), to + HOUR].sort((a, b) => a - b);
      const pairs: Span[] = [];
      for (let index = 0; index < points.length; index += 2)
        pairs.push({ from: points[index]!, to: points[index + 1]! });
      return pairs;
    };
    const looked = {
      listed: seen(spans.listed!),
      indexed: seen(spans.indexed!),
      blind: spans.blind!,
      excused: spans.excused!.map((span) => ({ ...span, reason: 'maintenance' })),
    };
    return { intervalSeconds, captures, endedAt, to, looked };
  });

function clip<S extends Span>(spans: readonly S[], from: number, to: number): S[] {
  return spans
    .map((span) => ({ ...span, from: Math.max(span.from, from), to: Math.min(span.to, to) }))
    .filter((span) => span.to > span.from);
}

/** Judges up to each of `edges` in turn, as an audit does, giving each call only what is new to it. */
function judgeInPieces({ intervalSeconds, captures, endedAt, to, looked }: Broadcast, edges: readonly number[]) {
  const hours = new Map<number, JudgedHour['slots']>();
  const gaps: Gap[] = [];
  let provisional: Gap[] = [];
  let state: JudgeState = beginJudging();
  const now = to + HOUR;
  let from = START - HOUR;
  for (const until of [...edges, to]) {
    // Only what is new, as JSON, as it would come back from a store.
    const result = judgeSpan(
      JSON.parse(JSON.stringify(state)),
      termsOf({ config: configOf({ intervalSeconds }), endedAt }),
      evidenceOf({
        captures: captures.filter(({ at }) => at >= (state.until ?? Number.NEGATIVE_INFINITY) && at < until),
        listed: clip(looked.listed, from, until),
        indexed: clip(looked.indexed, from, until),
        blind: clip(looked.blind, from, until + 35 * SECOND),
        excused: clip(looked.excused, from, until).length > 0 ? looked.excused : [],
      }),
      { until, now },
    );
    gaps.push(...result.gaps);
    provisional = result.provisional;
    for (const { hour, slots } of result.hours) hours.set(hour, slots);
    state = result.state;
    from = until;
  }
  return {
    gaps: [...gaps, ...provisional].sort((a, b) => a.from - b.from || (a.verdict < b.verdict ? -1 : 1)),
    hours: [...hours].filter(([, slots]) => Object.values(slots).some((count) => count > 0)).sort(([a], [b]) => a - b),
    stateBytes: JSON.stringify(state).length,
  };
}

/** The same broadcast as an evidence file for the slots of `[from, to)`: all that was seen is in it, whatever the window. */
function evidenceFile(
  { intervalSeconds, captures, startedAt, endedAt, to: now, looked }: Broadcast & { startedAt: number },
  from: number,
  to: number,
) {
  const { domain, app, stream } = termsOf().session;
  const key = { domain, app, stream };
  const lines: EvidenceLine[] = [
    line.window(0, { from, to, now: now + HOUR }),
    line.config({ intervalSeconds }),
    line.session(0, null, { startedAt, endedAt }),
    line.listed(-36_000, 1_000_000),
    ...looked.indexed.map((span): EvidenceLine => ({ type: 'indexed', ...key, ...span })),
    ...looked.blind.map((span): EvidenceLine => ({ type: 'blind', ...span })),
    ...looked.excused.map((span): EvidenceLine => ({ type: 'excused', ...key, ...span })),
  ];
  for (const { at, object, callback, stored, indexed } of captures) {
    if (callback) lines.push(line.callback(0, { object, ...callback }));
    if (stored) lines.push(line.object(0, { key: object, lastModified: at }));
    if (indexed) lines.push(line.index(0, { object, createdAt: at }));
  }
  return textOf(lines);
}

/** Slots by verdict, and bad ones by cause. */
async function countsOf(files: string[][]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const file of files) {
    const { slots, gaps, excused } = await judgeEvidence(file);
    for (const [verdict, count] of Object.entries(slots)) counts[verdict] = (counts[verdict] ?? 0) + count;
    for (const { cause, count } of [...gaps, ...excused]) {
      const name = `cause ${cause}`;
      counts[name] = (counts[name] ?? 0) + count;
    }
  }
  return counts;
}

describe('judging evidence files window by window', () => {
  it('finds what one file for the whole time finds, where the files show what lies beyond the windows', async () => {
    await fc.assert(
      fc.asyncProperty(broadcasts, fc.nat(180), fc.integer({ min: 3, max: 70 }), async (played, silence, minutes) => {
        // Not one capture for a while, at the start and at the end.
        const startedAt = START - silence * MINUTE - 5 * SECOND;
        const to = played.to + silence * MINUTE;
        const endedAt = played.endedAt && played.endedAt + silence * MINUTE;
        const broadcast = { ...played, startedAt, endedAt, to };
        const files: string[][] = [];
        for (let from = startedAt; from < to; from += minutes * MINUTE)
          files.push(evidenceFile(broadcast, from, Math.min(to, from + minutes * MINUTE)));
        expect(await countsOf(files)).toEqual(await countsOf([evidenceFile(broadcast, startedAt, to)]));
      }),
      { numRuns: 40 },
    );
  });

  it('takes the edge of a window for a neighbour where nobody looked beyond it', async () => {
    const from = START + HOUR;
    const file = (listedFrom: number, listedTo: number) =>
      countsOf([
        textOf([
          line.window(0, { from, to: from + HOUR, now: from + 9 * HOUR }),
          line.config(),
          line.session(5, 4 * 3_600),
          line.listed(listedFrom, listedTo),
          line.indexed(0, 36_000),
        ]),
      ]);
    // The session's own slots are at 5 s past every ten.
    expect(await file(0, 36_000)).toMatchObject({ not_captured: 360 });
    expect(await file(6, 7_200)).toMatchObject({ not_captured: 359 });
  });
});

describe('judging a session in pieces', () => {
  it('gives the same gaps and hours as judging it in one go, wherever it is cut', () => {
    fc.assert(
      fc.property(
        broadcasts,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 }),
        (broadcast, cuts) => {
          const edges = cuts.map((cut) => Math.floor(START + cut * (broadcast.to - START))).sort((a, b) => a - b);
          const whole = judgeInPieces(broadcast, []);
          const pieces = judgeInPieces(broadcast, edges);
          expect(pieces.gaps).toEqual(whole.gaps);
          expect(pieces.hours).toEqual(whole.hours);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('keeps its state small, whatever comes', () => {
    fc.assert(
      fc.property(broadcasts, (broadcast) => {
        const hourly = Array.from({ length: 400 }, (_, index) => START + index * 2 * MINUTE).filter(
          (at) => at < broadcast.to,
        );
        expect(judgeInPieces(broadcast, hourly).stateBytes).toBeLessThan(16_000);
      }),
      { numRuns: 50 },
    );
  });
});
