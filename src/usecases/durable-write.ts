import type { BatchStore, RefusedItem, Spool, SpoolKind } from '../ports.ts';

/** Database first; the local spool when the database does not commit in time. One per receiver, shared by all kinds of items. */
export interface Durability {
  /** Makes the items durable; throws when neither database nor spool takes them. */
  write<T>(kind: SpoolKind, store: BatchStore<T>, items: T[]): Promise<RefusedItem<T>[]>;
  /** Since when the database takes nothing; null while it does. */
  databaseDownSince(): number | null;
  /** Something else than items was not committed in time: the next items need not find out for themselves. */
  databaseIsAway(): void;
  /** The database has committed again: new items go to it first, whatever the spool still holds. */
  databaseIsBack(): void;
}

export function createDurability(options: {
  spool: Spool | null;
  /** How long a commit may take before the spool is used. */
  commitTimeoutMs: number;
  /** How long it may take where there is no spool to fall back on; below the vendor's timeout of 5 s. */
  lastResortTimeoutMs: number;
  now: () => number;
  encode: (kind: SpoolKind, item: unknown) => string;
  onFailure: (kind: SpoolKind, error: unknown, target: 'database' | 'spool') => void;
  /** So many callbacks will not be passed on. */
  onForwardsDropped: (callbacks: number) => void;
}): Durability {
  let downSince: number | null = null;

  function append(kind: SpoolKind, items: unknown[], again: boolean): void {
    options.spool?.append(items.map((item) => ({ kind, payload: options.encode(kind, item), again })));
  }

  return {
    async write(kind, store, items) {
      let again = false;
      if (options.spool !== null) {
        if (downSince === null) {
          try {
            return await store.write(items, { again, timeoutMs: options.commitTimeoutMs });
          } catch (error) {
            options.onFailure(kind, error, 'database');
            // The queue of forwards is not ours alone: what is wrong with it must not keep captures out of the database.
            if (kind !== 'forward') downSince ??= options.now();
            again = true;
          }
        }
        try {
          if (kind !== 'forward' || options.spool.hasRoomForForwards()) append(kind, items, again);
          else options.onForwardsDropped(items.length);
          return [];
        } catch (error) {
          options.onFailure(kind, error, 'spool');
        }
        if (kind === 'forward') {
          // The capture is kept all the same: that nobody can pass it on is no reason to turn it away.
          options.onForwardsDropped(items.length);
          return [];
        }
      }
      // No spool, or one that takes nothing more: only the database is left, and it gets the time that the vendor waits.
      const refused = await store.write(items, { again, timeoutMs: options.lastResortTimeoutMs });
      downSince = null;
      return refused;
    },
    databaseDownSince: () => downSince,
    databaseIsAway() {
      downSince ??= options.now();
    },
    databaseIsBack() {
      downSince = null;
    },
  };
}
