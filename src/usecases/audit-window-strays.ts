import type { Capture, Mode } from '../core/capture.ts';
import type { ConfigVersion } from '../core/config-version.ts';
import type { Gap } from '../core/gap.ts';
import type { Instant } from '../core/instant.ts';
import { objectTemplateOf } from '../core/judge.ts';
import type { CaptureTerms } from '../core/judge-capture.ts';
import type { LookedSpans } from '../core/judge-state.ts';
import { addStray, judgeStray } from '../core/judge-strays.ts';
import type { SessionSpan } from '../core/session-spans.ts';
import { HOUR_MS } from '../core/slot-writer.ts';
import { addSlotCounts, emptySlotCounts, type SlotCounts } from '../core/verdict.ts';
import { MODES, templateOf } from './audit-window-names.ts';
import type { StreamState } from './audit-window-state.ts';

/** A capture that somebody announced, and that belongs to no session, or to one that expects none. */
export interface Stray {
  capture: Capture;
  mode: Mode;
  cause: 'no_session' | 'beyond_beat';
  /** Start of the last session before it. */
  sessionSince: Instant | null;
}

/** Objects that nobody told us of are left alone outside sessions: whether they are met depends on what happens to be listed. */
export function* findStrays(
  captures: Record<Mode, Capture[]>,
  spans: readonly SessionSpan[],
  expects: (span: SessionSpan) => boolean,
  [from, until]: [Instant, Instant],
): Generator<Stray> {
  for (const mode of MODES) {
    for (const capture of captures[mode]) {
      if (capture.at < from || capture.at >= until || !capture.callback) continue;
      const span = spans.find((each) => capture.at >= each.capturesFrom && capture.at < each.capturesTo);
      if (span && expects(span)) continue;
      const before = spans.findLast((each) => each.session.startedAt <= capture.at);
      yield {
        capture,
        mode,
        cause: span ? 'beyond_beat' : 'no_session',
        sessionSince: before?.session.startedAt ?? null,
      };
    }
  }
}

export interface JudgedStrays {
  runs: Record<Mode, Gap[]>;
  hours: Record<Mode, Map<Instant, SlotCounts>>;
  /** To go on from. */
  open: Pick<StreamState, 'strays' | 'strayHours'>;
}

/** Goes on from the last runs and hours of `before`, which come back as they are now. */
export function judgeStrays(
  strays: Iterable<Stray>,
  before: Pick<StreamState, 'strays' | 'strayHours'>,
  looked: LookedSpans,
  terms: Omit<CaptureTerms, 'mode' | 'template' | 'config'> & {
    config: ConfigVersion;
    judgedTo: Instant;
    until: Instant;
  },
): JudgedStrays {
  const runs: Record<Mode, Gap[]> = { sequence: [], overwrite: [] };
  for (const run of before.strays) runs[run.mode].push({ ...run });
  const hours: Record<Mode, Map<Instant, SlotCounts>> = { sequence: new Map(), overwrite: new Map() };
  for (const { mode, hour, slots } of before.strayHours) hours[mode].set(hour, { ...slots });
  for (const { capture, mode, cause, sessionSince } of strays) {
    const template = templateOf(objectTemplateOf(terms.config, mode) ?? '', mode);
    const judged = judgeStray(capture, cause, looked, { ...terms, mode, template }, terms.judgedTo);
    addStray(runs[mode], capture.at, judged, mode, sessionSince);
    const hour = Math.floor(capture.at / HOUR_MS) * HOUR_MS;
    const slots = hours[mode].get(hour) ?? emptySlotCounts();
    addSlotCounts(slots, { [judged.verdict]: 1 });
    hours[mode].set(hour, slots);
  }
  return {
    runs,
    hours,
    open: {
      strays: MODES.flatMap((mode) => runs[mode].slice(-1)),
      strayHours: MODES.flatMap((mode) =>
        [...hours[mode]]
          .filter(([hour]) => hour + HOUR_MS > terms.until)
          .map(([hour, slots]) => ({ mode, hour, slots })),
      ),
    },
  };
}
