import { setTimeout as sleep } from 'node:timers/promises';
import type { InForce, VendorSession, VendorState } from '../live/vendor-state.ts';
import type { ObjectStore } from '../oss/object-store.ts';
import type { DeliveryPolicy } from './deliver.ts';
import { deliver } from './deliver.ts';
import type { CaptureFault } from './fault-kinds.ts';
import type { GroundTruth } from './ground-truth.ts';
import { objectName } from './object-name.ts';
import type { PicturePainter } from './picture.ts';
import type { Random } from './random.ts';
import type { BeatFaultOrder, CaptureFaultOrder, ScheduledFault, StrayOrder } from './scheduled-fault.ts';
import { type BodyStyle, pushCallback, type SnapshotNotice, snapshotCallback } from './vendor-callbacks.ts';

export interface PublishTime {
  /** After the start of the broadcasters. */
  startMs: number;
  lengthMs: number;
}

export interface BroadcastStream {
  domain: string;
  app: string;
  stream: string;
  /** Its sessions in order; may be endless. */
  publishes: Iterable<PublishTime>;
  timestamps?: 'seconds' | 'milliseconds';
  body?: BodyStyle;
}

export interface BroadcastCounts {
  sessions: number;
  captures: number;
  callbacksDelivered: number;
  callbacksLost: number;
  requests: number;
}

/** A callback that never got through, or only so late, though nothing was ordered to happen to it. */
export interface TroubledCallback {
  domain: string;
  app: string;
  stream: string;
  capturedAt: number;
  /** From the capture to the answer; null where it never got through. */
  delayMs: number | null;
}

/** Where a stream is: its session and its last capture, both counted from 1. */
export interface Progress {
  session: number;
  capture: number;
}

/** What all broadcasters of a sandbox share. */
export interface Studio {
  state: VendorState;
  storeOf(bucket: string): ObjectStore;
  painter: PicturePainter;
  truth: GroundTruth;
  random: Random;
  delivery: DeliveryPolicy;
  /** Share of the interval by which a key frame may come after the beat, 0 to 0.4. */
  jitter: number;
  /** How long the vendor takes to announce a publish, and to notice that a push is dead. */
  announceAfterMs: number;
  noticeEndAfterMs: number;
  startedAtMs: number;
  stopped: AbortSignal;
  counts: BroadcastCounts;
  troubled: TroubledCallback[];
  /** By stream name. */
  progress: Map<string, Progress>;
  faults(): readonly ScheduledFault[];
  /** Keeps the callbacks under way, so that a stop can wait for them. */
  track(work: Promise<unknown>): void;
}

interface OnAir {
  session: VendorSession;
  ordinal: number;
  inForce: InForce;
}

/** A delivery that takes longer is worth remembering. */
const SWIFT_MS = 4_000;
const DEFAULT_BODY: BodyStyle = { names: 'pascal', time: 'milliseconds' };

/** Plays one stream: publishes and stops, is captured on key frames, stores and announces each picture. Ends when it is stopped. */
export async function broadcast(studio: Studio, stream: BroadcastStream): Promise<void> {
  let ordinal = 0;
  let sequence = 0;
  for (const { startMs, lengthMs } of stream.publishes) {
    ordinal += 1;
    await until(studio, studio.startedAtMs + startMs);
    const session = studio.state.startSession(stream, Date.now());
    const onAir: OnAir = { session, ordinal, inForce: studio.state.configInForce(session) };
    studio.counts.sessions += 1;
    const lastFrameAt = session.startedAtMs + lengthMs;
    announce(studio, session, 'publish', session.startedAtMs);
    sequence = await captureUntil(studio, stream, onAir, lastFrameAt, sequence);
    // The vendor notices in time, however slow this machine: a session told too long would want captures that nobody took.
    const endedAt = lastFrameAt + studio.noticeEndAfterMs;
    await until(studio, endedAt);
    studio.state.endSession(session, endedAt);
    announce(studio, session, 'publish_done', endedAt);
    strayAfter(studio, stream, onAir);
  }
}

/** Sleeps until an instant; rejects when the studio is stopped. */
export async function until(studio: Pick<Studio, 'stopped'>, atMs: number): Promise<void> {
  await sleep(Math.max(0, atMs - Date.now()), undefined, { signal: studio.stopped });
}

function announce(studio: Studio, session: VendorSession, action: 'publish' | 'publish_done', atMs: number): void {
  const { pushDomain, app, stream } = session;
  const work = async () => {
    if (action === 'publish') await until(studio, atMs + studio.announceAfterMs);
    const { url, authKey } = studio.state.pushNotifyInForce(session);
    if (url === null) return;
    const notice = { action, pushDomain, app, stream, atMs };
    await deliver(() => pushCallback(url, notice, authKey, Date.now()), studio.delivery, studio.stopped);
  };
  studio.track(work());
}

/** Returns the last `{Sequence}` number used. */
async function captureUntil(
  studio: Studio,
  stream: BroadcastStream,
  onAir: OnAir,
  lastFrameAt: number,
  sequence: number,
): Promise<number> {
  const { config } = onAir.inForce;
  if (!config) return sequence;
  const beat = beatOrder(studio, stream, onAir);
  const intervalMs = config.intervalSeconds * 1_000;
  const beatMs = intervalMs * (beat?.factor ?? 1);
  // Names in whole seconds are cut off, so the beat stands on whole seconds for them.
  const firstAt = Math.ceil((onAir.session.startedAtMs + 200) / 1_000) * 1_000;
  for (let number = 1; ; number += 1) {
    const gridAt = firstAt + (number - 1) * beatMs;
    const at = gridAt + studio.random.int(0, Math.floor(studio.jitter * Math.min(beatMs, intervalMs)));
    if (at >= lastFrameAt) return sequence + number - 1;
    await until(studio, at);
    studio.progress.set(stream.stream, { session: onAir.ordinal, capture: number });
    studio.track(capture(studio, stream, onAir, number, sequence + number, at));
    if (beat) noteBeat(studio, stream, onAir, beat, at);
  }
}

/** One capture with all that becomes of it: a picture for each mode that is on. */
async function capture(
  studio: Studio,
  stream: BroadcastStream,
  onAir: OnAir,
  number: number,
  sequence: number,
  capturedAtMs: number,
): Promise<void> {
  const { inForce } = onAir;
  const { config } = inForce;
  if (!config) return;
  const unit = stream.timestamps ?? 'seconds';
  const values = {
    app: stream.app,
    stream: stream.stream,
    timestamp: String(unit === 'seconds' ? Math.floor(capturedAtMs / 1_000) : capturedAtMs),
    sequence,
  };
  const [first, second] = [config.sequenceObject, config.overwriteObject]
    .filter((template) => template !== null)
    .map(
      (template): SnapshotNotice => ({
        domain: stream.domain,
        app: stream.app,
        stream: stream.stream,
        endpoint: config.endpoint,
        bucket: config.bucket,
        object: objectName(template, values),
        overlay: template === config.overwriteObject,
        capturedAtMs,
      }),
    );
  if (!first) return;
  const orders = captureOrders(studio, stream, onAir, number);
  const has = (fault: CaptureFault) => orders.some((order) => order.fault === fault);
  for (const order of orders) {
    const at = { from: capturedAtMs, to: capturedAtMs, captures: 1 };
    studio.truth.note(order, order.fault, stream, at, inForce.authKey !== null);
  }
  if (has('capture_skipped')) return;
  studio.counts.captures += 1;
  const wellKept = second && !has('callback_forged') ? [playPicture(studio, stream, inForce, second, [])] : [];
  await Promise.all([playPicture(studio, stream, inForce, first, orders), ...wellKept]);
}

/** Stores and announces one picture, as far as nothing is ordered to go wrong with it. */
async function playPicture(
  studio: Studio,
  stream: BroadcastStream,
  inForce: InForce,
  rightly: SnapshotNotice,
  orders: readonly CaptureFaultOrder[],
): Promise<void> {
  const has = (fault: CaptureFault) => orders.some((order) => order.fault === fault);
  const notice = has('object_misnamed') ? { ...rightly, object: `misplaced/${rightly.object}` } : rightly;
  if (!has('callback_forged') && !has('object_not_stored')) await store(studio, notice);
  const removal = orders.find(({ fault }) => fault === 'object_deleted');
  if (removal) studio.track(deleteLater(studio, notice, removal.afterMs));
  if (has('callback_dropped')) return;
  const delay = orders.find(({ fault }) => fault === 'callback_delayed');
  if (delay) await until(studio, notice.capturedAtMs + delay.afterMs);
  const ordered = delay ? 'delayed' : has('callback_badly_signed') ? 'badly signed' : null;
  await tell(studio, stream, inForce, notice, ordered);
  if (has('callback_twice')) await tell(studio, stream, inForce, notice, null);
}

async function store(studio: Studio, notice: SnapshotNotice): Promise<void> {
  const body = await studio.painter.paint(notice, notice.capturedAtMs);
  studio.storeOf(notice.bucket).put({
    key: notice.object,
    body,
    lastModified: Date.now(),
    contentType: 'image/jpeg',
  });
  const { domain, app, stream, bucket, endpoint, object, overlay, capturedAtMs } = notice;
  studio.state.addIndexRow({
    domain,
    app,
    stream,
    bucket,
    endpoint,
    object,
    createdAtMs: capturedAtMs,
    overlay,
  });
}

async function deleteLater(studio: Studio, notice: SnapshotNotice, afterMs: number): Promise<void> {
  await until(studio, Date.now() + afterMs);
  studio.storeOf(notice.bucket).delete(notice.object);
}

async function tell(
  studio: Studio,
  stream: BroadcastStream,
  inForce: InForce,
  notice: SnapshotNotice,
  ordered: 'badly signed' | 'delayed' | null,
): Promise<void> {
  const { callbackUrl, authKey } = inForce;
  if (callbackUrl === null) return;
  const key = ordered === 'badly signed' ? 'somebodyelseskey0000' : authKey;
  const build = () => snapshotCallback(callbackUrl, notice, stream.body ?? DEFAULT_BODY, key, Date.now());
  const { status, attempts } = await deliver(build, studio.delivery, studio.stopped);
  studio.counts.requests += attempts;
  const delivered = status !== null && status >= 200 && status < 300;
  if (delivered) studio.counts.callbacksDelivered += 1;
  else studio.counts.callbacksLost += 1;
  const delayMs = delivered ? Date.now() - notice.capturedAtMs : null;
  if (ordered === null && (delayMs === null || delayMs > SWIFT_MS)) {
    const { domain, app, stream: name, capturedAtMs } = notice;
    studio.troubled.push({ domain, app, stream: name, capturedAt: capturedAtMs, delayMs });
  }
}

/** A capture of a stream that is not on air. */
function strayAfter(studio: Studio, stream: BroadcastStream, onAir: OnAir): void {
  const isOwn = (order: ScheduledFault): order is StrayOrder =>
    order.fault === 'capture_outside_session' && order.stream === stream.stream && order.session === onAir.ordinal;
  for (const order of studio.faults().filter(isOwn)) {
    const work = async () => {
      await until(studio, Date.now() + order.afterMs);
      const at = Date.now();
      await capture(studio, stream, onAir, Number.MAX_SAFE_INTEGER, 999_999, at);
      const signed = onAir.inForce.authKey !== null;
      studio.truth.note(order, order.fault, stream, { from: at, to: at, captures: 1 }, signed);
    };
    studio.track(work());
  }
}

function captureOrders(studio: Studio, stream: BroadcastStream, onAir: OnAir, number: number): CaptureFaultOrder[] {
  return studio
    .faults()
    .filter(
      (order): order is CaptureFaultOrder =>
        'first' in order &&
        order.stream === stream.stream &&
        order.session === onAir.ordinal &&
        order.first <= number &&
        number <= order.last,
    );
}

function beatOrder(studio: Studio, stream: BroadcastStream, onAir: OnAir): BeatFaultOrder | null {
  const isOwn = (order: ScheduledFault): order is BeatFaultOrder =>
    'factor' in order && order.stream === stream.stream && order.session === onAir.ordinal;
  return studio.faults().find(isOwn) ?? null;
}

function noteBeat(studio: Studio, stream: BroadcastStream, onAir: OnAir, order: BeatFaultOrder, at: number): void {
  const signed = onAir.inForce.authKey !== null;
  studio.truth.note(order, order.fault, stream, { from: at, to: at, captures: 1 }, signed);
}
