import { isUtf8 } from 'node:buffer';
import { type createBodyReader, NO_NAMES, type ReadableNames } from '../core/callback-body.ts';
import { type CallbackKey, createSignatureCheck, type SignedHost } from '../core/callback-signature.ts';
import { CAPTURE_FLAGS } from '../core/capture-flags.ts';
import { encodeCapture, isPlausible } from '../core/capture-shape.ts';
import type { QuarantineReason, SignatureProblem } from '../core/quarantine-reason.ts';
import type { Clock, ForwardedCallback, IncomingCapture, QuarantineEntry } from '../ports.ts';
import { FORWARDED_HEADER, type ForwardTargets, forwardedCallback } from './forward-callback.ts';
import { RefusedError } from './group-commit.ts';

export interface CallbackRequest {
  body: Buffer;
  /** ALI-LIVE-TIMESTAMP and ALI-LIVE-SIGNATURE as they came. */
  timestamp: string | undefined;
  signature: string | undefined;
  /** Called only where the request goes to quarantine. */
  headers: () => Record<string, string>;
  remoteAddress: string | null;
}

export type CallbackAnswer =
  | { outcome: 'stored' }
  | { outcome: 'canary'; id: string }
  | { outcome: 'quarantined'; reason: QuarantineReason }
  | { outcome: 'rejected'; reason: SignatureProblem }
  /** Not kept, for the quarantine takes no more of this kind now. */
  | { outcome: 'not-kept'; reason: QuarantineReason };

/** Accepts items when they are durable. Rejects with `OverloadedError`, or `RefusedError` where an item can never be stored. */
export interface Sink<T> {
  accept(item: T): Promise<void>;
}

/** `false` where the quarantine is full for this kind of request. */
export interface QuarantineSink {
  accept(entry: QuarantineEntry, verified: boolean): Promise<boolean>;
}

export interface ReceiveCallbackParts {
  clock: Clock;
  hosts: readonly SignedHost[];
  keys: readonly CallbackKey[];
  clockWindowSeconds: number;
  reader: ReturnType<typeof createBodyReader>;
  /** The templates that may have named an object of this app, the one in force first. */
  templatesOf: (domain: string, app: string) => readonly string[];
  captures: Sink<IncomingCapture>;
  quarantine: QuarantineSink;
  /** Accepted callbacks go on to the receiver that stood there before; absent: to nobody. */
  forward?: CallbackForwarding;
}

export interface CallbackForwarding {
  targetsOf: ForwardTargets;
  sink: Sink<ForwardedCallback>;
}

export type ReceiveCallback = (request: CallbackRequest) => Promise<CallbackAnswer>;

const CANARY = 'snapauditCanary';
const CANARY_BODY = /^\{"snapauditCanary":"([A-Za-z0-9-]{1,64})"\}$/;

/** One snapshot callback: verify the raw bytes, read them, keep them. Resolves only when what it answers for is durable. */
export function createReceiveCallback(parts: ReceiveCallbackParts): ReceiveCallback {
  const { clock, reader, captures, quarantine } = parts;
  const checkSignature = createSignatureCheck(parts);

  async function setAside(
    request: CallbackRequest,
    kind: QuarantineEntry['kind'],
    reason: QuarantineReason,
    names: ReadableNames,
    verified: boolean,
  ): Promise<boolean> {
    return quarantine.accept(
      {
        receivedAt: clock.now(),
        kind,
        reason,
        remoteAddress: request.remoteAddress,
        headers: request.headers(),
        body: request.body,
        ...names,
      },
      verified,
    );
  }

  return async (request) => {
    const receivedAt = clock.now();
    const { timestamp, signature } = request;
    const check = checkSignature({ timestamp, signature, now: receivedAt });
    if (check.outcome === 'rejected') {
      await setAside(request, 'rejected', check.problem, namesIn(request.body), false);
      return { outcome: 'rejected', reason: check.problem };
    }
    const verified = check.outcome === 'verified';
    // What we cannot read the receiver before us may: where the vendor signed it, it goes on all the same.
    const aside = async (kind: 'unclassified' | 'implausible', reason: QuarantineReason, names: ReadableNames) => {
      if (verified) await Promise.all(forwardsOf(request, [names], receivedAt));
      return keepAside(kind, reason, names);
    };
    const keepAside = async (kind: 'unclassified' | 'implausible', reason: QuarantineReason, names: ReadableNames) =>
      (await setAside(request, kind, reason, names, verified))
        ? ({ outcome: 'quarantined', reason } as const)
        : ({ outcome: 'not-kept', reason } as const);

    if (!isUtf8(request.body)) return aside('unclassified', 'not-utf-8', NO_NAMES);
    const text = request.body.toString('utf8');
    if (text.length < 128 && text.includes(CANARY)) {
      const id = CANARY_BODY.exec(text)?.[1];
      if (id !== undefined) return { outcome: 'canary', id };
    }
    const reading = reader.read(text);
    if (!reading.ok) return aside('unclassified', reading.problem, reading.names);

    let flags: number = CAPTURE_FLAGS.fromCallback;
    if (check.outcome === 'verified') {
      flags |= CAPTURE_FLAGS.verified;
      if (check.key === 'previous') flags |= CAPTURE_FLAGS.previousKey;
      if (check.hostForm === 'host-port') flags |= CAPTURE_FLAGS.hostPort;
    }
    const rows: IncomingCapture[] = [];
    for (const callback of reading.callbacks) {
      const row = encodeCapture(callback, receivedAt, parts.templatesOf(callback.domain, callback.app));
      if (
        !isPlausible(row.capturedAt, receivedAt) ||
        (callback.told && !isPlausible(callback.told.instant, receivedAt))
      ) {
        return aside('implausible', 'instant-implausible', callback);
      }
      rows.push({ ...row, flags, deliveries: 1 });
    }
    try {
      const forwards = forwardsOf(request, reading.callbacks, receivedAt);
      if (rows.length === 1 && forwards.length === 0) await captures.accept(rows[0]!);
      else await allOf([...rows.map((row) => captures.accept(row)), ...forwards]);
    } catch (error) {
      // It was passed on beside.
      if (error instanceof RefusedError)
        return keepAside('unclassified', error.reason, reading.callbacks[0] ?? NO_NAMES);
      throw error;
    }
    return { outcome: 'stored' };
  };

  /** Once per target, though the body may tell of several captures. Answered only when these are durable, too. */
  function forwardsOf(
    request: CallbackRequest,
    callbacks: readonly Pick<ReadableNames, 'domain' | 'app'>[],
    receivedAt: number,
  ): Promise<void>[] {
    const { forward } = parts;
    if (!forward) return [];
    const targets = new Set(callbacks.flatMap(({ domain, app }) => forward.targetsOf(domain, app)));
    if (targets.size === 0) return [];
    const raw = { body: request.body, headers: request.headers() };
    if (raw.headers[FORWARDED_HEADER] !== undefined) return [];
    return [...targets].map((target) => forward.sink.accept(forwardedCallback(target, raw, receivedAt)));
  }

  /** What a rejected request names, so that a missing callback can be explained by it. */
  function namesIn(body: Buffer): ReadableNames {
    if (body.length > 16_384 || !isUtf8(body)) return NO_NAMES;
    const reading = reader.read(body.toString('utf8'));
    if (!reading.ok) return reading.names;
    const { domain, app, stream, object } = reading.callbacks[0]!;
    return { domain, app, stream, object };
  }
}

/** A refusal is only the answer when everything else is durable: what cannot be kept now must come again. */
async function allOf(work: readonly Promise<void>[]): Promise<void> {
  const errors = (await Promise.allSettled(work)).flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
  if (errors.length > 0) throw errors.find((error) => !(error instanceof RefusedError)) ?? errors[0];
}
