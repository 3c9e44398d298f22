import { randomUUID } from 'node:crypto';
import { signCallback, signedHostsOf } from '../core/callback-signature.ts';
import type { Instant } from '../core/instant.ts';
import type { Clock, HttpProbe } from '../ports.ts';

/** The reason in `blind_spans` for a receiver that is up but that nobody outside can reach. */
export const UNREACHABLE = 'unreachable-from-outside';

export interface BlindSpanKeeper {
  lastProof(): Promise<{ provenAt: Instant | null; aliveSince: Instant | null }>;
  openBlindSpan(reason: string, from: Instant): Promise<void>;
  closeBlindSpan(reason: string, to: Instant): Promise<void>;
}

export type Reachability = { reachable: true } | { reachable: false; since: Instant; detail: string };

/** Beats are written every second or so: what a receiver got a moment ago may not be in the database yet. */
const BEAT_LAG_MS = 3_000;

/**
 * Sends one signed canary through the public URL. We are blind where it does not come back twice in a row and nothing else came
 * through since either: a network that cannot reach its own public address must not blind us while callbacks flow in.
 */
export async function watchReachability(parts: {
  /** The snapshot callback URL, e.g. `https://audit.example.com/callbacks/snapshot`. */
  callbackUrl: string;
  /** null: not signed. */
  key: string | null;
  probe: Pick<HttpProbe, 'post'>;
  spans: BlindSpanKeeper;
  clock: Clock;
  /** Waits between the two tries; resolves early when the worker stops. */
  pause: () => Promise<void>;
}): Promise<Reachability> {
  const { spans, clock } = parts;
  const begunAt = clock.now();
  let detail = await tryOnce(parts);
  if (detail !== null) {
    await parts.pause();
    detail = await tryOnce(parts);
  }
  if (detail === null) {
    await spans.closeBlindSpan(UNREACHABLE, clock.now());
    return { reachable: true };
  }
  const { provenAt, aliveSince } = await spans.lastProof();
  if (provenAt !== null && provenAt > begunAt - BEAT_LAG_MS) {
    await spans.closeBlindSpan(UNREACHABLE, provenAt);
    return { reachable: true };
  }
  // Since the last proof nobody knows, whoever was started meanwhile. Without any proof ever, blindness begins where the present
  // receiver does; the time before has no heartbeat anyway.
  const since = provenAt ?? aliveSince ?? begunAt;
  await spans.openBlindSpan(UNREACHABLE, since);
  return { reachable: false, since, detail };
}

/** Null where the canary came back, else what happened instead. */
async function tryOnce(parts: {
  callbackUrl: string;
  key: string | null;
  probe: Pick<HttpProbe, 'post'>;
  clock: Clock;
}): Promise<string | null> {
  const id = randomUUID();
  const timestamp = Math.floor(parts.clock.now() / 1000);
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (parts.key !== null) {
    headers['ali-live-timestamp'] = String(timestamp);
    headers['ali-live-signature'] = signCallback(signedHostsOf(parts.callbackUrl)[0]!.host, timestamp, parts.key);
  }
  try {
    const { status, text } = await parts.probe.post(
      parts.callbackUrl,
      headers,
      JSON.stringify({ snapauditCanary: id }),
    );
    return status === 200 && text.includes(`"${id}"`) ? null : `HTTP ${status} without the canary`;
  } catch (error) {
    const cause = (error as { cause?: { code?: string } }).cause?.code;
    return cause ?? (error instanceof Error ? error.message : String(error));
  }
}
