/** What the dashboard's wall and timelines need of the database. Part of `ports.ts`. */

import type { Mode } from '../core/capture.ts';
import type { IncidentKind, IncidentScope, IncidentStatus, Severity } from '../core/incident.ts';
import type { Instant } from '../core/instant.ts';
import type { SlotCounts, Verdict } from '../core/verdict.ts';

/** The slots of one stream by hour, in little. */
export interface StoredStrip {
  streamId: number;
  /** Good slots, and slots that count, of the whole window. */
  ok: number;
  counted: number;
  /** Per hour that has slots: which hour of the window, its worst verdict, and how many of 9 parts of it are bad (at least 1 where any is). */
  hours: { index: number; verdict: Verdict; ninths: number }[];
}

export interface LiveIncident {
  id: number;
  kind: IncidentKind;
  severity: Severity;
  status: Exclude<IncidentStatus, 'resolved'>;
  scope: IncidentScope;
  since: Instant;
  cause: string | null;
}

export interface WallReads {
  /** Whole hours from `from` on. */
  strips(from: Instant, hours: number): Promise<StoredStrip[]>;
  /** Worst first, at most `limit`. */
  liveIncidents(limit: number): Promise<LiveIncident[]>;
}

/** How much of which verdict lies in which part of a window. */
export interface TimelineShare {
  bucket: number;
  verdict: Verdict;
  slots: number;
}

export interface TimelineReads {
  /** The runs of one stream, shared out over `buckets` equal parts of `[from, to)`. */
  shares(query: {
    streamId: number;
    from: Instant;
    to: Instant;
    buckets: number;
    mode: Mode;
  }): Promise<TimelineShare[]>;
  hours(query: {
    streamId: number;
    from: Instant;
    to: Instant;
    mode: Mode;
  }): Promise<{ hour: Instant; slots: SlotCounts }[]>;
  /** Spans in which no receiver of ours was alive, within the window. */
  blindSpans(from: Instant, to: Instant): Promise<{ from: Instant; to: Instant }[]>;
}
