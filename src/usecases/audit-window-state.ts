import type { Capture, Mode } from '../core/capture.ts';
import type { Gap } from '../core/gap.ts';
import { formatInstant, type Instant } from '../core/instant.ts';
import type { JudgeState } from '../core/judge-state.ts';
import type { SlotCounts } from '../core/verdict.ts';
import type { GapRow } from '../ports.ts';
import type { JudgedBefore } from './audit-window-seen.ts';

/** Object names and facts of the first slot of a run, for people. */
export type GapEvidence = Record<string, unknown>;

/** All that the audit of one stream goes on from. Plain JSON, of bounded size; kept in `watermarks.state`. */
export interface StreamState extends JudgedBefore {
  version: 1;
  /** Nothing before was ours to see: no receiver of ours was alive yet. */
  since: Instant;
  /** Nothing was judged from here yet: sessions that are under way begin to be judged too. */
  fresh: boolean;
  /** Sessions that are not judged to their end; one entry a mode. */
  sessions: { startedAt: Instant; mode: Mode; judge: JudgeState }[];
  /** The last run of captures outside every session, a mode: it may still grow. */
  strays: Gap[];
  /** Counts of such captures in hours that may still get more. */
  strayHours: { mode: Mode; hour: Instant; slots: SlotCounts }[];
  /** Keys up to here were looked at for foreign ones: no key is counted twice. */
  foreignAfter: string | null;
  /** When a state was last kept to judge again from. */
  keptAt: Instant | null;
  /** Of runs that may still grow, by `evidenceKey`. */
  evidence: Record<string, GapEvidence>;
  /** Receipts of callbacks that came after their slots were judged, and that late evidence was left of. */
  toldLate?: Instant[];
}

export function beginStream(since: Instant): StreamState {
  return {
    version: 1,
    since,
    fresh: true,
    sessions: [],
    strays: [],
    strayHours: [],
    foreignAfter: null,
    keptAt: null,
    evidence: {},
  };
}

export function readStreamState(stored: unknown): StreamState {
  const state = stored as StreamState;
  if (state?.version !== 1) throw new Error('a stored audit state is of a version that this program does not know');
  return state;
}

export function evidenceKey(gap: Pick<Gap, 'mode' | 'from' | 'verdict' | 'cause'>): string {
  return `${gap.mode} ${gap.from} ${gap.verdict} ${gap.cause ?? ''}`;
}

/** Adds the facts of a run's first slot, as far as a capture speaks for it. */
export function describer(captures: readonly Capture[], known: Record<string, GapEvidence>): (gap: Gap) => GapRow {
  let byTime: Map<Instant, Capture> | null = null;
  return (gap) => {
    const told = known[evidenceKey(gap)];
    if (told) return { ...gap, evidence: told };
    byTime ??= new Map(captures.map((capture) => [capture.at, capture]));
    const first = byTime.get(gap.from);
    if (!first) return { ...gap, evidence: null };
    return {
      ...gap,
      evidence: {
        bucket: first.bucket,
        object: first.object,
        callbackReceivedAt: first.callback ? formatInstant(first.callback.receivedAt) : null,
        callbackVerified: first.callback?.verified ?? null,
        stored: first.stored,
        indexed: first.indexed,
      },
    };
  };
}
