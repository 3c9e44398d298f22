import { formatInstant, type Instant } from './instant.ts';
import type { StreamKey } from './stream-key.ts';

/** Instants of evidence lines, by field name: RFC 3339 in the file, numbers here. */
const EVIDENCE_INSTANTS = [
  'from',
  'to',
  'now',
  'validFrom',
  'startedAt',
  'endedAt',
  'capturedAt',
  'receivedAt',
  'lastModified',
  'createdAt',
] as const;

/** The lines of an evidence file (DESIGN 2.2). */
export type EvidenceLine =
  | {
      type: 'window';
      from: Instant;
      to: Instant;
      now: Instant;
      settleSeconds: number;
      lateAfterSeconds: number;
      callbackUrl: string | null;
    }
  | {
      type: 'config';
      domain: string;
      app: string;
      validFrom: Instant;
      intervalSeconds: number;
      bucket: string;
      endpoint: string;
      sequenceObject: string | null;
      overwriteObject: string | null;
      callback: string | null;
      /** True from the moment on at which the config was deleted. */
      absent?: boolean | undefined;
    }
  | ({ type: 'session'; startedAt: Instant; endedAt: Instant | null } & StreamKey)
  | ({
      type: 'callback';
      bucket: string;
      object: string;
      capturedAt: Instant | null;
      receivedAt: Instant;
      verified: boolean;
    } & StreamKey)
  | { type: 'object'; bucket: string; key: string; lastModified: Instant; size: number }
  | ({ type: 'index'; object: string; createdAt: Instant; overlay: boolean | null } & StreamKey)
  | { type: 'listed'; bucket: string; prefix: string; from: Instant; to: Instant }
  | ({ type: 'indexed'; from: Instant; to: Instant } & StreamKey)
  | { type: 'rejected'; object: string; receivedAt: Instant; reason: string }
  | { type: 'blind'; from: Instant; to: Instant }
  /** More requests were rejected than could be kept by name: there is no `rejected` line of some. */
  | { type: 'unkept'; from: Instant; to: Instant }
  | {
      type: 'excused';
      from: Instant;
      to: Instant;
      domain: string | null;
      app: string | null;
      stream: string | null;
      reason: string;
    }
  | { type: 'lifecycle'; bucket: string; prefix: string; days: number | null };

export type EvidenceType = EvidenceLine['type'];
export type EvidenceOf<T extends EvidenceType> = Extract<EvidenceLine, { type: T }>;

const INSTANTS: ReadonlySet<string> = new Set(EVIDENCE_INSTANTS);

/** One line of an evidence file, without the line break. */
export function formatEvidence(line: EvidenceLine): string {
  return JSON.stringify(line, (field, value) =>
    INSTANTS.has(field) && typeof value === 'number' ? formatInstant(value) : value,
  );
}
