import type { PlannedSession, PlannedSpans, Setting, Span } from './plan.ts';
import type { Random } from './random.ts';

const SECOND = 1_000;
/** A callback is attempted for at most this long: 6 attempts of 5 s, 1 s apart. */
export const DELIVERY_WINDOW_MS = 35 * SECOND;

/** Spans in which somebody could not see: our receiver, our listing, the vendor's index, who was rejected; and spans that are excused. */
export function drawSpans(
  random: Random,
  setting: Setting,
  sessions: PlannedSession[],
  faultFree: boolean,
): PlannedSpans {
  const spans: PlannedSpans = { blind: [], unkept: [], listingFailed: [], indexFailed: [], excused: [] };
  if (faultFree) return spans;
  const draw = (least: number, most: number): Span => {
    const length = random.int(least, most) * SECOND;
    const from = setting.from + random.int(0, Math.max(0, setting.to - setting.from - length)) + 500;
    return { from, to: from + length };
  };
  const steady = (domain: string | null, app: string | null, stream: string | null) =>
    sessions.every(
      (session) =>
        session.beatSeconds === session.config.intervalSeconds ||
        (domain !== null && session.stream.domain !== domain) ||
        (app !== null && session.stream.app !== app) ||
        (stream !== null && session.stream.stream !== stream),
    );
  if (random.chance(0.5)) spans.blind.push({ ...draw(20, 900), refused: random.chance(0.5) });
  if (random.chance(0.3)) {
    const { bucket } = random.pick(setting.streams);
    const span = draw(120, 1_800);
    const drifting = sessions.some(
      (session) => session.stream.bucket === bucket && session.beatSeconds !== session.config.intervalSeconds,
    );
    // Which reason is given where nobody could see at all is not for the scenario to decide.
    const blind = spans.blind.some((other) => near(other, span, 2 * DELIVERY_WINDOW_MS));
    // The newest capture in overwrite mode hangs on the listing, the others do not.
    const overwrites = setting.configs.some((config) => config.bucket === bucket && config.overwriteObject !== null);
    if (!drifting && !blind && !overwrites) spans.listingFailed.push({ ...span, bucket });
  }
  for (const stream of setting.streams) {
    if (!random.chance(0.2) || !steady(stream.domain, stream.app, stream.stream)) continue;
    const span = draw(120, 3_600);
    const hidden = spans.listingFailed.some(
      (other) => other.bucket === stream.bucket && near(other, span, 300 * SECOND),
    );
    // Objects gone and callbacks lost, the index alone could tell where a capture was.
    const untold = spans.blind.length > 0 || sessions.some((session) => session.stream === stream && !session.ours);
    const unseen =
      stream.expired || sessions.some((session) => session.stream === stream && session.mode === 'overwrite');
    if (!hidden && !(unseen && untold)) spans.indexFailed.push({ ...span, stream });
  }
  if (random.chance(0.4)) {
    const target = random.pick(setting.streams);
    const scope = random.pick([
      { domain: null, app: null, stream: null },
      { domain: target.domain, app: null, stream: null },
      { domain: target.domain, app: target.app, stream: null },
      { domain: target.domain, app: target.app, stream: target.stream },
    ]);
    const span = draw(120, 3_600);
    const unseen = [...spans.listingFailed, ...spans.indexFailed].some((other) => near(other, span, 300 * SECOND));
    if (!unseen && steady(scope.domain, scope.app, scope.stream)) spans.excused.push({ ...span, ...scope });
  }
  if (random.chance(0.2)) spans.unkept.push(draw(60, 1_800));
  return spans;
}

function near(one: Span, other: Span, marginMs: number): boolean {
  return one.from < other.to + marginMs && other.from < one.to + marginMs;
}

export function within(span: Span, at: number): boolean {
  return span.from <= at && at < span.to;
}

/** The spans of each kind that concern one session's stream. */
export function spansOf(spans: PlannedSpans, session: PlannedSession): PlannedSpans {
  const { domain, app, stream, bucket } = session.stream;
  return {
    blind: spans.blind,
    unkept: spans.unkept,
    listingFailed: spans.listingFailed.filter((span) => span.bucket === bucket),
    indexFailed: spans.indexFailed.filter((span) => span.stream === session.stream),
    excused: spans.excused.filter(
      (span) =>
        (span.domain === null || span.domain === domain) &&
        (span.app === null || span.app === app) &&
        (span.stream === null || span.stream === stream),
    ),
  };
}
