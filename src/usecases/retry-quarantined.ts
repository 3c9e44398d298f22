import { ACCEPTED_HEADER, isStorageRefusal } from '../core/quarantine-reason.ts';
import type { Clock, ForwardedCallback, KeptRequest, QuarantineEntry, RetryableQuarantine } from '../ports.ts';
import {
  type CallbackAnswer,
  type CallbackRequest,
  createReceiveCallback,
  type ReceiveCallbackParts,
} from './receive-callback.ts';
import { createReceiveStreamCallback, type ReceiveStreamCallbackParts } from './receive-stream-callback.ts';

export interface RetryCounts {
  tried: number;
  stored: number;
  /** What stands in the way of the others, by reason. */
  still: Record<string, number>;
}

const PAGE = 200;

/**
 * Offers kept requests, snapshot and push callbacks alike, to the receiver again as if they came when they came: after new aliases were
 * added, a key was corrected, or a domain was named. What is stored now counts as late evidence, so that the next audit judges those slots
 * anew. Twice is harmless.
 */
export async function retryQuarantined(parts: {
  reads: RetryableQuarantine;
  clock: Clock;
  /** Who takes snapshot callbacks. */
  receive: Omit<ReceiveCallbackParts, 'clock' | 'quarantine'>;
  /** Who takes push callbacks. */
  receiveStream: Omit<ReceiveStreamCallbackParts, 'clock' | 'quarantine'>;
  kind: QuarantineEntry['kind'] | null;
  reason: string | null;
  signal?: AbortSignal;
  /** What came of it so far, now and then. */
  onProgress?(counts: RetryCounts): void;
}): Promise<RetryCounts> {
  const { reads, clock } = parts;
  const counts: RetryCounts = { tried: 0, stored: 0, still: {} };
  let afterId = 0;
  for (;;) {
    const page = await reads.unsettled({ afterId, limit: PAGE, kind: parts.kind, reason: parts.reason });
    if (page.length === 0 || parts.signal?.aborted) return counts;
    const tried = await Promise.allSettled(page.map((kept) => outcomeOf(kept, parts)));
    const failed = tried.find((each) => each.status === 'rejected');
    const done = tried.flatMap((each, index) =>
      each.status === 'fulfilled' ? [{ id: page[index]!.id, outcome: each.value }] : [],
    );
    const outcomes = done.map(({ outcome }) => outcome);
    for (const outcome of outcomes) {
      counts.tried++;
      if (outcome === 'stored') counts.stored++;
      else counts.still[outcome] = (counts.still[outcome] ?? 0) + 1;
    }
    await reads.settle(
      done.map(({ id, outcome }) => ({ id, outcome: outcome === 'stored' ? outcome : `still-${outcome}` })),
      clock.now(),
    );
    // What was stored beside it has been settled: a second run must not store, count and pass it on again.
    if (failed) throw failed.reason;
    parts.onProgress?.(counts);
    afterId = page.at(-1)!.id;
  }
}

/** It lies in the quarantine already. */
const quarantine = { accept: async () => true };

async function outcomeOf(
  kept: KeptRequest,
  parts: Pick<Parameters<typeof retryQuarantined>[0], 'receive' | 'receiveStream'>,
): Promise<string> {
  const clock = { now: () => kept.receivedAt };
  const request = {
    timestamp: kept.headers['ali-live-timestamp'],
    signature: kept.headers['ali-live-signature'],
    headers: () => kept.headers,
    remoteAddress: kept.remoteAddress,
  };
  const body = Buffer.from(kept.body);
  // Its signature is gone, and was good.
  const trust = acceptedFlags(kept) === null ? {} : { keys: [] };
  const answer = isTarget(body)
    ? await createReceiveStreamCallback({ ...parts.receiveStream, ...trust, clock, quarantine })({
        ...request,
        target: body.toString(),
      })
    : await receiveSnapshot(kept, { ...request, body }, { ...parts.receive, ...trust, clock, quarantine });
  return 'reason' in answer ? answer.reason : answer.outcome;
}

/** What was said of it when the spool took it; null where the receiver refused it itself. */
function acceptedFlags({ reason, headers }: KeptRequest): number | null {
  const accepted = isStorageRefusal(reason) ? headers[ACCEPTED_HEADER] : undefined;
  return accepted === undefined ? null : Number(accepted);
}

/** A push callback has no body and is kept as its request target; JSON never begins like one. */
function isTarget(body: Buffer): boolean {
  return body[0] === '/'.charCodeAt(0);
}

async function receiveSnapshot(
  kept: KeptRequest,
  request: CallbackRequest,
  { forward, ...receive }: ReceiveCallbackParts,
): Promise<CallbackAnswer> {
  // What was verified when it came was passed on then, however little of it was understood.
  // So was what only the database refused.
  const isNew = kept.kind === 'rejected' || (receive.keys.length === 0 && !isStorageRefusal(kept.reason));
  const forwards: ForwardedCallback[] = [];
  const held = { accept: async (callback: ForwardedCallback) => void forwards.push(callback) };
  const flags = acceptedFlags(kept);
  const captures: ReceiveCallbackParts['captures'] = {
    accept: (row) => receive.captures.accept(flags === null ? row : { ...row, flags }),
  };
  const answer = await createReceiveCallback({
    ...receive,
    captures,
    ...(forward && isNew && { forward: { ...forward, sink: held } }),
  })(request);
  if (answer.outcome === 'stored') await Promise.all(forwards.map((callback) => forward?.sink.accept(callback)));
  return answer;
}
