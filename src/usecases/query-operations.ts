import type { WindowWords } from '../core/time-window.ts';
import type { Clock, OperatorLog, RecordedOperation } from '../ports.ts';
import { isRowNumber, type Page, type PageWords, readWindowPage } from './query-paging.ts';

/** Who changed what, newest first. */
export function readOperations(
  log: OperatorLog,
  clock: Clock,
  words: PageWords & WindowWords,
): Promise<Page<RecordedOperation>> {
  return readWindowPage<RecordedOperation, [number]>({
    list: 'operator-log',
    words,
    now: clock.now(),
    isPlace: isRowNumber,
    placeOf: (row) => [row.id],
    read: (window, place, limit) => log.list({ window, after: place?.[0] ?? null, limit }),
  });
}
