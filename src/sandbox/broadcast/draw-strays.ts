import { DELIVERY_WINDOW_MS, within } from './draw-spans.ts';
import { objectName } from './object-name.ts';
import type { BroadcastPlan, PlannedSession, PlannedSpans, PlannedStray, Setting } from './plan.ts';
import type { Random } from './random.ts';

const SECOND = 1_000;
/** Far enough from every session that no reading of its edges takes it in. */
const ALOOF_SECONDS = 180;

/** Captures that belong to no session. */
export function drawStrays(
  random: Random,
  setting: Setting,
  sessions: PlannedSession[],
  spans: PlannedSpans,
): PlannedStray[] {
  const strays: PlannedStray[] = [];
  for (const stream of setting.streams) {
    // Names without a time of their own would need a counter that nobody else uses.
    if (stream.nameStyle === 'sequence' || stream.nameStyle === 'overwrite' || stream.expired || !random.chance(0.3))
      continue;
    const own = sessions.filter((session) => session.stream === stream);
    const at = setting.from + random.int(60, (setting.to - setting.from) / SECOND - 60) * SECOND + 250;
    const config = own[0]?.config;
    const aloof = own.every(
      ({ startedAt, endedAt }) =>
        at < startedAt - ALOOF_SECONDS * SECOND || (endedAt !== null && at > endedAt + ALOOF_SECONDS * SECOND),
    );
    const hidden = [...spans.blind, ...spans.listingFailed, ...spans.indexFailed, ...spans.excused].some(
      ({ from, to }) => within({ from: from - 2 * DELIVERY_WINDOW_MS, to: to + 2 * DELIVERY_WINDOW_MS }, at),
    );
    if (!config?.sequenceObject || !aloof || hidden || at > setting.now - 600 * SECOND) continue;
    const timestamp = stream.nameStyle === 'seconds' ? Math.floor(at / SECOND) : at;
    const object = objectName(config.sequenceObject, {
      app: stream.app,
      stream: stream.stream,
      timestamp: String(timestamp),
      sequence: 900_000,
    });
    strays.push({
      stream,
      capturedAt: at,
      object,
      receivedAt: at + random.int(50, 1_500),
      expected: { verdict: 'unexpected', cause: 'no_session' },
    });
  }
  return strays;
}

/** Objects that no template of the bucket explains. */
export function drawForeign(random: Random, setting: Setting): BroadcastPlan['foreign'] {
  if (!random.chance(0.3)) return [];
  const { bucket } = random.pick(setting.streams);
  return Array.from({ length: random.int(1, 4) }, (_, index) => ({
    bucket,
    key: `${random.pick(['readme-', 'backup/dump-', 'notes/'])}${index}.txt`,
    lastModified: setting.from + random.int(0, 3_000) * SECOND,
  }));
}
