import type { RefusedItem } from '../../ports.ts';
import { isConflict, isDataError, sqlStateOf } from './sql-error.ts';

const NO_PARTITION = '23514';
const TRIES = 3;

/**
 * Writes a batch so that one item which the database cannot take does not stop the others: on an error of the data the batch is halved
 * until that item stands alone and is refused. Conflicts with another transaction are tried again. Everything else is thrown.
 */
export async function writeAround<T>(
  items: T[],
  write: (items: T[]) => Promise<RefusedItem<T>[]>,
  options: { onMissingPartition?: () => void } = {},
): Promise<RefusedItem<T>[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await write(items);
    } catch (error) {
      if (isConflict(error) && attempt < TRIES) continue;
      if (sqlStateOf(error) === NO_PARTITION && options.onMissingPartition && attempt < TRIES) {
        options.onMissingPartition();
        continue;
      }
      if (!isDataError(error)) throw error;
      if (items.length === 1) return [{ item: items[0]!, reason: `not-storable-${sqlStateOf(error)?.toLowerCase()}` }];
      const middle = items.length >>> 1;
      return [
        ...(await writeAround(items.slice(0, middle), write, options)),
        ...(await writeAround(items.slice(middle), write, options)),
      ];
    }
  }
}
