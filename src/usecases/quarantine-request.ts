import type { Instant } from '../core/instant.ts';
import type { QuarantineEntry } from '../ports.ts';
import { RefusedError } from './group-commit.ts';
import type { QuarantineSink, Sink } from './receive-callback.ts';

export interface QuarantineAllowance {
  rowsPerHour: number;
  bytesPerHour: number;
}

/** What a stranger may make us keep, and what whoever holds a key may. */
export const QUARANTINE_ALLOWANCES = {
  stranger: { rowsPerHour: 20_000, bytesPerHour: 64 * 1024 ** 2 },
  verified: { rowsPerHour: 1_000_000, bytesPerHour: 1024 ** 3 },
} as const;

const HOUR_MS = 3_600_000;

/** Keeps requests that were rejected or not understood, within an allowance for each hour; beyond it they are only counted. */
export function createQuarantine(parts: {
  sink: Sink<QuarantineEntry>;
  now: () => Instant;
  stranger: QuarantineAllowance;
  verified: QuarantineAllowance;
  onNotKept: (reason: string) => void;
}): QuarantineSink {
  const stranger = createMeter(parts.stranger, parts.now);
  const verified = createMeter(parts.verified, parts.now);
  return {
    async accept(entry, isVerified) {
      if (!(isVerified ? verified : stranger)(entry.body.byteLength)) {
        parts.onNotKept(entry.reason);
        return false;
      }
      try {
        await parts.sink.accept(entry);
        return true;
      } catch (error) {
        if (!(error instanceof RefusedError)) throw error;
        parts.onNotKept(error.reason);
        return false;
      }
    },
  };
}

function createMeter(allowance: QuarantineAllowance, now: () => Instant): (bytes: number) => boolean {
  let hour = -1;
  let rows = 0;
  let used = 0;
  return (bytes) => {
    const current = Math.floor(now() / HOUR_MS);
    if (current !== hour) {
      hour = current;
      rows = 0;
      used = 0;
    }
    if (rows >= allowance.rowsPerHour || used + bytes > allowance.bytesPerHour) return false;
    rows++;
    used += bytes;
    return true;
  };
}
