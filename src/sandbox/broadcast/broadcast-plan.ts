import { drawFaults, edges } from './draw-faults.ts';
import { drawSessions } from './draw-sessions.ts';
import { drawSetting } from './draw-setting.ts';
import { DELIVERY_WINDOW_MS, drawSpans, spansOf, within } from './draw-spans.ts';
import { drawForeign, drawStrays } from './draw-strays.ts';
import { expectedVerdict } from './expected-verdict.ts';
import type {
  BroadcastPlan,
  Delivery,
  InjectedFault,
  PlannedSession,
  PlannedSlot,
  PlannedSpans,
  Span,
} from './plan.ts';
import { Random } from './random.ts';

const SECOND = 1_000;
const ATTEMPTS = 6;

/**
 * Draws a whole broadcast with everything that goes wrong in it, and what the design's table makes of each slot. The same options
 * give the same plan. Pure: no clock, no I/O.
 */
export function planBroadcast(options: {
  seed: number;
  faultFree?: boolean;
  streams?: number;
  hours?: number;
}): BroadcastPlan {
  const random = new Random(options.seed);
  const faultFree = options.faultFree ?? false;
  const setting = drawSetting(random, {
    faultFree,
    streams: options.streams ?? null,
    hours: options.hours ?? null,
  });
  const sessions = setting.streams.flatMap((stream) => drawSessions(random, setting, stream, { faultFree }));
  const spans = drawSpans(random, setting, sessions, faultFree);
  const faults: InjectedFault[] = surroundings(sessions, spans);
  for (const session of sessions) {
    if (!faultFree) faults.push(...drawFaults(random, setting, session, spansOf(spans, session)));
  }
  replaceOverwritten(sessions, setting.now);
  for (const session of sessions) {
    const own = spansOf(spans, session);
    for (const slot of session.slots) {
      slot.deliveries = slot.deliveries.flatMap((delivery) => retried(delivery, spans.blind));
      slot.expected = expectedVerdict(slot, session, own, setting);
      slot.uncertain = isUncertain(slot, session, own, [...edges(setting, own)], setting.lateAfterSeconds);
    }
    if (session.beatSeconds < session.config.intervalSeconds) markExtras(session);
  }
  const strays = faultFree ? [] : drawStrays(random, setting, sessions, spans);
  for (const { stream, capturedAt } of strays) {
    const { domain, app, stream: name } = stream;
    faults.push({
      kind: 'capture_outside_session',
      domain,
      app,
      stream: name,
      from: capturedAt,
      to: capturedAt,
      slots: 1,
    });
  }
  return {
    seed: options.seed,
    faultFree,
    ...setting,
    sessions,
    strays,
    foreign: faultFree ? [] : drawForeign(random, setting),
    spans,
    faults,
  };
}

/** In overwrite mode only the newest capture of a stream is still to be seen in OSS. */
function replaceOverwritten(sessions: PlannedSession[], now: number): void {
  const newest = new Map<PlannedSession['stream'], PlannedSlot>();
  for (const { stream, mode, slots } of sessions) {
    if (mode === 'sequence') continue;
    for (const slot of slots) {
      slot.replaced = true;
      if (slot.stored && slot.stored.lastModified <= now) newest.set(stream, slot);
    }
  }
  // One after the newest object has replaced nothing: it is not to be seen.
  for (const { stream, mode, slots } of sessions) {
    const newestAt = newest.get(stream)?.capturedAt ?? Number.NEGATIVE_INFINITY;
    if (mode === 'overwrite') for (const slot of slots) slot.replaced = slot.capturedAt < newestAt;
  }
}

/** The vendor tries six times; a receiver that is down refuses at once or lets it run into the 5 s timeout. */
function retried(delivery: Delivery, blind: (Span & { refused: boolean })[]): Delivery[] {
  let receivedAt = delivery.receivedAt;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const down = blind.find((span) => within(span, receivedAt));
    if (!down) return [{ ...delivery, receivedAt }];
    receivedAt += down.refused ? SECOND : 6 * SECOND;
  }
  return [];
}

/** Where witnesses differ by the time that writing took, or an instant meets an edge exactly, either answer is right. */
function isUncertain(
  slot: PlannedSlot,
  session: PlannedSession,
  spans: PlannedSpans,
  allEdges: number[],
  lateAfterSeconds: number,
): boolean {
  const doubt = session.mode === 'sequence' && session.stream.nameStyle !== 'sequence' ? 1 : 1_500;
  const close = (instant: number) => Math.abs(slot.visibleAt - instant) <= doubt;
  if (allEdges.some(close)) return true;
  if (slot.deliveries.some(({ receivedAt }) => close(receivedAt - lateAfterSeconds * SECOND))) return true;
  const unseen = [...spans.blind, ...spans.unkept];
  return slot.deliveries.length === 0 && unseen.some(({ from, to }) => close(from - DELIVERY_WINDOW_MS) || close(to));
}

/** A faster beat puts captures between the slots: beyond what the config asks for. */
function markExtras(session: PlannedSession): void {
  for (const slot of session.slots) {
    if (slot.index % 2 === 1 && slot.expected.verdict !== 'pending') {
      slot.expected = { verdict: 'unexpected', cause: 'interval_drift' };
    }
  }
}

function surroundings(sessions: PlannedSession[], spans: PlannedSpans): InjectedFault[] {
  const everywhere = { domain: null, app: null, stream: null };
  const faults: InjectedFault[] = [];
  for (const session of sessions) {
    const { domain, app, stream } = session.stream;
    const at = { domain, app, stream, from: session.startedAt, to: session.lastFrameAt };
    const slots = session.slots.length;
    if (session.beatSeconds > session.config.intervalSeconds) faults.push({ kind: 'beat_slower', ...at, slots });
    if (session.beatSeconds < session.config.intervalSeconds) faults.push({ kind: 'beat_faster', ...at, slots });
    if (!session.ours) faults.push({ kind: 'callback_url_changed', ...at, slots });
    if (session.stream.expired) faults.push({ kind: 'object_expired', ...at, slots });
  }
  for (const { from, to } of spans.blind) faults.push({ kind: 'receiver_down', ...everywhere, from, to, slots: 0 });
  for (const { from, to } of spans.listingFailed)
    faults.push({ kind: 'listing_failed', ...everywhere, from, to, slots: 0 });
  for (const { from, to, stream } of spans.indexFailed) {
    faults.push({
      kind: 'index_failed',
      domain: stream.domain,
      app: stream.app,
      stream: stream.stream,
      from,
      to,
      slots: 0,
    });
  }
  return faults;
}
