import pRetry, { AbortError } from 'p-retry';

/** The vendor's rule for callbacks: 5 s to answer, 5 retries, 1 s apart (reference/live-api.md, 1.1). */
export interface DeliveryPolicy {
  timeoutMs: number;
  retries: number;
  pauseMs: number;
}

export const VENDOR_DELIVERY: DeliveryPolicy = { timeoutMs: 5_000, retries: 5, pauseMs: 1_000 };

export interface CallbackRequest {
  url: string;
  method: 'GET' | 'POST';
  headers: Record<string, string>;
  body: string | null;
}

export interface DeliveryOutcome {
  /** The status of the last answer; null where none came. */
  status: number | null;
  attempts: number;
}

/**
 * Delivers one callback, or gives up. Retried: no answer in time, no connection, 5xx. A 4xx ends it: that the vendor retries one is
 * stated nowhere. `build` is asked anew for each attempt, for a retry is signed with the time at which it starts.
 */
export async function deliver(
  build: () => CallbackRequest,
  policy: DeliveryPolicy,
  stopped: AbortSignal,
): Promise<DeliveryOutcome> {
  let attempts = 0;
  let status: number | null = null;
  const attempt = async (): Promise<void> => {
    attempts += 1;
    status = null;
    const { url, method, headers, body } = build();
    const response = await fetch(url, {
      method,
      headers,
      body,
      redirect: 'manual',
      signal: AbortSignal.any([stopped, AbortSignal.timeout(policy.timeoutMs)]),
    });
    await response.arrayBuffer();
    status = response.status;
    if (status >= 500) throw new Error(`answered ${status}`);
    if (status >= 400) throw new AbortError(`answered ${status}`);
  };
  try {
    await pRetry(attempt, {
      retries: policy.retries,
      factor: 1,
      minTimeout: policy.pauseMs,
      maxTimeout: policy.pauseMs,
      signal: stopped,
      // Every failure of `fetch` counts as one of the network's.
      shouldRetry: () => !stopped.aborted,
    });
  } catch {
    // The vendor gives up silently too; the outcome says what happened.
  }
  return { status, attempts };
}
