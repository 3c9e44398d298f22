import type { Setting } from './draw-setting.ts';
import { objectName } from './object-name.ts';
import type { PlannedConfig, PlannedSession, PlannedSlot, PlannedStream } from './plan.ts';
import type { Random } from './random.ts';

const SECOND = 1_000;
/** A key frame comes at most this share of the interval after the beat. */
const MOST_JITTER = 0.4;
const FEWEST_BEATS = 12;

/** The sessions of one stream, each with the captures of an undisturbed broadcast. */
export function drawSessions(
  random: Random,
  setting: Setting,
  stream: PlannedStream,
  options: { faultFree: boolean },
): PlannedSession[] {
  const sessions: PlannedSession[] = [];
  const spanSeconds = (setting.to - setting.from) / SECOND;
  const jitter = random.int(0, MOST_JITTER * 100) / 100;
  let startedAt = setting.from + random.int(-1_800, Math.floor(spanSeconds / 3)) * SECOND;
  let sequence = 1;
  const wanted = random.int(1, 3);
  while (sessions.length < wanted && startedAt < setting.to - 300 * SECOND) {
    const longest = (setting.to + 1_200 * SECOND - startedAt) / SECOND;
    const lastFrameAt = startedAt + random.int(Math.min(240, longest), Math.max(240, longest)) * SECOND;
    const onAir = lastFrameAt >= setting.now;
    const config = inForce(setting.configs, stream, startedAt);
    const beatSeconds = options.faultFree
      ? config.intervalSeconds
      : drawBeat(random, config, Math.min(lastFrameAt, setting.now) - startedAt);
    const session: PlannedSession = {
      stream,
      startedAt,
      // The vendor lets a dead push linger for up to 10 s.
      endedAt: onAir ? null : lastFrameAt + random.int(1, 10) * SECOND,
      lastFrameAt: onAir ? setting.now : lastFrameAt,
      config,
      beatSeconds,
      ours: config.callback === setting.callbackUrl,
      slots: [],
    };
    if (session.endedAt !== null && session.endedAt > setting.now) session.endedAt = null;
    fillSlots(random, session, { jitter, sequence, now: setting.now });
    sequence += session.slots.length;
    sessions.push(session);
    if (session.endedAt === null) break;
    // A restart within the second, or a pause of up to half an hour.
    startedAt = session.endedAt + (random.chance(0.4) ? random.int(0, 2) : random.int(20, 1_800)) * SECOND;
  }
  return sessions;
}

/** Now and then an encoder keeps another beat than the configured one, steadily and for the whole session. */
function drawBeat(random: Random, config: PlannedConfig, lengthMs: number): number {
  const interval = config.intervalSeconds;
  if (!random.chance(0.12)) return interval;
  const beat = interval * random.pick(interval % 10 === 0 ? [0.5, 2, 3] : [2, 3]);
  // Too few captures make no beat that anybody could recognise.
  return lengthMs >= FEWEST_BEATS * beat * SECOND ? beat : interval;
}

/** The exact app's entry before `*`; the version that stood when the session began. */
function inForce(configs: PlannedConfig[], stream: PlannedStream, at: number): PlannedConfig {
  const standing = configs.filter(({ domain, validFrom }) => domain === stream.domain && validFrom <= at);
  const config = standing.findLast(({ app }) => app === stream.app) ?? standing.findLast(({ app }) => app === '*');
  if (!config) throw new RangeError(`no config for ${stream.domain}/${stream.app}`);
  return config;
}

function fillSlots(
  random: Random,
  session: PlannedSession,
  options: { jitter: number; sequence: number; now: number },
): void {
  const { stream, config } = session;
  const interval = config.intervalSeconds;
  // A slower beat leaves slots of the configured one empty; a faster one makes more than there are slots.
  const stepSeconds = Math.min(session.beatSeconds, interval);
  const everyNth = Math.max(1, session.beatSeconds / interval);
  // What the witnesses see must stay within the jitter too: whole-second names from a beat on whole seconds, and for names without a
  // time the writing (up to 0.9 s later) may be all there is to go by.
  const reserve = stream.nameStyle === 'sequence' ? Math.min(0.9 * SECOND, options.jitter * stepSeconds * SECOND) : 0;
  const most = Math.floor(options.jitter * stepSeconds * SECOND - reserve);
  const first = session.startedAt + random.int(0, interval - 1) * SECOND;
  const fraction = stream.nameStyle === 'milliseconds' ? random.int(0, 999) : 0;
  const tellsTime = random.chance(0.5);
  for (let index = 0; ; index += 1) {
    const gridAt = first + fraction + index * stepSeconds * SECOND;
    const capturedAt = gridAt + random.int(0, Math.max(0, most));
    if (capturedAt >= session.lastFrameAt || capturedAt >= options.now) return;
    const slot = undisturbed(random, session, { index, gridAt, capturedAt, tellsTime, reserve, ...options });
    if (index % everyNth !== 0) leaveEmpty(slot);
    session.slots.push(slot);
  }
}

/** Nothing was captured, so there is nothing to store, announce or list. */
export function leaveEmpty(slot: PlannedSlot): void {
  slot.visibleAt = slot.gridAt;
  slot.deliveries = [];
  slot.stored = null;
  slot.indexedAt = null;
}

function undisturbed(
  random: Random,
  session: PlannedSession,
  at: { index: number; gridAt: number; capturedAt: number; sequence: number; tellsTime: boolean; reserve: number },
): PlannedSlot {
  const { stream, config } = session;
  const seconds = Math.floor(at.capturedAt / SECOND);
  const object = objectName(config.sequenceObject, {
    app: stream.app,
    stream: stream.stream,
    timestamp: String(stream.nameStyle === 'seconds' ? seconds : at.capturedAt),
    sequence: at.sequence + at.index,
  });
  const writing = stream.nameStyle === 'sequence' ? random.int(0, at.reserve) : random.int(20, 900);
  const storedAt = at.capturedAt + writing;
  const receivedAt = storedAt + (stream.nameStyle === 'sequence' ? at.reserve - writing : random.int(20, 1_800));
  return {
    index: at.index,
    gridAt: at.gridAt,
    visibleAt: stream.nameStyle === 'seconds' ? seconds * SECOND : at.capturedAt,
    capturedAt: at.capturedAt,
    object,
    faults: [],
    deliveries: session.ours ? [{ receivedAt, rejected: null }] : [],
    stored: { key: object, lastModified: Math.floor(storedAt / SECOND) * SECOND, gone: stream.expired },
    indexedAt: at.capturedAt + Math.min(writing, 15),
    tellsTime: at.tellsTime,
    edge: null,
    uncertain: false,
    expected: { verdict: 'ok', cause: null },
  };
}
