import type { Instant } from '../../core/instant.ts';
import type { HttpProbe } from '../../ports.ts';

const TIMEOUT_MS = 10_000;

/** What a service says of its spool at `/readyz`; null where it has none. Rejects where no service answers under `url`. */
export async function askSpoolDepth(url: string): Promise<{ entries: number; oldestAgeSeconds: number } | null> {
  const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  return ((await response.json()) as { spool: { entries: number; oldestAgeSeconds: number } | null }).spool;
}

/** Two plain questions over HTTP for `doctor`: what time it is over there, and whether our own callback URL answers. */
export function createHttpProbe(): HttpProbe {
  return {
    async serverTime(url) {
      const sentAt = Date.now();
      const response = await fetch(url, {
        method: 'HEAD',
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const date = Date.parse(response.headers.get('date') ?? '');
      if (Number.isNaN(date)) return null;
      // The header has whole seconds: the middle of its second against the middle of the call.
      return { theirs: date + 500, ours: ((sentAt + Date.now()) / 2) as Instant };
    },
    async post(url, headers, body) {
      const response = await fetch(url, {
        method: 'POST',
        headers,
        body,
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return { status: response.status, text: (await response.text()).slice(0, 4096) };
    },
  };
}
