import { type CallbackKey, checkSignature, type SignedHost } from '../core/callback-signature.ts';
import { isPlausible } from '../core/capture-shape.ts';
import { readPushCallback } from '../core/push-callback.ts';
import type { QuarantineReason, SignatureProblem } from '../core/quarantine-reason.ts';
import type { Clock, SessionSignal } from '../ports.ts';
import { RefusedError } from './group-commit.ts';
import type { QuarantineSink, Sink } from './receive-callback.ts';

export interface StreamCallbackRequest {
  /** The request target as it came, path and query. */
  target: string;
  timestamp: string | undefined;
  signature: string | undefined;
  headers: () => Record<string, string>;
  remoteAddress: string | null;
}

export type StreamCallbackAnswer =
  | { outcome: 'stored' }
  | { outcome: 'quarantined'; reason: QuarantineReason }
  | { outcome: 'rejected'; reason: SignatureProblem }
  | { outcome: 'not-kept'; reason: QuarantineReason };

export interface ReceiveStreamCallbackParts {
  clock: Clock;
  keys: readonly CallbackKey[];
  clockWindowSeconds: number;
  /** Streaming domain of an ingest domain; null for one that the settings do not name. */
  streamingDomainOf: (pushDomain: string) => string | null;
  signals: Sink<SessionSignal>;
  quarantine: QuarantineSink;
}

export type ReceiveStreamCallback = (request: StreamCallbackRequest) => Promise<StreamCallbackAnswer>;

/**
 * One publish or publish_done. It is signed over the ingest domain on which the URL is configured, not over the URL's host
 * (reference/live-api.md 2.1), so the domain that the query names is tried, if it is one of ours.
 */
export function createReceiveStreamCallback(parts: ReceiveStreamCallbackParts): ReceiveStreamCallback {
  const { clock } = parts;
  return async (request) => {
    const receivedAt = clock.now();
    const query = queryOf(request.target);
    const reading = readPushCallback(query);
    const pushDomain = query.get('app') ?? '';
    const hosts: SignedHost[] = [{ host: pushDomain, form: 'host' }];
    const check = checkSignature({
      timestamp: request.timestamp,
      signature: request.signature,
      hosts,
      keys: parts.keys,
      now: receivedAt,
      clockWindowSeconds: parts.clockWindowSeconds,
    });
    const setAside = (kind: 'rejected' | 'unclassified' | 'implausible', reason: QuarantineReason) =>
      parts.quarantine.accept(
        {
          receivedAt,
          kind,
          reason,
          remoteAddress: request.remoteAddress,
          headers: request.headers(),
          body: Buffer.from(request.target.slice(0, 8_192)),
          domain: reading.ok ? reading.callback.pushDomain : null,
          app: reading.ok ? reading.callback.app : null,
          stream: reading.ok ? reading.callback.stream : null,
          object: null,
        },
        check.outcome === 'verified',
      );
    if (check.outcome === 'rejected') {
      await setAside('rejected', check.problem);
      return { outcome: 'rejected', reason: check.problem };
    }
    const aside = async (kind: 'unclassified' | 'implausible', reason: QuarantineReason) =>
      (await setAside(kind, reason))
        ? ({ outcome: 'quarantined', reason } as const)
        : ({ outcome: 'not-kept', reason } as const);

    if (!reading.ok) return aside('unclassified', reading.problem);
    const { callback } = reading;
    if (!isPlausible(callback.at, receivedAt)) return aside('implausible', 'instant-implausible');
    const domain = parts.streamingDomainOf(callback.pushDomain);
    if (domain === null) return aside('unclassified', 'unknown-push-domain');
    try {
      await parts.signals.accept({
        domain,
        app: callback.app,
        stream: callback.stream,
        at: callback.at,
        kind: callback.kind,
        seenAt: receivedAt,
        startedAt: callback.kind === 'publish' ? callback.at : null,
        endedAt: callback.kind === 'publish_done' ? callback.at : null,
        pushDomain: callback.pushDomain,
      });
    } catch (error) {
      if (error instanceof RefusedError) return aside('unclassified', error.reason);
      throw error;
    }
    return { outcome: 'stored' };
  };
}

function queryOf(target: string): URLSearchParams {
  return new URLSearchParams(target.slice(target.indexOf('?') + 1 || target.length));
}
