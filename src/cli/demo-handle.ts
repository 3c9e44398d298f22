import type { AuditRead } from '../ports.ts';
import type { GapView } from '../usecases/query-gaps.ts';
import type { InjectedFault, OrderedFault, SandboxCounts } from './sandbox-handle.ts';

export interface DemoRequest {
  /** The fixed scenario that ends, or broadcasts without end in which something goes wrong now and then. */
  once: boolean;
  onProgress(message: string): void;
}

/** A capture whose callback nobody took, or only after seconds, though nothing was ordered to happen to it. */
export interface TroubledCallback {
  app: string;
  stream: string;
  capturedAt: number;
  /** null: as the vendor knows, it never got through: the receiver was away (or its answer was lost), or it went elsewhere. */
  delayMs: number | null;
}

/** What the service has found, read through its own queries. */
export interface Observed {
  now: number;
  /** Every run of slots that is not good, pending ones left out. */
  gaps: GapView[];
  audits: AuditRead[];
  /** Differences between the settings and the vendor, e.g. app `moved`, field `callback`. */
  drifts: { app: string | null; field: string }[];
  /** Instants at which the vendor's configs could not be looked at. */
  unknownConfigsAt: number[];
  /** Captures whose callback came. */
  told: { app: string; stream: string; capturedAt: number }[];
  /** Captures that were announced more than once. */
  repeated: { app: string; stream: string; capturedAt: number; deliveries: number; verdict: string }[];
  /** Slots of all streams by verdict, and good slots / slots that count; null where nothing was judged yet. */
  slots: Record<string, number>;
  coverage: number | null;
  /** Every stream that publishes is audited up to here; null before the first audit. */
  auditedUntil: number | null;
}

export interface DemoHandle {
  /** Where the service listens. */
  url: string;
  streams: number;
  intervalSeconds: number;
  lateAfterSeconds: number;
  /** The scenario's last capture; null where it does not end. */
  playsUntil: number | null;
  injected(): InjectedFault[];
  /** What the scenario orders and has not happened (yet). */
  notInjected(): OrderedFault[];
  troubled(): TroubledCallback[];
  counts(): SandboxCounts;
  /** Resolves when the scenario has been played. */
  played(): Promise<void>;
  observe(): Promise<Observed>;
  close(): Promise<void>;
}
