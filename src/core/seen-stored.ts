import type { Mode } from './capture.ts';
import type { Gap } from './gap.ts';
import type { Instant } from './instant.ts';
import { HOUR_MS } from './slot-writer.ts';
import { complementSpans, mergeSpans, type Span } from './span.ts';
import type { SlotCounts, Verdict } from './verdict.ts';

/** What was judged of one stream, as it is stored. */
export interface StoredJudgement {
  gaps: Pick<Gap, 'from' | 'to' | 'verdict' | 'cause' | 'mode'>[];
  /** Of slots in sessions. */
  hours: { hour: Instant; mode: Mode; slots: SlotCounts }[];
}

/** Spans in which every capture that was there was seen stored when it was judged, merged, a mode each. */
export type SeenStored = Record<Mode, Span[]>;
/** Spans in which every capture had expired when it was judged. */
export type HadExpired = Record<Mode, Span[]>;

/** Verdicts that nothing gets but a capture that was seen. */
const SEEN: readonly Verdict[] = ['ok', 'late', 'callback_missing', 'misnamed'];

/** Within `[from, to)`. An hour without a capture that was seen was perhaps not judged at all. */
export function seenStored({ gaps, hours }: StoredJudgement, { from, to }: Span): SeenStored {
  const seenIn = (mode: Mode): Span[] => {
    const notSeen = mergeSpans(gaps.filter((gap) => gap.mode === mode && tellsOfNoObject(gap)));
    return mergeSpans(
      hours
        .filter((each) => each.mode === mode && SEEN.some((verdict) => each.slots[verdict] > 0))
        .map(({ hour }) => ({ from: hour, to: hour + HOUR_MS })),
    ).flatMap((span) => complementSpans(notSeen, Math.max(span.from, from), Math.min(span.to, to)));
  };
  return { sequence: seenIn('sequence'), overwrite: seenIn('overwrite') };
}

/** Within `[from, to)`. */
export function hadExpired({ gaps }: StoredJudgement, { from, to }: Span): HadExpired {
  const expiredIn = (mode: Mode): Span[] =>
    mergeSpans(
      gaps
        .filter((gap) => gap.mode === mode && gap.verdict === 'object_missing' && gap.cause === 'object_expired')
        .map((gap) => ({ from: Math.max(gap.from, from), to: Math.min(gap.to, to) })),
    );
  return { sequence: expiredIn('sequence'), overwrite: expiredIn('overwrite') };
}

/** The gap of a drift is one from its first slot to its last, whatever was captured between them. */
function tellsOfNoObject({ verdict, cause }: StoredJudgement['gaps'][number]): boolean {
  if (verdict === 'not_captured') return cause !== 'interval_drift';
  return verdict === 'object_missing' || verdict === 'unknown' || verdict === 'excused';
}
