import { objectName } from './object-name.ts';
import type { NameStyle, PlannedConfig, PlannedSession, PlannedSlot, PlannedStream, Setting } from './plan.ts';
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
  for (let publish = 0; publish < wanted && startedAt < setting.to - 300 * SECOND; publish += 1) {
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
      mode: config.sequenceObject === null ? 'overwrite' : 'sequence',
      beatSeconds,
      ours: config.callback === setting.callbackUrl,
      slots: [],
    };
    if (session.endedAt !== null && session.endedAt > setting.now) session.endedAt = null;
    const played =
      config.sequenceObject !== null && config.overwriteObject !== null ? [session, twin(session)] : [session];
    for (const each of played)
      fillSlots(random, each, {
        jitter: beatSeconds === 1.5 * config.intervalSeconds ? Math.min(jitter, 0.15) : jitter,
        sequence,
        now: setting.now,
      });
    sequence += session.slots.length;
    sessions.push(...played);
    if (session.endedAt === null) break;
    // A restart within the second, or a pause of up to half an hour.
    startedAt = session.endedAt + (random.chance(0.4) ? random.int(0, 2) : random.int(20, 1_800)) * SECOND;
  }
  return sessions;
}

/** The same publish, captured in overwrite mode beside sequence mode. */
function twin(session: PlannedSession): PlannedSession {
  return { ...session, stream: session.stream, mode: 'overwrite', slots: [] };
}

/** Now and then an encoder keeps another beat than the configured one, steadily and for the whole session. */
function drawBeat(random: Random, config: PlannedConfig, lengthMs: number): number {
  const interval = config.intervalSeconds;
  if (!random.chance(0.12)) return interval;
  const beat = interval * random.pick(interval % 10 === 0 ? [0.5, 1.5, 2, 3] : [2, 3]);
  // Too few captures make no beat that anybody could recognise.
  return lengthMs >= FEWEST_BEATS * beat * SECOND ? beat : interval;
}

function styleOf({ stream, mode }: PlannedSession): NameStyle {
  return mode === 'overwrite' ? 'overwrite' : stream.nameStyle;
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
  const { config } = session;
  const interval = config.intervalSeconds;
  // A beat of twice the interval or more leaves slots of the configured one empty; any other stands for itself.
  const multiple = session.beatSeconds / interval;
  const everyNth = Number.isInteger(multiple) ? multiple : 1;
  const stepSeconds = session.beatSeconds / everyNth;
  // What the witnesses see must stay within the jitter too: whole-second names from a beat on whole seconds, and for names without a
  // time the writing (up to 0.9 s later) may be all there is to go by.
  const style = styleOf(session);
  const reserve =
    style === 'sequence' ? Math.min(0.9 * SECOND, options.jitter * Math.min(stepSeconds, interval) * SECOND) : 0;
  const most = Math.floor(options.jitter * Math.min(stepSeconds, interval) * SECOND - reserve);
  const first = session.startedAt + random.int(0, interval - 1) * SECOND;
  const fraction = style === 'milliseconds' ? random.int(0, 999) : 0;
  // Captures that share one name are told apart by their times alone.
  const tellsTime = session.mode === 'overwrite' || random.chance(0.5);
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
  const style = styleOf(session);
  const seconds = Math.floor(at.capturedAt / SECOND);
  const template = session.mode === 'overwrite' ? config.overwriteObject : config.sequenceObject;
  const object = objectName(template ?? '', {
    app: stream.app,
    stream: stream.stream,
    timestamp: String(style === 'seconds' ? seconds : at.capturedAt),
    sequence: at.sequence + at.index,
  });
  const writing = style === 'sequence' ? random.int(0, at.reserve) : random.int(20, 900);
  const storedAt = at.capturedAt + writing;
  const receivedAt = storedAt + (style === 'sequence' ? at.reserve - writing : random.int(20, 1_800));
  return {
    index: at.index,
    gridAt: at.gridAt,
    visibleAt: style === 'seconds' ? seconds * SECOND : at.capturedAt,
    capturedAt: at.capturedAt,
    object,
    faults: [],
    deliveries: session.ours ? [{ receivedAt, rejected: null }] : [],
    stored: {
      key: object,
      lastModified: Math.floor(storedAt / SECOND) * SECOND,
      gone: stream.expired && session.mode === 'sequence',
    },
    replaced: false,
    indexedAt: at.capturedAt + Math.min(writing, 15),
    tellsTime: at.tellsTime,
    edge: null,
    uncertain: false,
    expected: { verdict: 'ok', cause: null },
  };
}
