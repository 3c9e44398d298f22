import { coverage } from '../core/coverage.ts';
import type { Instant } from '../core/instant.ts';
import { resolveClosedWindow, type WindowWords } from '../core/time-window.ts';
import { SLOT_VERDICTS_THAT_COUNT, type SlotCounts } from '../core/verdict.ts';
import type {
  Clock,
  CoverageGroup,
  CoveragePlace,
  CoverageReads,
  CoverageUnit,
  ScopeFilter,
  StoredExcusedSpan,
  StreamReads,
} from '../ports.ts';
import { cursorAfter, isInstant, isText, type Page, type PageWords, readWindowPage } from './query-paging.ts';

export interface CoverageView {
  /** The part of the window that the row is about; whole hours, UTC. */
  from: Instant;
  to: Instant;
  /** Start of the whole hour, day or month; 0 for the total. */
  at: Instant;
  /** null where the rows are not told apart by it. */
  domain: string | null;
  app: string | null;
  stream: string | null;
  slots: SlotCounts;
  /** Slots that count: all but excused, unknown and pending ones, and unexpected captures. */
  counted: number;
  /** Good slots / slots that count; null where none counts. */
  coverage: number | null;
}

export interface CoverageAnswer extends Page<CoverageView> {
  /** The window, widened to whole hours. */
  from: Instant;
  to: Instant;
  /** Maintenance and pauses that touch the window; what was bad inside is `excused`. */
  exclusions: StoredExcusedSpan[];
}

export type CoverageWords = PageWords &
  WindowWords &
  ScopeFilter & { per?: CoverageUnit | undefined; by?: CoverageGroup | undefined };

const HOUR_MS = 3_600_000;
const DEFAULT_WINDOW_MS = 24 * HOUR_MS;

export function coverageQueries({ reads, clock }: { reads: CoverageReads & StreamReads; clock: Clock }) {
  return {
    /** By time, then by name. Without a window the last 24 hours. */
    async coverage(words: CoverageWords): Promise<CoverageAnswer> {
      const { per = 'total', by = 'stream' } = words;
      const now = clock.now();
      let window = resolveHours(words, now);
      const page = await readWindowPage<CoverageView, CoveragePlace>({
        list: 'coverage',
        words,
        now,
        resolve: () => window,
        isPlace: (values): values is CoveragePlace =>
          values.length === 4 && isInstant(values[0]) && values.slice(1).every(isText),
        placeOf,
        read: async (fixed, after, limit) => {
          window = { from: fixed.from ?? window.from, to: fixed.to ?? window.to };
          const { from, to } = window;
          const rows = await reads.coverageRows({ scope: words, from, to, per, by, after, limit });
          return rows.map(({ at, ...row }) => ({
            ...row,
            at: at ?? 0,
            from: Math.max(at ?? from, from),
            to: at === null ? to : Math.min(endOf(at, per), to),
            counted: SLOT_VERDICTS_THAT_COUNT.reduce((sum, verdict) => sum + row.slots[verdict], 0),
            coverage: coverage(row.slots),
          }));
        },
      });
      const spans = await reads.excusedSpans(window.from, window.to);
      return { ...page, ...window, exclusions: spans.filter((span) => mayTouch(span, words)) };
    },
  };
}

function placeOf(row: CoverageView): CoveragePlace {
  return [row.at, row.domain ?? '', row.app ?? '', row.stream ?? ''];
}

/** The cursor of the list that goes on after this row. */
export function coverageCursor(
  words: CoverageWords,
  window: { from: Instant; to: Instant },
  row: CoverageView,
): string {
  return cursorAfter('coverage', words, window, placeOf(row));
}

/** Slots are counted by the hour, so the window is widened to whole hours. */
function resolveHours(words: WindowWords, now: Instant): { from: Instant; to: Instant } {
  const { from, to } = resolveClosedWindow(words, now, DEFAULT_WINDOW_MS);
  return { from: Math.floor(from / HOUR_MS) * HOUR_MS, to: Math.ceil(to / HOUR_MS) * HOUR_MS };
}

function endOf(at: Instant, per: CoverageUnit): Instant {
  if (per === 'hour') return at + HOUR_MS;
  if (per === 'day') return at + 24 * HOUR_MS;
  const start = new Date(at);
  return Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1);
}

/** Whether some stream of the scope may lie in the span. */
export function mayTouch(span: StoredExcusedSpan, scope: ScopeFilter): boolean {
  const meets = (name: string | null, asked: readonly string[] | undefined) =>
    name === null || asked === undefined || asked.includes(name);
  return meets(span.domain, scope.domain) && meets(span.app, scope.app) && meets(span.stream, scope.stream);
}
