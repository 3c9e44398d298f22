import { coverage } from '../core/coverage.ts';
import type { Instant } from '../core/instant.ts';
import { RefusalError } from '../core/refusal.ts';
import type { WindowWords } from '../core/time-window.ts';
import type { SlotCounts } from '../core/verdict.ts';
import type { Clock, ScopeFilter, SessionReads, SessionRow } from '../ports.ts';
import { isId, isInstant, type Page, type PageWords, readWindowPage } from './query-paging.ts';

export interface SessionView extends SessionRow {
  /** `<stream number>-<start in ms>`. */
  id: string;
  slots: SlotCounts;
  coverage: number | null;
}

export type SessionWords = PageWords & WindowWords & ScopeFilter & { onAir?: boolean | undefined };

export function sessionQueries({ reads, clock }: { reads: SessionReads; clock: Clock }) {
  async function describe(rows: readonly SessionRow[]): Promise<SessionView[]> {
    const slots = await reads.sessionSlots(rows);
    return rows.map((row, index) => ({
      ...row,
      id: `${row.streamId}-${row.startedAt}`,
      slots: slots[index]!,
      coverage: coverage(slots[index]!),
    }));
  }

  return {
    /** Newest start first. */
    sessions(words: SessionWords): Promise<Page<SessionView>> {
      return readWindowPage<SessionView, [number, number]>({
        list: 'sessions',
        words,
        now: clock.now(),
        isPlace: (values): values is [number, number] => values.length === 2 && isInstant(values[0]) && isId(values[1]),
        placeOf: (row) => [row.startedAt, row.streamId],
        read: async (window, place, limit) =>
          describe(
            await reads.sessionRows({
              filter: words,
              window,
              onAir: words.onAir ?? null,
              after: place && { startedAt: place[0], streamId: place[1] },
              limit,
            }),
          ),
      });
    },

    async session(id: string): Promise<SessionView> {
      const { streamId, startedAt } = parseSessionId(id);
      const row = await reads.sessionRow(streamId, startedAt);
      if (!row) throw new RefusalError('not-found', 'There is no such session.');
      const [view] = await describe([row]);
      return view!;
    },
  };
}

export function parseSessionId(id: string): { streamId: number; startedAt: Instant } {
  const match = /^(\d{1,10})-(\d{1,15})$/.exec(id);
  const streamId = Number(match?.[1]);
  const startedAt = Number(match?.[2]);
  if (!match || !isId(streamId) || !isInstant(startedAt)) {
    throw new RefusalError('not-found', 'There is no such session.');
  }
  return { streamId, startedAt };
}
