/**
 * A broadcast that never took place, written down in full: what was captured, stored, announced and listed, and what was made to go
 * wrong. Instants are ms since the epoch, UTC; spans are half-open.
 */
import type { CaptureFault, FaultKind } from './fault-kinds.ts';

export interface Span {
  from: number;
  to: number;
}

/** How `{UnixTimestamp}` is written, or that the name carries only `{Sequence}`, or is the same for every capture. */
export type NameStyle = 'seconds' | 'milliseconds' | 'sequence' | 'overwrite';

export interface PlannedConfig {
  domain: string;
  app: string;
  validFrom: number;
  intervalSeconds: number;
  bucket: string;
  endpoint: string;
  /** Null where the mode is off; one of the two is on. */
  sequenceObject: string | null;
  overwriteObject: string | null;
  callback: string;
}

export interface PlannedStream {
  domain: string;
  app: string;
  stream: string;
  bucket: string;
  nameStyle: NameStyle;
  /** The vendor signs this domain's callbacks. */
  signed: boolean;
  /** The bucket's lifecycle has taken every object of this stream away by `now`. */
  expired: boolean;
}

/** What the design's table makes of a slot. `cause` is null for `ok`, `pending` and `excused`. */
export interface Expectation {
  verdict: string;
  cause: string | null;
}

export interface Delivery {
  receivedAt: number;
  /** Null where our receiver took it; else why it turned it away. */
  rejected: string | null;
}

export interface PlannedSlot {
  index: number;
  /** Where the beat wants it; the capture falls at most 0.4 of the interval later. */
  gridAt: number;
  /** The instant that its name carries (for `sequence` names: that of the capture). */
  visibleAt: number;
  capturedAt: number;
  object: string;
  faults: CaptureFault[];
  /** Requests that reached our receiver. */
  deliveries: Delivery[];
  /** Null where it was never written; `gone` where it is not there any more. */
  stored: { key: string; lastModified: number; gone: boolean } | null;
  /** Overwrite mode: a later capture has taken the object's place, so the object tells nothing of this one. */
  replaced: boolean;
  indexedAt: number | null;
  /** The body said when it was captured. */
  tellsTime: boolean;
  /** The first or last slots (or all) of the session were lost: how many can only be told roughly. */
  edge: 'head' | 'tail' | 'whole' | null;
  /** Too near an edge of a span to be told: either answer is right. */
  uncertain: boolean;
  expected: Expectation;
}

export interface PlannedSession {
  stream: PlannedStream;
  startedAt: number;
  /** Null while it is on air. */
  endedAt: number | null;
  /** When the pictures stopped; the vendor notices up to 10 s later. */
  lastFrameAt: number;
  config: PlannedConfig;
  /** With both modes on a session is planned twice, once for each: they are judged by themselves. */
  mode: 'sequence' | 'overwrite';
  /** What the encoder in fact keeps; other than the configured one only in a drifting session. */
  beatSeconds: number;
  ours: boolean;
  slots: PlannedSlot[];
}

/** A capture that belongs to no session. */
export interface PlannedStray {
  stream: PlannedStream;
  capturedAt: number;
  object: string;
  receivedAt: number;
  expected: Expectation;
}

/** Ground truth: one thing that was made to go wrong. */
export interface InjectedFault {
  kind: FaultKind;
  domain: string | null;
  app: string | null;
  stream: string | null;
  from: number;
  to: number;
  slots: number;
}

/** In what surroundings a broadcast is to play. */
export interface Setting {
  from: number;
  to: number;
  now: number;
  settleSeconds: number;
  lateAfterSeconds: number;
  callbackUrl: string;
  configs: PlannedConfig[];
  streams: PlannedStream[];
  lifecycle: { bucket: string; prefix: string; days: number }[];
}

export interface BroadcastPlan extends Setting {
  seed: number;
  faultFree: boolean;
  sessions: PlannedSession[];
  strays: PlannedStray[];
  foreign: { bucket: string; key: string; lastModified: number }[];
  spans: PlannedSpans;
  faults: InjectedFault[];
}

export interface PlannedSpans {
  blind: (Span & { refused: boolean })[];
  /** Our receiver rejected more requests than it could note. */
  unkept: Span[];
  listingFailed: (Span & { bucket: string })[];
  indexFailed: (Span & { stream: PlannedStream })[];
  excused: (Span & { domain: string | null; app: string | null; stream: string | null })[];
}
