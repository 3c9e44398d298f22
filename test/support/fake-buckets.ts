import { compareKeys } from '../../src/core/object-key.ts';
import type { ObjectWitness } from '../../src/core/witness.ts';
import { type Bucket, type Buckets, CouldNotLookError, type LifecycleRule } from '../../src/ports.ts';

type Kind = 'list' | 'head' | 'sign' | 'lifecycle';

/** Buckets in memory for tests of use cases; test/adapters/oss/bucket-contract.ts holds it to the real adapter's behaviour. */
export class FakeBuckets implements Buckets {
  readonly #buckets = new Map<string, FakeBucket>();
  readonly #calls = { list: 0, head: 0, keys: 0 };

  /** The bucket's own handle, to fill it and to make it fail; it exists from then on. */
  bucket(name: string): FakeBucket {
    const known = this.#buckets.get(name) ?? new FakeBucket(name, this.#calls);
    known.exists = true;
    this.#buckets.set(name, known);
    return known;
  }

  /** As if its owner had deleted it. */
  remove(name: string): void {
    this.bucket(name).exists = false;
  }

  open(name: string, _endpoint: string): Bucket {
    const known = this.#buckets.get(name);
    if (known) return known;
    const missing = new FakeBucket(name, this.#calls);
    this.#buckets.set(name, missing);
    return missing;
  }

  calls(): { list: number; head: number; keys: number } {
    return { ...this.#calls };
  }

  async close(): Promise<void> {}
}

export class FakeBucket implements Bucket {
  readonly name: string;
  exists = false;
  lifecycle: LifecycleRule[] = [];
  readonly #objects = new Map<string, ObjectWitness>();
  readonly #calls: { list: number; head: number; keys: number };
  #failures: Array<{ kind: Kind | 'any'; error: CouldNotLookError; left: number }> = [];

  constructor(name: string, calls: { list: number; head: number; keys: number }) {
    this.name = name;
    this.#calls = calls;
  }

  put(key: string, lastModified: number, sizeBytes = 1000): void {
    this.#objects.set(key, { bucket: this.name, key, lastModified: Math.floor(lastModified / 1000) * 1000, sizeBytes });
  }

  delete(key: string): void {
    this.#objects.delete(key);
  }

  /** The next `times` calls of this kind fail, as they do once the adapter's own retries are used up. */
  fail(kind: Kind | 'any', reason: string, { times = 1, transient = true } = {}): void {
    const error = new CouldNotLookError(`Bucket "${this.name}" could not be looked at: ${reason}.`, {
      reason,
      transient,
    });
    this.#failures.push({ kind, error, left: times });
  }

  async listPage(query: Parameters<Bucket['listPage']>[0]) {
    query.signal?.throwIfAborted();
    this.#calls.list += 1;
    this.#look('list');
    const maxKeys = Math.min(Math.max(1, query.maxKeys ?? 1000), 1000);
    const after = query.token === undefined ? (query.startAfter ?? '') : query.token;
    const all = [...this.#objects.values()]
      .filter((object) => object.key.startsWith(query.prefix) && (after === '' || compareKeys(object.key, after) > 0))
      .sort((a, b) => compareKeys(a.key, b.key));
    const objects = all.slice(0, maxKeys);
    this.#calls.keys += objects.length;
    return { objects, nextToken: all.length > maxKeys ? (objects.at(-1)?.key ?? null) : null };
  }

  async head(key: string): Promise<ObjectWitness | null> {
    this.#calls.head += 1;
    this.#look('head');
    return this.#objects.get(key) ?? null;
  }

  async signedUrl(key: string, expiresSeconds: number): Promise<string> {
    if (!Number.isInteger(expiresSeconds) || expiresSeconds < 1 || expiresSeconds > 604_800) {
      throw new RangeError('a signed URL lives 1 to 604800 seconds');
    }
    const failure = this.#takeFailure('sign');
    if (failure) throw failure;
    return `https://${this.name}.oss.invalid/${encodeURIComponent(key)}?x-oss-expires=${expiresSeconds}`;
  }

  async lifecycleRules(): Promise<LifecycleRule[]> {
    this.#look('lifecycle');
    return this.lifecycle.map((rule) => ({ ...rule }));
  }

  #look(kind: Kind): void {
    const failure = this.#takeFailure(kind);
    if (failure) throw failure;
    if (this.exists) return;
    throw new CouldNotLookError(`Bucket "${this.name}" does not exist; check OssBucket and OssEndpoint.`, {
      reason: 'no-such-bucket',
      transient: false,
    });
  }

  #takeFailure(kind: Kind): CouldNotLookError | null {
    const hit = this.#failures.find((failure) => failure.kind === 'any' || failure.kind === kind);
    if (!hit) return null;
    hit.left -= 1;
    if (hit.left <= 0) this.#failures = this.#failures.filter((failure) => failure !== hit);
    return hit.error;
  }
}
