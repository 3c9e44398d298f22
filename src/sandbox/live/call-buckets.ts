/** Calls allowed per second: a token bucket that holds one second's worth. */
export interface CallBuckets {
  /** False: this call is over the limit. */
  take(action: string, perSecond: number): boolean;
}

export function createCallBuckets(now: () => number): CallBuckets {
  const buckets = new Map<string, { tokens: number; atMs: number }>();
  return {
    take(action, perSecond) {
      const capacity = Math.max(1, perSecond);
      const nowMs = now();
      const bucket = buckets.get(action) ?? { tokens: capacity, atMs: nowMs };
      buckets.set(action, bucket);
      bucket.tokens = Math.min(capacity, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * perSecond);
      bucket.atMs = nowMs;
      if (bucket.tokens < 1) return false;
      bucket.tokens -= 1;
      return true;
    },
  };
}
