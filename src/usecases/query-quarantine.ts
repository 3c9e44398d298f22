import { RefusalError } from '../core/refusal.ts';
import type { WindowWords } from '../core/time-window.ts';
import type { Clock, QuarantineHistory, QuarantineKind, QuarantineRead, ScopeFilter } from '../ports.ts';
import { isRowNumber, type Page, type PageWords, readWindowPage } from './query-paging.ts';

export type QuarantineWords = PageWords &
  WindowWords &
  ScopeFilter & {
    kind?: readonly QuarantineKind[] | undefined;
    reason?: readonly string[] | undefined;
    settled?: boolean | undefined;
  };

export type QuarantineDetail = QuarantineRead & {
  headers: Record<string, unknown>;
  bodyBase64: string;
  /** Where the body is UTF-8. */
  bodyText: string | null;
};

export function quarantineQueries({ reads, clock }: { reads: QuarantineHistory; clock: Clock }) {
  return {
    /** Newest first. */
    quarantined(words: QuarantineWords): Promise<Page<QuarantineRead>> {
      return readWindowPage<QuarantineRead, [number]>({
        list: 'quarantine',
        words,
        now: clock.now(),
        isPlace: isRowNumber,
        placeOf: (row) => [row.id],
        read: (window, place, limit) =>
          reads.quarantineRows({
            scope: words,
            kind: words.kind,
            reason: words.reason,
            settled: words.settled,
            window,
            after: place?.[0] ?? null,
            limit,
          }),
      });
    },

    async quarantinedRequest(id: number): Promise<QuarantineDetail> {
      const row = await reads.quarantineRow(id);
      if (!row) throw new RefusalError('not-found', 'There is no such request in quarantine (any more).');
      const { body, ...rest } = row;
      return { ...rest, bodyBase64: body.toString('base64'), bodyText: textOf(body) };
    },
  };
}

function textOf(body: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return null;
  }
}
