import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { compareKeys } from '../../core/object-key.ts';

/** What a listing tells of an object. */
export interface ObjectSummary {
  key: string;
  /** ms since epoch; the wire carries whole seconds. */
  lastModified: number;
  sizeBytes: number;
  /** Without the quotes that the wire puts around it. */
  etag: string;
}

export interface StoredObject extends ObjectSummary {
  body: Buffer;
  contentType: string | null;
  /** `x-oss-meta-*` headers, lower-case names. */
  meta: Record<string, string>;
}

export interface PutObject {
  key: string;
  body: Buffer;
  lastModified: number;
  contentType?: string | null;
  meta?: Record<string, string>;
}

/** The objects of one bucket. A benchmark may serve generated keys through it without holding a single body. */
export interface ObjectStore {
  /** At most `limit` objects whose key starts with `prefix` and sorts after `startAfter` ('' for the first), in UTF-8 byte order. */
  list(prefix: string, startAfter: string, limit: number): ObjectSummary[];
  head(key: string): ObjectSummary | null;
  get(key: string): StoredObject | null;
  put(object: PutObject): ObjectSummary;
  /** False where there was no such object. */
  delete(key: string): boolean;
}

// A CommonJS package whose default export Node and Vite hand over differently; `require` is the same in both.
const { default: BTree } = createRequire(import.meta.url)('sorted-btree') as typeof import('sorted-btree');

/** Keeps objects in a B+ tree: a page of a million keys costs one descent and `limit` steps. */
export class MemoryObjectStore implements ObjectStore {
  readonly #objects = new BTree<string, StoredObject>(undefined, compareKeys);

  get size(): number {
    return this.#objects.size;
  }

  list(prefix: string, startAfter: string, limit: number): ObjectSummary[] {
    const found: ObjectSummary[] = [];
    const from = compareKeys(startAfter, prefix) > 0 ? startAfter : prefix;
    for (const [key, object] of this.#objects.entries(from)) {
      if (found.length >= limit || !key.startsWith(prefix)) break;
      if (key !== startAfter) found.push(object);
    }
    return found;
  }

  head(key: string): ObjectSummary | null {
    return this.get(key);
  }

  get(key: string): StoredObject | null {
    return this.#objects.get(key) ?? null;
  }

  put(object: PutObject): ObjectSummary {
    const stored: StoredObject = {
      key: object.key,
      body: object.body,
      sizeBytes: object.body.length,
      lastModified: object.lastModified,
      etag: createHash('md5').update(object.body).digest('hex').toUpperCase(),
      contentType: object.contentType ?? null,
      meta: object.meta ?? {},
    };
    this.#objects.set(object.key, stored);
    return stored;
  }

  delete(key: string): boolean {
    return this.#objects.delete(key);
  }
}
