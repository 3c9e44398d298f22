import { foreignPrefix } from '../core/foreign-prefix.ts';
import { compareKeys } from '../core/object-key.ts';
import type { ObjectWitness } from '../core/witness.ts';
import type { ForeignKeys } from '../ports.ts';

/** Keys that no template of a bucket explains, by folder. */
export class ForeignCounts {
  #byPrefix = new Map<string, ForeignKeys>();

  /**
   * Counts those after `after` that `isExplained` does not know, each once: returns them, and up to which key it was looked.
   * `bucket`: where they lie.
   */
  add(
    keys: readonly ObjectWitness[],
    bucket: string,
    after: string | null,
    isExplained: (key: string) => boolean,
  ): { foreign: ObjectWitness[]; after: string | null } {
    const foreign = keys.filter(({ key }) => (after === null || compareKeys(key, after) > 0) && !isExplained(key));
    for (const { key, lastModified } of foreign) {
      const prefix = foreignPrefix(key);
      const entry = this.#byPrefix.get(prefix);
      if (entry) {
        entry.count++;
        entry.lastModified = Math.max(entry.lastModified, lastModified);
      } else this.#byPrefix.set(prefix, { bucket, prefix, count: 1, example: key, lastModified });
    }
    return { foreign, after: foreign.at(-1)?.key ?? after };
  }

  all(): ForeignKeys[] {
    return [...this.#byPrefix.values()];
  }

  clear(): void {
    this.#byPrefix.clear();
  }
}
