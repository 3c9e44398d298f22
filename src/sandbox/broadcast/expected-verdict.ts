import { DELIVERY_WINDOW_MS, within } from './draw-spans.ts';
import type { BroadcastPlan, Expectation, PlannedSession, PlannedSlot, PlannedSpans, Span } from './plan.ts';

type Moment = Pick<BroadcastPlan, 'now' | 'settleSeconds' | 'lateAfterSeconds'>;
type Seen = 'yes' | 'no' | 'could not look';

/**
 * The table of the design (2.1), read off what was done to the slot: ground truth. It shares no code with the judge, which has to
 * find the slots in the evidence first.
 */
export function expectedVerdict(
  slot: PlannedSlot,
  session: PlannedSession,
  spans: PlannedSpans,
  moment: Moment,
): Expectation {
  const at = slot.visibleAt;
  if (at > moment.now - moment.settleSeconds * 1_000) return { verdict: 'pending', cause: null };
  const judged = judgedByTable(slot, session, spans, moment);
  const bad = judged.verdict !== 'ok' && judged.verdict !== 'unknown';
  return bad && spans.excused.some((span) => within(span, at)) ? { verdict: 'excused', cause: null } : judged;
}

function judgedByTable(slot: PlannedSlot, session: PlannedSession, spans: PlannedSpans, moment: Moment): Expectation {
  const at = slot.visibleAt;
  const received = firstAccepted(slot);
  const callback = received !== null;
  const object: Seen = spans.listingFailed.some((span) => within(span, at))
    ? 'could not look'
    : slot.stored !== null && !slot.stored.gone
      ? 'yes'
      : 'no';
  const index: Seen = spans.indexFailed.some((span) => within(span, at))
    ? 'could not look'
    : slot.indexedAt !== null
      ? 'yes'
      : 'no';
  if (slot.replaced) return judgedWithoutObject(slot, received, index, session, spans, moment);
  if (object === 'could not look') return { verdict: 'unknown', cause: 'listing_failed' };
  if (callback && object === 'yes') {
    if (slot.faults.includes('object_misnamed')) return { verdict: 'misnamed', cause: 'wrong_name' };
    return received - at > moment.lateAfterSeconds * 1_000
      ? { verdict: 'late', cause: 'late_delivery' }
      : { verdict: 'ok', cause: null };
  }
  if (object === 'yes') return { verdict: 'callback_missing', cause: whyNotTold(slot, session, spans) };
  const gone = session.stream.expired ? 'object_expired' : 'object_deleted';
  if (index === 'yes') return { verdict: 'object_missing', cause: gone };
  if (callback && index === 'could not look') return { verdict: 'object_missing', cause: 'undetermined' };
  if (callback) return { verdict: 'object_missing', cause: session.stream.signed ? 'never_stored' : 'unconfirmed' };
  if (index === 'could not look') return { verdict: 'unknown', cause: 'index_failed' };
  const steady = session.beatSeconds === session.config.intervalSeconds;
  return { verdict: 'not_captured', cause: steady ? 'not_captured' : 'interval_drift' };
}

/** Overwrite mode, a capture that a later one has replaced: callback and index are all that can testify. */
function judgedWithoutObject(
  slot: PlannedSlot,
  received: number | null,
  index: Seen,
  session: PlannedSession,
  spans: PlannedSpans,
  moment: Moment,
): Expectation {
  if (index === 'could not look') return { verdict: 'unknown', cause: 'index_failed' };
  if (index === 'yes' && received === null)
    return { verdict: 'callback_missing', cause: whyNotTold(slot, session, spans) };
  if (index === 'yes' && received !== null) {
    return received - slot.visibleAt > moment.lateAfterSeconds * 1_000
      ? { verdict: 'late', cause: 'late_delivery' }
      : { verdict: 'ok', cause: null };
  }
  if (received !== null)
    return { verdict: 'object_missing', cause: session.stream.signed ? 'never_stored' : 'unconfirmed' };
  const steady = session.beatSeconds === session.config.intervalSeconds;
  return { verdict: 'not_captured', cause: steady ? 'not_captured' : 'interval_drift' };
}

/** In the order of the table: our own outage first, then a URL that is not ours, then a request that we turned away, perhaps unnoted. */
function whyNotTold(slot: PlannedSlot, session: PlannedSession, spans: PlannedSpans): string {
  const at = slot.visibleAt;
  const inDelivery = (span: Span) => span.from < at + DELIVERY_WINDOW_MS && at < span.to;
  if (spans.blind.some(inDelivery)) return 'receiver_down';
  if (!session.ours) return 'callback_not_ours';
  if (slot.deliveries.some(({ rejected }) => rejected !== null)) return 'callback_rejected';
  return spans.unkept.some(inDelivery) ? 'undetermined' : 'delivery_lost';
}

function firstAccepted(slot: PlannedSlot): number | null {
  const accepted = slot.deliveries.filter(({ rejected }) => rejected === null).map(({ receivedAt }) => receivedAt);
  return accepted.length > 0 ? Math.min(...accepted) : null;
}
