import type { Mode } from '../core/capture.ts';
import { verdictLabels } from '../core/capture-verdict.ts';
import { modesOf } from '../core/config-version.ts';
import type { Instant } from '../core/instant.ts';
import { RefusalError } from '../core/refusal.ts';
import { type Slot, sessionSlots } from '../core/session-slots.ts';
import type { Span } from '../core/span.ts';
import type { StreamKey } from '../core/stream-key.ts';
import { emptySlotCounts, type SlotCounts } from '../core/verdict.ts';
import type { HistoryReads, KnownStream, SessionRow, StoredConfigVersion, TimelineReads } from '../ports.ts';
import { captureView } from './query-captures.ts';
import { configLookup, covers } from './query-streams.ts';

export interface TimelineWords extends StreamKey, Span {
  /** About how many parts the screen can show. */
  parts: number;
  /** Absent: one that the config in force has. */
  mode?: Mode | undefined;
}

export interface TimelineView extends Span {
  mode: Mode;
  /** Those of the configs in force in the window. */
  modes: Mode[];
  /** Length of one part; whole hours where it is an hour or more. */
  partMs: number;
  /** Parts that hold a slot. `ok` is counted where the parts are hours, else estimated from the time on air. */
  parts: { at: Instant; slots: SlotCounts }[];
  /** Every slot, where they are few enough to be told apart; else null. */
  slots: Slot[] | null;
  sessions: Pick<SessionRow, 'startedAt' | 'endedAt' | 'certainty' | 'endCertain'>[];
  /** Versions of the app's config that stood at some time of the window, oldest first. */
  configs: (StoredConfigVersion & { validTo: Instant | null })[];
  blind: Span[];
  excused: (Span & { reason: string })[];
  auditedUntil: Instant | null;
  /** Of the newest session of the window; null where nothing was expected. */
  intervalSeconds: number | null;
}

export interface TimelineDeps {
  reads: HistoryReads & TimelineReads;
  clock: { now(): Instant };
}

const HOUR_MS = 3_600_000;
/** Single slots up to so many: about what a screen can tell apart. */
const MOST_SLOTS = 1_500;
/** Where no config was in force there may be captures all the same. */
const ASSUMED_INTERVAL_MS = 10_000;
const MOST_SESSIONS = 1_000;
const MOST_CAPTURES = 20_000;

/** One stream over a window, in as many parts as the screen can show: what is sent does not grow with the window. */
export function timelineQuery({ reads, clock }: TimelineDeps) {
  return async (words: TimelineWords): Promise<TimelineView> => {
    const { domain, app, stream: name } = words;
    const filter = { domain: [domain], app: [app], stream: [name] };
    const [stream] = await reads.streams({ filter, after: null, limit: 1 });
    if (!stream) throw new RefusalError('not-found', 'This stream was never seen.');
    const { from, to, partMs } = partsOf(words);
    const window = { from, to };
    const [sessions, allConfigs, blind, excused, runs] = await Promise.all([
      reads.sessionRows({ filter, window, onAir: null, after: null, limit: MOST_SESSIONS }),
      reads.configVersions({ domain: [domain], app: [app] }),
      reads.blindSpans(from, Math.min(to, clock.now())),
      reads.excusedSpans(from, to),
      reads.verdictRuns(stream.id, { from, to: from + 1 }),
    ]);
    const lookup = configLookup(allConfigs);
    const expectations = sessions.map((session) => ({ session, config: lookup(domain, app, session.startedAt) }));
    const inForce = expectations[0]?.config ?? null;
    const configs = standing(allConfigs, app, from, to);
    const modes = modesInForce(expectations, configs);
    const mode = words.mode ?? (inForce && modesOf(inForce)[0]) ?? modes[0] ?? 'sequence';
    const { auditedUntil } = runs;
    const slotMs = inForce ? inForce.intervalSeconds * 1_000 : ASSUMED_INTERVAL_MS;
    const few = (to - from) / slotMs <= MOST_SLOTS;
    return {
      from,
      to,
      mode,
      modes,
      partMs,
      parts: await readParts(),
      slots: few ? await readSlots(stream, slotMs) : null,
      sessions,
      configs,
      blind,
      excused: excused.filter((span) => covers(span, stream)),
      auditedUntil,
      intervalSeconds: inForce?.intervalSeconds ?? null,
    };

    async function readParts(): Promise<TimelineView['parts']> {
      if (partMs >= HOUR_MS) {
        const parts = new Map<Instant, SlotCounts>();
        for (const { hour, slots } of await reads.hours({ streamId: stream!.id, from, to, mode })) {
          const at = from + Math.floor((hour - from) / partMs) * partMs;
          const counts = parts.get(at) ?? emptySlotCounts();
          for (const [verdict, count] of Object.entries(slots)) counts[verdict as keyof SlotCounts] += count;
          parts.set(at, counts);
        }
        return [...parts].map(([at, slots]) => ({ at, slots }));
      }
      const buckets = Math.round((to - from) / partMs);
      const parts = new Map<number, SlotCounts>();
      for (const { bucket, verdict, slots } of await reads.shares({ streamId: stream!.id, from, to, buckets, mode })) {
        const counts = parts.get(bucket) ?? emptySlotCounts();
        counts[verdict] += slots;
        parts.set(bucket, counts);
      }
      const due = expectations.flatMap(({ session, config }) =>
        config && modesOf(config).includes(mode) ? [{ ...session, intervalMs: config.intervalSeconds * 1_000 }] : [],
      );
      for (const [bucket, expected] of expectedSlots(due, from, partMs, Math.min(to, auditedUntil ?? from))) {
        const counts = parts.get(bucket) ?? emptySlotCounts();
        const { unexpected, ...judged } = counts;
        const other = Object.values(judged).reduce((sum, count) => sum + count, 0);
        counts.ok = Math.max(0, expected - other);
        parts.set(bucket, counts);
      }
      return [...parts].sort(([a], [b]) => a - b).map(([bucket, slots]) => ({ at: from + bucket * partMs, slots }));
    }

    async function readSlots(of: KnownStream, interval: number): Promise<Slot[]> {
      const wider = { from: from - interval, to: to + interval };
      const [rows, judged] = await Promise.all([
        reads.captureRows({
          stream: of,
          window: wider,
          filter: {},
          order: 'oldest',
          after: null,
          limit: MOST_CAPTURES,
        }),
        reads.verdictRuns(of.id, wider),
      ]);
      const labels = verdictLabels(judged.runs, judged.auditedUntil);
      const captures = rows
        .filter((row) => row.mode === mode)
        .map((row) => captureView(of, row, labels))
        .map((view) => ({ at: view.capturedAt, verdict: view.verdict, cause: view.cause, captureId: view.id }));
      const ofMode = judged.runs.filter((run) => run.mode === mode);
      return sessionSlots(captures, ofMode, interval, from, to);
    }
  };
}

/** Parts of an hour or more are whole hours, for slots are counted by the hour. */
function partsOf({ from, to, parts }: TimelineWords): Span & { partMs: number } {
  const wanted = (to - from) / parts;
  if (wanted < HOUR_MS) return { from, to: from + Math.ceil(wanted) * parts, partMs: Math.ceil(wanted) };
  const partMs = Math.ceil(wanted / HOUR_MS) * HOUR_MS;
  const start = Math.floor(from / HOUR_MS) * HOUR_MS;
  return { from: start, to: start + Math.ceil((to - start) / partMs) * partMs, partMs };
}

/** Of the sessions, or where there is none, of the versions that stood. */
function modesInForce(
  expectations: readonly { config: StoredConfigVersion | null }[],
  standing: readonly StoredConfigVersion[],
): Mode[] {
  const ofSessions = expectations.flatMap(({ config }) => config ?? []);
  return modesOf(...(ofSessions.length > 0 ? ofSessions : standing.filter(({ absent }) => !absent)));
}

/** Slots that fell due in each part as far as it was audited, from the time on air and each session's own interval. */
function expectedSlots(
  sessions: readonly { startedAt: Instant; endedAt: Instant | null; intervalMs: number }[],
  from: Instant,
  partMs: number,
  until: Instant,
): Map<number, number> {
  const due = new Map<number, number>();
  for (const { startedAt, endedAt, intervalMs } of sessions) {
    const end = Math.min(endedAt ?? until, until);
    const start = Math.max(startedAt, from);
    for (let bucket = Math.floor((start - from) / partMs); from + bucket * partMs < end; bucket++) {
      const at = from + bucket * partMs;
      const airMs = Math.min(end, at + partMs) - Math.max(start, at);
      due.set(bucket, (due.get(bucket) ?? 0) + airMs / intervalMs);
    }
  }
  return due;
}

/** The app's own versions, or those of `*` where it has none; each stands until the next. */
function standing(
  versions: readonly StoredConfigVersion[],
  app: string,
  from: Instant,
  to: Instant,
): TimelineView['configs'] {
  const own = versions.filter((version) => version.app === app);
  const used = own.length > 0 ? own : versions;
  return used
    .map((version, index) => ({ ...version, validTo: used[index + 1]?.validFrom ?? null }))
    .filter(({ validFrom, validTo }) => validFrom < to && (validTo === null || validTo > from));
}
