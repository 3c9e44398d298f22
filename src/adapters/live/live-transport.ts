import { createRequire } from 'node:module';
import { RuntimeOptions } from '@alicloud/tea-util';
import Bottleneck from 'bottleneck';
import pRetry from 'p-retry';
import { type CallBudget, CouldNotLookError } from '../../ports.ts';
import type { LiveCredential } from './credential.ts';
import { toLiveFailure } from './live-failure.ts';
import { callSpacingMs, type LiveActionName } from './live-limits.ts';
import { localCallBudget } from './local-call-budget.ts';

export interface LiveCallReport {
  action: string;
  /** `ok`, or the reason or code of the failure. */
  outcome: string;
  durationMs: number;
}

export interface LiveTransportOptions {
  /** A host name, `host:port`, or an `http://` URL (the sandbox). Default `live.aliyuncs.com`, always over HTTPS. */
  endpoint?: string;
  regionId?: string;
  credential: LiveCredential;
  /** For connecting and for reading, each. Default 10,000. */
  timeoutMs?: number;
  /** Tries after the first one. Default 4. */
  retries?: number;
  /** Pause before the first retry, doubled each time, with jitter. Default 300. */
  retryPauseMs?: number;
  /** Calls per second by action, where they differ from the documented ones. */
  limits?: Partial<Record<LiveActionName, number>>;
  /** Shares the limits with other replicas. Default: this process alone. */
  budget?: CallBudget;
  onCall?: (report: LiveCallReport) => void;
  logger?: { warn(details: object, message: string): void };
}

export type LiveAnswer = Record<string, unknown>;

export interface LiveTransport {
  /** One call of the Live OpenAPI, limited and retried. Values that are undefined are left out. Throws our two errors only. */
  call(
    action: LiveActionName,
    subject: string,
    query: Record<string, string | number | undefined>,
  ): Promise<LiveAnswer>;
  /** HTTP calls made so far, by action, retries included. */
  calls(): Record<string, number>;
  close(): Promise<void>;
}

// A CommonJS package with a `default` of its own: ESM loaders differ in what they make of it, `require` does not.
const {
  default: OpenApi,
  Config,
  OpenApiRequest,
  Params,
} = createRequire(import.meta.url)('@alicloud/openapi-client') as typeof import('@alicloud/openapi-client');

/** At 95 calls a second, enough for answers that take a third of a second. */
const CONCURRENT_CALLS = 32;
const THROTTLE_PAUSE_MS = 1000;

function splitEndpoint(endpoint: string): { protocol: 'HTTP' | 'HTTPS'; host: string } {
  const match = /^(https?):\/\/([^/]+)\/?$/i.exec(endpoint);
  if (!match) return { protocol: 'HTTPS', host: endpoint };
  return { protocol: match[1]!.toLowerCase() === 'http' ? 'HTTP' : 'HTTPS', host: match[2]! };
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Names no secret: the chain's own errors may quote files and URLs. */
function guarded(credential: LiveCredential): LiveCredential {
  return {
    async getCredential() {
      try {
        return await credential.getCredential();
      } catch {
        throw new CouldNotLookError(
          'No Alibaba Cloud credentials were found: set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or run where a RAM role supplies them.',
          { reason: 'no-credentials', transient: false },
        );
      }
    },
  };
}

/** The generic client with what it lacks: pacing at the documented limits, retries, and errors that say what to do. */
export function createLiveTransport(options: LiveTransportOptions): LiveTransport {
  const { protocol, host } = splitEndpoint(options.endpoint ?? 'live.aliyuncs.com');
  const timeoutMs = options.timeoutMs ?? 10_000;
  const budget = options.budget ?? localCallBudget();
  const calls: Record<string, number> = {};
  const limiters = new Map<string, Bottleneck>();
  const client = new OpenApi(
    new Config({
      credential: guarded(options.credential),
      endpoint: host,
      protocol,
      readTimeout: timeoutMs,
      connectTimeout: timeoutMs,
      ...(options.regionId !== undefined && { regionId: options.regionId }),
    }),
  );

  function limiterOf(action: LiveActionName): Bottleneck {
    const limiter = limiters.get(action) ?? new Bottleneck({ maxConcurrent: CONCURRENT_CALLS });
    limiters.set(action, limiter);
    return limiter;
  }

  async function attempt(action: LiveActionName, subject: string, query: Record<string, string>): Promise<LiveAnswer> {
    const { waitMs } = await budget.reserve(action, callSpacingMs(action, options.limits));
    if (waitMs > 0) await sleep(waitMs);
    calls[action] = (calls[action] ?? 0) + 1;
    const startedAt = performance.now();
    const report = (outcome: string) =>
      options.onCall?.({ action, outcome, durationMs: performance.now() - startedAt });
    try {
      const answer = await client.callApi(
        new Params({
          action,
          version: '2016-11-01',
          protocol,
          pathname: '/',
          method: 'POST',
          authType: 'AK',
          style: 'RPC',
          reqBodyType: 'formData',
          bodyType: 'json',
        }),
        new OpenApiRequest({ query }),
        new RuntimeOptions({ autoretry: false }),
      );
      report('ok');
      return answer.body as LiveAnswer;
    } catch (thrown) {
      const failure = toLiveFailure(thrown, action, subject);
      report(failure instanceof CouldNotLookError ? failure.reason : failure.code);
      if (failure instanceof CouldNotLookError && failure.reason === 'throttled') {
        await budget.pause(action, THROTTLE_PAUSE_MS);
      }
      throw failure;
    }
  }

  return {
    call(action, subject, query) {
      const given = Object.fromEntries(
        Object.entries(query)
          .filter(([, value]) => value !== undefined)
          .map(([name, value]) => [name, String(value)]),
      );
      return pRetry(() => limiterOf(action).schedule(() => attempt(action, subject, given)), {
        retries: options.retries ?? 4,
        minTimeout: options.retryPauseMs ?? 300,
        maxTimeout: 10_000,
        factor: 2,
        randomize: true,
        shouldRetry: ({ error }) => error instanceof CouldNotLookError && error.transient,
        onFailedAttempt: ({ error, attemptNumber, retriesLeft }) => {
          if (error instanceof CouldNotLookError && error.transient) {
            options.logger?.warn(
              { action, subject, reason: error.reason, attemptNumber, retriesLeft },
              'Live call failed',
            );
          }
        },
      });
    },
    calls: () => ({ ...calls }),
    async close() {
      await Promise.all([...limiters.values()].map((limiter) => limiter.disconnect()));
    },
  };
}
