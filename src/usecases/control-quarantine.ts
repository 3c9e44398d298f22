import { RefusalError } from '../core/refusal.ts';
import type { Clock, QuarantineHistory, QuarantineKind, RetryableQuarantine } from '../ports.ts';
import type { ReceiveCallbackParts } from './receive-callback.ts';
import type { ReceiveStreamCallbackParts } from './receive-stream-callback.ts';
import { type RetryCounts, retryQuarantined } from './retry-quarantined.ts';

export interface QuarantineControl {
  /** Offers what was neither stored nor dropped to the receiver again; null: any kind, any reason. */
  retry(which: {
    kind: QuarantineKind | null;
    reason: string | null;
    signal?: AbortSignal;
    onProgress?(counts: RetryCounts): void;
  }): Promise<RetryCounts>;
  /** No retry takes it again; it stays to be looked at until the quarantine needs the room. */
  drop(id: number): Promise<void>;
}

export function controlQuarantine(parts: {
  reads: RetryableQuarantine;
  history: Pick<QuarantineHistory, 'quarantineRow'>;
  clock: Clock;
  /** Names of objects may have become known since. */
  refreshTemplates(): Promise<void>;
  receive: Omit<ReceiveCallbackParts, 'clock' | 'quarantine'>;
  receiveStream: Omit<ReceiveStreamCallbackParts, 'clock' | 'quarantine'>;
}): QuarantineControl {
  const { reads, history, clock, receive, receiveStream } = parts;
  return {
    async retry(which) {
      await parts.refreshTemplates();
      return retryQuarantined({ reads, clock, receive, receiveStream, ...which });
    },
    async drop(id) {
      const row = await history.quarantineRow(id);
      if (!row) throw new RefusalError('not-found', 'There is no such request in quarantine (any more).');
      if (row.outcome === 'stored') throw new RefusalError('conflict', 'A retry has stored this request already.');
      await reads.settle([{ id, outcome: 'dropped' }], clock.now());
    },
  };
}
