import type { WindowWords } from '../core/time-window.ts';
import type { AuditRead, AuditReads, Clock } from '../ports.ts';
import { isRowNumber, type Page, type PageWords, readWindowPage } from './query-paging.ts';

export type AuditWords = PageWords &
  WindowWords & { domain?: readonly string[] | undefined; status?: readonly AuditRead['status'][] | undefined };

export function auditQueries({ reads, clock }: { reads: AuditReads; clock: Clock }) {
  return {
    /** Newest first, with what each one cost. */
    audits(words: AuditWords): Promise<Page<AuditRead>> {
      return readWindowPage<AuditRead, [number]>({
        list: 'audits',
        words,
        now: clock.now(),
        isPlace: isRowNumber,
        placeOf: (row) => [row.id],
        read: (window, place, limit) =>
          reads.auditRows({ domain: words.domain, status: words.status, window, after: place?.[0] ?? null, limit }),
      });
    },
  };
}
