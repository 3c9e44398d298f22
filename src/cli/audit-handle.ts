import type { AuditStore, Clock } from '../ports.ts';
import type { Auditor, AuditProgress } from '../usecases/audit-window.ts';
import type { Backfill } from '../usecases/backfill.ts';
import type { EvidenceRequest, EvidenceWriter, ExportedEvidence } from '../usecases/export-evidence.ts';
import type { PollFailure } from '../usecases/poll-sessions.ts';

/** What `snapaudit audit` works with. */
export interface AuditHandle {
  clock: Clock;
  /** Main streaming domains of the settings file. */
  domains: readonly string[];
  settleSeconds: number;
  poll(): Promise<PollFailure[]>;
  track(): Promise<void>;
  audit: Auditor;
  backfill: Backfill;
  /** For `snapaudit export evidence`. */
  exportEvidence(request: EvidenceRequest, write: EvidenceWriter): Promise<ExportedEvidence>;
  audits: Pick<AuditStore, 'slotsBetween' | 'markLate'>;
  /** Ids of the streams of a domain, app and stream. */
  streamIds(scope: { domain: string; app: string | null; stream: string | null }): Promise<number[]>;
  close(): Promise<void>;
}

export interface AuditHandleOptions {
  onProgress(progress: AuditProgress): void;
}
