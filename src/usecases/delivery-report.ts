import { coverage } from '../core/coverage.ts';
import type { Instant } from '../core/instant.ts';
import { RefusalError } from '../core/refusal.ts';
import { mergeSpans } from '../core/span.ts';
import type { StreamKey } from '../core/stream-key.ts';
import { addSlotCounts, emptySlotCounts, SLOT_VERDICTS_THAT_COUNT, type SlotCounts } from '../core/verdict.ts';
import type {
  Clock,
  CoveragePlace,
  CoverageReads,
  LongestGap,
  ReportReads,
  ScopeFilter,
  StoredExcusedSpan,
  StreamReads,
} from '../ports.ts';
import { mayTouch } from './query-coverage.ts';
import { covers } from './query-streams.ts';

export const REPORT_LEVELS = ['domain', 'app', 'stream'] as const;
export type ReportLevel = (typeof REPORT_LEVELS)[number];

export interface ReportRow {
  level: ReportLevel;
  domain: string;
  app: string | null;
  stream: string | null;
  /** Slots that count. */
  expected: number;
  good: number;
  coverage: number | null;
  slots: SlotCounts;
  longestGap: Omit<LongestGap, 'streamId'> | null;
  /** Maintenance and pauses inside the month, by reason; of a domain or app, when at least one of its streams was excused. */
  excluded: { reason: string; milliseconds: number }[];
  /** The same for whatever reason: where reasons overlap, the time counts once. */
  excludedMilliseconds: number;
}

export interface DeliveryReport {
  /** `2026-11`, UTC. */
  month: string;
  from: Instant;
  /** The end of the month, or now where it is not over. */
  to: Instant;
  madeAt: Instant;
  /** Domain, then its apps, then their streams; by name. */
  rows: ReportRow[];
  /** The longest fault of each of the streams that have the longest ones, longest first. */
  longestGaps: (StreamKey & Omit<LongestGap, 'streamId'>)[];
  /** Those that may touch a stream of what was asked for. */
  exclusions: StoredExcusedSpan[];
}

export interface ReportDeps {
  reads: CoverageReads & ReportReads & StreamReads;
  clock: Clock;
}

const BATCH = 1_000;
const LONGEST_GAPS = 15;

/** What was delivered in a month, per domain, app and stream. */
export function deliveryReports({ reads, clock }: ReportDeps) {
  return async (month: string, scope: ScopeFilter): Promise<DeliveryReport> => {
    const now = clock.now();
    const { from, to: end } = monthOf(month);
    if (from >= now) throw new RefusalError('bad-parameter', `${month} has not begun yet.`);
    const to = Math.min(end, now);
    const streams = await readStreams(reads, scope);
    const [longest, spans] = await Promise.all([reads.longestGaps(scope, from, to), reads.excusedSpans(from, to)]);
    const exclusions = spans.filter((span) => mayTouch(span, scope));
    const longestOf = new Map(longest.map(({ streamId, ...gap }) => [streamId, gap]));
    const rows: RowInMaking[] = [];
    for await (const { key, slots } of readSlots(reads, scope, from, to)) {
      const id = streams.get(nameOf(key));
      addRow(rows, key, slots, {
        longestGap: (id === undefined ? undefined : longestOf.get(id)) ?? null,
        excused: exclusions.filter((span) => covers(span, key)),
      });
    }
    const longestGaps = rows
      .flatMap(({ level, domain, app, stream, longestGap }) =>
        level === 'stream' && longestGap ? [{ domain, app: app ?? '', stream: stream ?? '', ...longestGap }] : [],
      )
      .sort((a, b) => lengthOf(b) - lengthOf(a))
      .slice(0, LONGEST_GAPS);
    return {
      month,
      from,
      to,
      madeAt: now,
      rows: rows.map(({ excused, ...row }) => ({ ...row, ...excludedTime([...excused], from, to) })),
      longestGaps,
      exclusions,
    };
  };
}

export type DeliveryReports = ReturnType<typeof deliveryReports>;

export function monthOf(month: string): { from: Instant; to: Instant } {
  const match = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(month);
  const year = Number(match?.[1]);
  if (!match || year < 2016 || year > 9998) {
    throw new RefusalError('bad-parameter', 'Write the month like 2026-11.');
  }
  const number = Number(match[2]);
  return { from: Date.UTC(year, number - 1, 1), to: Date.UTC(year, number, 1) };
}

/** A row while streams are still added to it, with the spans that touch them. */
type RowInMaking = Omit<ReportRow, 'excluded' | 'excludedMilliseconds'> & { excused: Set<StoredExcusedSpan> };

/** Adds a stream to its domain and its app, which come before it; streams come by name. */
function addRow(
  rows: RowInMaking[],
  key: StreamKey,
  slots: SlotCounts,
  more: Pick<ReportRow, 'longestGap'> & { excused: StoredExcusedSpan[] },
): void {
  const open = (level: 'domain' | 'app') => {
    const last = rows.findLast((row) => row.level === level);
    if (last && last.domain === key.domain && (level === 'domain' || last.app === key.app)) return last;
    const row = emptyRow(level, key.domain, level === 'app' ? key.app : null, null);
    rows.push(row);
    return row;
  };
  const above = [open('domain'), open('app')];
  const own = emptyRow('stream', key.domain, key.app, key.stream);
  rows.push(own);
  for (const row of [...above, own]) {
    addSlotCounts(row.slots, slots);
    for (const span of more.excused) row.excused.add(span);
    row.good = row.slots.ok;
    row.expected = SLOT_VERDICTS_THAT_COUNT.reduce((sum, verdict) => sum + row.slots[verdict], 0);
    row.coverage = coverage(row.slots);
    if (more.longestGap && lengthOf(more.longestGap) > lengthOf(row.longestGap)) row.longestGap = more.longestGap;
  }
}

function lengthOf(gap: ReportRow['longestGap']): number {
  return gap ? gap.to - gap.from : -1;
}

function emptyRow(level: ReportRow['level'], domain: string, app: string | null, stream: string | null): RowInMaking {
  return {
    level,
    domain,
    app,
    stream,
    expected: 0,
    good: 0,
    coverage: null,
    slots: emptySlotCounts(),
    longestGap: null,
    excused: new Set(),
  };
}

function excludedTime(
  spans: readonly StoredExcusedSpan[],
  from: Instant,
  to: Instant,
): Pick<ReportRow, 'excluded' | 'excludedMilliseconds'> {
  const lengthOf = (some: readonly StoredExcusedSpan[]) =>
    mergeSpans(some.map((span) => ({ from: Math.max(span.from, from), to: Math.min(span.to, to) }))).reduce(
      (sum, span) => sum + span.to - span.from,
      0,
    );
  const byReason = Map.groupBy(spans, (span) => span.reason);
  return {
    excluded: [...byReason].map(([reason, own]) => ({ reason, milliseconds: lengthOf(own) })),
    excludedMilliseconds: lengthOf(spans),
  };
}

function nameOf({ domain, app, stream }: StreamKey): string {
  return JSON.stringify([domain, app, stream]);
}

async function readStreams(reads: StreamReads, scope: ScopeFilter): Promise<Map<string, number>> {
  const ids = new Map<string, number>();
  let after: StreamKey | null = null;
  for (;;) {
    const batch: Awaited<ReturnType<StreamReads['streams']>> = await reads.streams({
      filter: scope,
      after,
      limit: BATCH,
    });
    for (const stream of batch) ids.set(nameOf(stream), stream.id);
    if (batch.length < BATCH) return ids;
    after = batch.at(-1)!;
  }
}

async function* readSlots(
  reads: CoverageReads,
  scope: ScopeFilter,
  from: Instant,
  to: Instant,
): AsyncGenerator<{ key: StreamKey; slots: SlotCounts }> {
  let after: CoveragePlace | null = null;
  for (;;) {
    const batch: Awaited<ReturnType<CoverageReads['coverageRows']>> = await reads.coverageRows({
      scope,
      from,
      to,
      per: 'total',
      by: 'stream',
      after,
      limit: BATCH,
    });
    for (const { domain, app, stream, slots } of batch) {
      yield { key: { domain: domain ?? '', app: app ?? '', stream: stream ?? '' }, slots };
    }
    const last = batch.at(-1);
    if (!last || batch.length < BATCH) return;
    after = [0, last.domain ?? '', last.app ?? '', last.stream ?? ''];
  }
}
