import { leaveEmpty } from './draw-sessions.ts';
import { DELIVERY_WINDOW_MS, within } from './draw-spans.ts';
import type { CaptureFault } from './fault-kinds.ts';
import type { InjectedFault, PlannedSession, PlannedSlot, PlannedSpans, Setting, Span } from './plan.ts';
import type { Random } from './random.ts';

const SECOND = 1_000;
/** Captures between two runs of skipped ones, so that no pattern of skips can pass for a slower beat. */
const CALM_AFTER_SKIP = 6;
const LONGEST_DELAY_SECONDS = 5_400;
const WRONG_NAMES = ['tmp-', 'old/', 'snapshots_'];

/** One thing that goes wrong with a run of neighbouring slots; most are alone, some come back to back. */
export function drawFaults(
  random: Random,
  setting: Setting,
  session: PlannedSession,
  spans: PlannedSpans,
): InjectedFault[] {
  const faults: InjectedFault[] = [];
  const { slots } = session;
  if (session.beatSeconds < session.config.intervalSeconds) return faults;
  const density = random.pick([0, 0.01, 0.03, 0.06]);
  let calmFrom = 1;
  let at = 0;
  if (density > 0 && isSteady(session) && drawWhole(random, setting, session, spans, faults)) return faults;
  if (density > 0 && isSteady(session)) at = drawHead(random, setting, session, spans, faults);
  if (at > 0) calmFrom = at + CALM_AFTER_SKIP;
  while (at < slots.length) {
    if (!random.chance(density)) {
      at += 1;
      continue;
    }
    do {
      const length = random.chance(0.6) ? 1 : random.int(2, 10);
      const run = slots.slice(at, at + length);
      const kinds = drawKinds(random, session);
      const skips = kinds.includes('capture_skipped');
      const apart = !skips || (at >= calmFrom && at + length < slots.length - 1);
      if (run.length > 0 && apart && run.every((slot) => allowed(kinds, slot, setting, session, spans))) {
        for (const slot of run) inject(random, setting, session, slot, kinds);
        for (const kind of kinds) faults.push(record(kind, session, run));
        if (skips) calmFrom = at + length + CALM_AFTER_SKIP;
        at += length;
      } else {
        at += 1;
      }
    } while (random.chance(0.35) && at < slots.length);
    at += 1;
  }
  if (density > 0 && isSteady(session)) drawTail(random, setting, session, spans, faults, calmFrom);
  return faults;
}

const isSteady = (session: PlannedSession): boolean => session.beatSeconds === session.config.intervalSeconds;

function drawKinds(random: Random, session: PlannedSession): CaptureFault[] {
  const kind = random.pick<CaptureFault>([
    'callback_dropped',
    'callback_delayed',
    'callback_twice',
    'callback_badly_signed',
    'callback_forged',
    'object_not_stored',
    'object_deleted',
    'object_misnamed',
    'capture_skipped',
    'capture_skipped',
  ]);
  if (kind === 'object_deleted' && session.ours && random.chance(0.3)) return ['callback_dropped', 'object_deleted'];
  return [kind];
}

/** Whether the table says one thing about it: two faults on one slot only where the table's order decides. */
function allowed(
  kinds: CaptureFault[],
  slot: PlannedSlot,
  setting: Setting,
  session: PlannedSession,
  spans: PlannedSpans,
): boolean {
  const only = (...permitted: CaptureFault[]) => kinds.every((kind) => permitted.includes(kind));
  if (slot.faults.length > 0 || slot.stored === null) return false;
  // All captures share the one object, and a request that was turned away names it as well as any other does.
  if (session.mode === 'overwrite') {
    if (
      !only(
        'callback_dropped',
        'callback_delayed',
        'callback_twice',
        'callback_forged',
        'object_not_stored',
        'capture_skipped',
      )
    )
      return false;
  }
  if (!isSteady(session) && !only('callback_dropped', 'callback_twice', 'callback_badly_signed', 'object_deleted'))
    return false;
  if (!session.ours && !only('object_deleted', 'capture_skipped')) return false;
  if (spans.blind.some((span) => near(slot, span, DELIVERY_WINDOW_MS + SECOND))) {
    if (!only('callback_dropped', 'object_deleted', 'capture_skipped')) return false;
  }
  if (spans.excused.some((span) => near(slot, span, SECOND))) {
    const permitted: CaptureFault[] = [
      'callback_dropped',
      'callback_badly_signed',
      'object_not_stored',
      'object_deleted',
      'capture_skipped',
    ];
    if (!only(...permitted)) return false;
  }
  if (
    spans.listingFailed.some((span) => near(slot, span, SECOND)) &&
    !only('callback_dropped', 'callback_badly_signed', 'object_not_stored', 'object_deleted', 'capture_skipped')
  )
    return false;
  if (session.stream.expired && kinds.includes('object_misnamed')) return false;
  // Nothing but the callback itself would tell when it was.
  const timeless = session.stream.nameStyle === 'sequence' && !slot.tellsTime && session.stream.expired;
  if (timeless && kinds.includes('callback_delayed')) return false;
  if (kinds.includes('callback_delayed') && slot.visibleAt > setting.now - 900 * SECOND) return false;
  return !isUnseen(kinds, session, spans) || (isInside(slot, session) && isFarFromEdges(slot, setting, session, spans));
}

/** Where nobody testifies to a slot, its place is only known from its neighbours. */
function isUnseen(kinds: CaptureFault[], session: PlannedSession, spans: PlannedSpans): boolean {
  if (kinds.includes('capture_skipped') || kinds.length > 1 || !session.ours) return true;
  if (spans.indexFailed.length === 0) return false;
  if (kinds.includes('object_deleted') && spans.blind.length > 0) return true;
  const untold = kinds.includes('callback_dropped') || kinds.includes('callback_badly_signed');
  return untold && (session.stream.expired || session.mode === 'overwrite');
}

/** A slot lost at the very start or end of a session is one for `drawHead` and `drawTail`. */
function isInside(slot: PlannedSlot, session: PlannedSession): boolean {
  return slot.edge !== null || (slot.index > 0 && slot.index < session.slots.length - 1);
}

function isFarFromEdges(slot: PlannedSlot, setting: Setting, session: PlannedSession, spans: PlannedSpans): boolean {
  const far = 2.5 * session.config.intervalSeconds * SECOND;
  return edges(setting, spans).every((edge) => Math.abs(slot.gridAt - edge) > far);
}

function near(slot: PlannedSlot, span: Span, marginMs: number): boolean {
  return within({ from: span.from - marginMs, to: span.to + marginMs }, slot.gridAt);
}

/** Instants at which the same evidence starts to mean something else. */
export function edges(setting: Setting, spans: PlannedSpans): number[] {
  const all = [...spans.listingFailed, ...spans.indexFailed, ...spans.excused].flatMap(({ from, to }) => [from, to]);
  return [setting.from, setting.to, setting.now - setting.settleSeconds * SECOND, ...all];
}

function inject(
  random: Random,
  setting: Setting,
  session: PlannedSession,
  slot: PlannedSlot,
  kinds: CaptureFault[],
): void {
  slot.faults = kinds;
  for (const kind of kinds) {
    switch (kind) {
      case 'callback_dropped':
        slot.deliveries = [];
        break;
      case 'callback_delayed':
        slot.deliveries = slot.deliveries.map((delivery) => {
          const latest = Math.floor((setting.now - slot.capturedAt) / SECOND) - setting.lateAfterSeconds - 60;
          const seconds = setting.lateAfterSeconds + random.int(3, Math.min(LONGEST_DELAY_SECONDS, latest));
          return { ...delivery, receivedAt: slot.capturedAt + seconds * SECOND };
        });
        break;
      case 'callback_twice':
        slot.deliveries = slot.deliveries.flatMap((delivery) => [
          delivery,
          { ...delivery, receivedAt: delivery.receivedAt + random.int(1_000, 120_000) },
        ]);
        break;
      case 'callback_badly_signed':
        slot.deliveries = slot.deliveries.map((delivery) => ({ ...delivery, rejected: 'signature-mismatch' }));
        break;
      case 'callback_forged':
      case 'object_not_stored':
        slot.stored = null;
        slot.indexedAt = null;
        break;
      case 'object_deleted':
        slot.stored = slot.stored && { ...slot.stored, gone: true };
        break;
      case 'object_misnamed':
        slot.object = misname(random, session, slot);
        slot.stored = slot.stored && { ...slot.stored, key: slot.object };
        slot.tellsTime = true;
        break;
      case 'capture_skipped':
        leaveEmpty(slot);
        break;
      default:
        throw new RangeError(kind satisfies never);
    }
  }
}

/** Announced and stored, but under a name that the template in force cannot have made. */
function misname(random: Random, session: PlannedSession, slot: PlannedSlot): string {
  const sequenceObject = session.config.sequenceObject ?? '';
  const prefix = sequenceObject.slice(0, sequenceObject.indexOf('{'));
  return random.chance(0.5)
    ? `${random.pick(WRONG_NAMES)}${slot.object}`
    : `${prefix}misplaced-${slot.capturedAt}-${slot.index}.png`;
}

function record(kind: CaptureFault, session: PlannedSession, run: PlannedSlot[]): InjectedFault {
  const { domain, app, stream } = session.stream;
  return { kind, domain, app, stream, from: run[0]!.gridAt, to: run.at(-1)!.gridAt, slots: run.length };
}

/** Not one image of a whole session: a config that did not take, a push that was black. */
function drawWhole(
  random: Random,
  setting: Setting,
  session: PlannedSession,
  spans: PlannedSpans,
  faults: InjectedFault[],
): boolean {
  const { slots, startedAt, endedAt } = session;
  const inside = startedAt >= setting.from && endedAt !== null && endedAt <= setting.to;
  if (!inside || slots.length < 8 || !random.chance(0.05)) return false;
  for (const slot of slots) slot.edge = 'whole';
  if (!slots.every((slot) => allowed(['capture_skipped'], slot, setting, session, spans))) {
    for (const slot of slots) slot.edge = null;
    return false;
  }
  for (const slot of slots) {
    slot.faults = ['capture_skipped'];
    leaveEmpty(slot);
  }
  faults.push(record('capture_skipped', session, slots));
  return true;
}

/** The first images of a session are lost; returns how many. Fewer than two cannot be told from a late start. */
function drawHead(
  random: Random,
  setting: Setting,
  session: PlannedSession,
  spans: PlannedSpans,
  faults: InjectedFault[],
): number {
  if (!random.chance(0.15)) return 0;
  return skipEdge(session, setting, spans, faults, 'head', session.slots.slice(0, random.int(2, 8)));
}

/** The last images are lost. Fewer than four can hide behind the vendor's 10 s and the cut-off last slot. */
function drawTail(
  random: Random,
  setting: Setting,
  session: PlannedSession,
  spans: PlannedSpans,
  faults: InjectedFault[],
  calmFrom: number,
): void {
  if (!random.chance(0.15)) return;
  const run = session.slots.slice(-random.int(4, 10));
  if (session.slots.length - run.length < calmFrom) return;
  skipEdge(session, setting, spans, faults, 'tail', run);
}

function skipEdge(
  session: PlannedSession,
  setting: Setting,
  spans: PlannedSpans,
  faults: InjectedFault[],
  edge: 'head' | 'tail',
  run: PlannedSlot[],
): number {
  const enough = session.slots.length >= run.length + 2 * CALM_AFTER_SKIP;
  for (const slot of run) slot.edge = edge;
  const possible = enough && run.every((slot) => allowed(['capture_skipped'], slot, setting, session, spans));
  if (!possible) {
    for (const slot of run) slot.edge = null;
    return 0;
  }
  for (const slot of run) {
    slot.faults = ['capture_skipped'];
    leaveEmpty(slot);
  }
  faults.push(record('capture_skipped', session, run));
  return run.length;
}
