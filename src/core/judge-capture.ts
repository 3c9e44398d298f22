import type { Capture, Mode } from './capture.ts';
import type { ConfigVersion } from './config-version.ts';
import type { Instant } from './instant.ts';
import type { ExcusedSpan, LookedSpans } from './judge-state.ts';
import { sameUrl } from './same-url.ts';
import { type Span, spansContain, spansCover, spansOverlap } from './span.ts';
import type { StreamKey } from './stream-key.ts';
import type { Template } from './template.ts';
import { type Cause, isBad, type Verdict } from './verdict.ts';

/** The vendor tries a callback up to 6 times, 5 s each and 1 s apart. */
export const DELIVERY_WINDOW_MS = 35_000;
const DAY_MS = 86_400_000;
const SHORTEST_RULE_DAYS = 1;

/** Objects under the prefix are deleted once they are so many days old; null: nobody may read the rules for them. */
export interface LifecycleRule {
  prefix: string;
  days: number | null;
}

/** What the table of DESIGN 2.1 needs besides the capture itself. */
export interface CaptureTerms {
  stream: StreamKey;
  config: ConfigVersion;
  mode: Mode;
  /** The template in force: a name that it does not render for this stream is a wrong one. */
  template: Template;
  lateAfterSeconds: number;
  /** Our own callback URL; null where it is not known, and then no callback is called not ours. */
  callbackUrl: string | null;
  /** Of the config's bucket. */
  lifecycle: readonly LifecycleRule[];
  now: Instant;
}

export interface Judgement {
  verdict: Verdict;
  cause: Cause | null;
  /** Of the excused span, where the verdict is `excused`. */
  reason?: string;
}

/** The table of DESIGN 2.1 for a capture that at least one witness knows, `settle` having passed. */
export function judgeCapture(capture: Capture, looked: LookedSpans, terms: CaptureTerms): Judgement {
  const judged = capture.replaced
    ? withoutObject(capture, looked, terms)
    : capture.stored
      ? withObject(capture, looked, terms)
      : objectNotSeen(capture, looked, terms);
  return excuse(judged, capture.at, looked.excused);
}

/**
 * The last rows of the table: a slot that no witness knows. Its capture may have been made anywhere in `around`; only who looked at all
 * of it can say that there is none. Nobody asks the index beyond `askedTo`.
 */
export function judgeEmptySlot(
  at: Instant,
  looked: LookedSpans,
  mode: Mode,
  around: Span = { from: at, to: at + 1 },
  askedTo: Instant = around.to,
): Judgement {
  if (mode === 'sequence' && !spansCover(looked.listed, around)) return unseen(at, looked);
  const asked = { from: around.from, to: Math.max(at + 1, Math.min(around.to, askedTo)) };
  if (!spansCover(looked.indexed, asked)) return { verdict: 'unknown', cause: 'index_failed' };
  return excuse({ verdict: 'not_captured', cause: 'not_captured' }, at, looked.excused);
}

function withObject(capture: Capture, looked: LookedSpans, terms: CaptureTerms): Judgement {
  const { callback } = capture;
  if (!callback) return notTold(capture, looked, terms);
  if (terms.template.match(capture.object, terms.stream.app, terms.stream.stream) === null)
    return { verdict: 'misnamed', cause: 'wrong_name' };
  return onTime(capture.at, callback.receivedAt, terms.lateAfterSeconds);
}

function onTime(at: Instant, receivedAt: Instant, lateAfterSeconds: number): Judgement {
  return receivedAt - at > lateAfterSeconds * 1_000
    ? { verdict: 'late', cause: 'late_delivery' }
    : { verdict: 'ok', cause: null };
}

/** The capture exists, and no callback came. Our own outage comes first: it is never reported as the vendor's. */
function notTold(capture: Capture, looked: LookedSpans, terms: CaptureTerms): Judgement {
  return { verdict: 'callback_missing', cause: whyNotTold(capture, looked, terms) };
}

function whyNotTold(capture: Capture, looked: LookedSpans, terms: CaptureTerms): Cause {
  if (blindTo(capture.at, looked)) return 'receiver_down';
  if (terms.callbackUrl !== null && !sameUrl(terms.config.callback, terms.callbackUrl)) return 'callback_not_ours';
  if (capture.rejected) return 'callback_rejected';
  // Ours may be the fault: it may be among those that we rejected and could not note.
  return inDelivery(looked.unkept, capture.at) ? 'undetermined' : 'delivery_lost';
}

function objectNotSeen(capture: Capture, looked: LookedSpans, terms: CaptureTerms): Judgement {
  const { at, callback } = capture;
  if (capture.unlisted || !spansContain(looked.listed, at)) {
    return callback ? { verdict: 'unknown', cause: 'listing_failed' } : unseen(at, looked);
  }
  if (capture.indexed) return { verdict: 'object_missing', cause: whyGone(capture, terms) };
  return { verdict: 'object_missing', cause: whyNeverSeen(capture, looked) };
}

/** Overwrite mode, a capture that a later one has replaced: callback and index are the only witnesses. */
function withoutObject(capture: Capture, looked: LookedSpans, terms: CaptureTerms): Judgement {
  const { at, callback } = capture;
  if (callback && capture.indexed) return onTime(at, callback.receivedAt, terms.lateAfterSeconds);
  if (capture.indexed) return notTold(capture, looked, terms);
  if (!spansContain(looked.indexed, at)) return { verdict: 'unknown', cause: 'index_failed' };
  return { verdict: 'object_missing', cause: whyNeverSeen(capture, looked) };
}

function whyNeverSeen(capture: Capture, looked: LookedSpans): Cause {
  if (!spansContain(looked.indexed, capture.at)) return 'undetermined';
  return capture.callback?.verified ? 'never_stored' : 'unconfirmed';
}

/**
 * A rule may delete from the moment the age is reached (in fact up to two days later, reference/oss.md section 2). One that nobody may
 * read could be the shortest that there is.
 */
export function mayHaveExpired(
  { at, object }: Pick<Capture, 'at' | 'object'>,
  { lifecycle, now }: Pick<CaptureTerms, 'lifecycle' | 'now'>,
): boolean {
  return lifecycle.some(
    ({ prefix, days }) => object.startsWith(prefix) && now - at >= (days ?? SHORTEST_RULE_DAYS) * DAY_MS,
  );
}

function whyGone(capture: Capture, terms: CaptureTerms): Cause {
  const lifecycle = terms.lifecycle.filter(({ days }) => days !== null);
  if (capture.expired || mayHaveExpired(capture, { lifecycle, now: terms.now })) return 'object_expired';
  const isNotRead = terms.lifecycle.some(({ prefix, days }) => days === null && capture.object.startsWith(prefix));
  return isNotRead ? 'undetermined' : 'object_deleted';
}

/** OSS could not be looked at, and no callback came, perhaps because nobody was there to take it. */
function unseen(at: Instant, looked: LookedSpans): Judgement {
  return { verdict: 'unknown', cause: blindTo(at, looked) ? 'receiver_down' : 'listing_failed' };
}

function blindTo(at: Instant, looked: LookedSpans): boolean {
  return inDelivery(looked.blind, at);
}

function inDelivery(spans: readonly Span[], at: Instant): boolean {
  return spansOverlap(spans, at, at + DELIVERY_WINDOW_MS);
}

function excuse(judged: Judgement, at: Instant, excused: readonly ExcusedSpan[]): Judgement {
  if (!isBad(judged.verdict)) return judged;
  const span = excused.find(({ from, to }) => from <= at && at < to);
  return span ? { verdict: 'excused', cause: null, reason: span.reason } : judged;
}
