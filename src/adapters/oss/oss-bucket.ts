import { isIP } from 'node:net';
import pRetry from 'p-retry';
import type { ObjectWitness } from '../../core/witness.ts';
import { type Bucket, CouldNotLookError, type LifecycleRule, type ObjectPage } from '../../ports.ts';
import { BadAnswerError } from './bad-answer-error.ts';
import { describeFailure } from './describe-failure.ts';
import type { OssClient } from './oss-client.ts';
import { decodePageToken, encodePageToken } from './page-token.ts';
import { readHead } from './read-head.ts';
import { readLifecycle } from './read-lifecycle.ts';
import { type ListExpectation, readListPage } from './read-list-page.ts';

export type OssCallKind = 'list' | 'head' | 'lifecycle';

export interface OssCall {
  kind: OssCallKind;
  bucket: string;
  durationMs: number;
  /** Keys that came back. */
  keys: number;
  /** null for a good answer, else the reason of the `CouldNotLookError`. */
  failure: string | null;
}

/** What one bucket needs of its maker. */
export interface BucketSurroundings {
  /** As it is named in messages, e.g. `https://oss-cn-shanghai.aliyuncs.com`. */
  where: string;
  timeoutMs: number;
  retries: number;
  /** First pause between two attempts; it doubles, with jitter. */
  retryPauseMs: number;
  /** A client with the credentials of now. */
  client(): Promise<OssClient>;
  /** Waits until `atMost` keys may be read. */
  pace<T>(atMost: number, work: () => Promise<{ value: T; keys: number }>): Promise<T>;
  onCall(call: OssCall): void;
  onRetry(failure: CouldNotLookError, attemptNumber: number): void;
}

const MAX_PAGE_KEYS = 1000;
const MAX_URL_SECONDS = 604_800;
const MAX_RETRY_PAUSE_MS = 10_000;

export class OssBucket implements Bucket {
  readonly name: string;
  readonly #around: BucketSurroundings;

  constructor(name: string, around: BucketSurroundings) {
    this.name = name;
    this.#around = around;
  }

  async listPage(query: Parameters<Bucket['listPage']>[0]): Promise<ObjectPage> {
    const asked = query.token === undefined ? null : decodePageToken(query.token);
    const expected: ListExpectation = {
      bucket: this.name,
      prefix: query.prefix,
      maxKeys: Math.min(Math.max(1, query.maxKeys ?? MAX_PAGE_KEYS), MAX_PAGE_KEYS),
      after: asked?.lastKey ?? query.startAfter ?? '',
      asked,
    };
    const what = `List bucket "${this.name}" under "${query.prefix}"`;
    return this.#withRetries(what, query.signal, () => this.#listOnce(expected));
  }

  async head(key: string): Promise<ObjectWitness | null> {
    return this.#withRetries(`Look up "${key}" in bucket "${this.name}"`, undefined, async () => {
      const found = await this.#call('head', 1, async (client) => {
        const object = await this.#headOnce(client, key);
        return { value: object, keys: object ? 1 : 0 };
      });
      if (found === null) await this.#proveAbsent(key);
      return found;
    });
  }

  async signedUrl(key: string, expiresSeconds: number): Promise<string> {
    if (!Number.isInteger(expiresSeconds) || expiresSeconds < 1 || expiresSeconds > MAX_URL_SECONDS) {
      throw new RangeError(`a signed URL lives 1 to ${MAX_URL_SECONDS} seconds, not ${expiresSeconds}`);
    }
    return this.#withRetries(`Sign a URL for "${key}" in bucket "${this.name}"`, undefined, async () => {
      const client = await this.#around.client();
      this.#requireHostName();
      return client.signatureUrlV4('GET', expiresSeconds, undefined, key);
    });
  }

  async lifecycleRules(): Promise<LifecycleRule[]> {
    return this.#withRetries(`Read the lifecycle rules of bucket "${this.name}"`, undefined, () =>
      this.#call('lifecycle', 1, async (client) => ({ value: await this.#lifecycleOnce(client), keys: 0 })),
    );
  }

  /** `ali-oss` leaves the bucket out of a URL to an IP address, which would then lead nowhere. */
  #requireHostName(): void {
    if (isIP(new URL(this.#around.where).hostname) === 0) return;
    throw new CouldNotLookError(
      `A URL into bucket "${this.name}" cannot be signed for ${this.#around.where}: give SNAPAUDIT_OSS_ENDPOINT a host name.`,
      { reason: 'bad-endpoint', transient: false },
    );
  }

  async #listOnce(expected: ListExpectation): Promise<ObjectPage> {
    return this.#call('list', expected.maxKeys, async (client) => {
      // New objects on every call, and no parameter without a value: see OssClient.
      const query: Record<string, string | number> = { 'max-keys': expected.maxKeys, 'encoding-type': 'url' };
      if (expected.prefix !== '') query.prefix = expected.prefix;
      if (expected.asked) query['continuation-token'] = expected.asked.vendorToken;
      else if (expected.after !== '') query['start-after'] = expected.after;
      const { objects, next } = readListPage(await client.listV2(query, {}), expected);
      return { value: { objects, nextToken: next && encodePageToken(next) }, keys: objects.length };
    });
  }

  async #headOnce(client: OssClient, key: string): Promise<ObjectWitness | null> {
    try {
      const { status, res } = await client.head(key, {});
      return readHead(this.name, key, status, res.headers);
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }

  /**
   * A 404 to a HEAD has no body and may come from anyone about anything, a deleted bucket included. A listing of exactly
   * this name can only succeed where the bucket answers, so it is asked after every 404: a proof kept from before would
   * not see that the bucket went away since.
   */
  async #proveAbsent(key: string): Promise<void> {
    const expected: ListExpectation = { bucket: this.name, prefix: key, maxKeys: 1, after: '', asked: null };
    const page = await this.#listOnce(expected);
    if (page.objects[0]?.key === key) throw new BadAnswerError('HEAD says it is not there and the listing holds it');
  }

  async #lifecycleOnce(client: OssClient): Promise<LifecycleRule[]> {
    try {
      const { rules, res } = await client.getBucketLifecycle(this.name, {});
      return readLifecycle(rules, res.data);
    } catch (error) {
      if ((error as { code?: unknown }).code === 'NoSuchLifecycle') return [];
      throw error;
    }
  }

  /** One request: paced, counted, reported. */
  async #call<T>(
    kind: OssCallKind,
    atMostKeys: number,
    request: (client: OssClient) => Promise<{ value: T; keys: number }>,
  ): Promise<T> {
    return this.#around.pace(atMostKeys, async () => {
      const client = await this.#around.client();
      const startedAt = performance.now();
      const report = (keys: number, failure: string | null) =>
        this.#around.onCall({ kind, bucket: this.name, durationMs: performance.now() - startedAt, keys, failure });
      try {
        const done = await request(client);
        report(done.keys, null);
        return done;
      } catch (error) {
        const attempt = { what: kind, where: this.#around.where, timeoutMs: this.#around.timeoutMs };
        report(0, describeFailure(error, attempt).reason);
        throw error;
      }
    });
  }

  async #withRetries<T>(what: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const attempt = { what, where: this.#around.where, timeoutMs: this.#around.timeoutMs };
    return pRetry(
      async () => {
        try {
          return await untilAborted(work(), signal);
        } catch (error) {
          if (signal?.aborted) throw error;
          throw describeFailure(error, attempt);
        }
      },
      {
        retries: this.#around.retries,
        minTimeout: this.#around.retryPauseMs,
        maxTimeout: MAX_RETRY_PAUSE_MS,
        randomize: true,
        ...(signal ? { signal } : {}),
        shouldRetry: ({ error }) => error instanceof CouldNotLookError && error.transient,
        onFailedAttempt: ({ error, attemptNumber, retriesLeft }) => {
          if (error instanceof CouldNotLookError && error.transient && retriesLeft > 0) {
            this.#around.onRetry(error, attemptNumber);
          }
        },
      },
    );
  }
}

/** `ali-oss` reports every 404 without a body so, whatever `x-oss-err` says. */
function isNotFound(error: unknown): boolean {
  const { code, status } = (error ?? {}) as { code?: unknown; status?: unknown };
  return status === 404 && code === 'NoSuchKey';
}

/** `ali-oss` cannot be aborted: the request runs on to its timeout, but nobody waits for it. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
