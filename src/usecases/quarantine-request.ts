import type { Instant } from '../core/instant.ts';
import { NAMES_NOT_KEPT } from '../core/quarantine-reason.ts';
import type { QuarantineEntry } from '../ports.ts';
import { RefusedError } from './group-commit.ts';
import type { QuarantineSink, Sink } from './receive-callback.ts';

export interface QuarantineAllowance {
  rowsPerHour: number;
  bytesPerHour: number;
}

/** What a stranger may make us keep, and what whoever holds a key may; `named`: object names of rejected requests, beyond the first. */
export const QUARANTINE_ALLOWANCES = {
  stranger: { rowsPerHour: 20_000, bytesPerHour: 64 * 1024 ** 2 },
  verified: { rowsPerHour: 1_000_000, bytesPerHour: 1024 ** 3 },
  named: { rowsPerHour: 500_000, bytesPerHour: 128 * 1024 ** 2 },
} as const;

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** The vendor tries a callback up to six times within half a minute; so many names are remembered to keep it once. */
const REMEMBERED_NAMES = 20_000;
/** What a row takes beside the name in it. */
const ROW_BYTES = 100;

/**
 * Keeps requests that were rejected or not understood, within an allowance for each hour. Of rejected ones beyond it what explains a
 * missing callback is kept for longer: the name of the object, once. The others are only counted, and one entry says of each minute that
 * there were such: what is missing then may have been ours to keep.
 */
export function createQuarantine(parts: {
  sink: Sink<QuarantineEntry>;
  now: () => Instant;
  stranger: QuarantineAllowance;
  verified: QuarantineAllowance;
  named: QuarantineAllowance;
  onNotKept: (reason: string) => void;
}): QuarantineSink {
  const stranger = createMeter(parts.stranger, parts.now);
  const verified = createMeter(parts.verified, parts.now);
  const named = createMeter(parts.named, parts.now);
  const names = new Set<string>();
  let markedMinute: number | null = null;

  /** Null where it is too much. A wrong key of ours must not read as the vendor's loss, so a name is worth more than a request. */
  function keptOf(entry: QuarantineEntry, isVerified: boolean): QuarantineEntry | 'known' | null {
    if ((isVerified ? verified : stranger)(entry.body.byteLength)) return entry;
    const { kind, object } = entry;
    if (kind !== 'rejected' || object === null) return null;
    if (names.has(object)) return 'known';
    if (!named(ROW_BYTES + object.length)) return null;
    names.add(object);
    if (names.size > REMEMBERED_NAMES) for (const oldest of names) if (names.delete(oldest)) break;
    return { ...entry, headers: {}, body: new Uint8Array() };
  }

  /** Whose callbacks they were nobody knows any more, so it is said of none and stands for all. */
  async function markMinute(receivedAt: Instant): Promise<void> {
    const minute = Math.floor(receivedAt / MINUTE_MS);
    if (minute === markedMinute) return;
    markedMinute = minute;
    try {
      await parts.sink.accept({
        receivedAt,
        kind: 'rejected',
        reason: NAMES_NOT_KEPT,
        remoteAddress: null,
        headers: {},
        body: new Uint8Array(),
        domain: null,
        app: null,
        stream: null,
        object: null,
      });
    } catch (error) {
      // The next one tries again.
      if (markedMinute === minute) markedMinute = null;
      throw error;
    }
  }

  return {
    async accept(entry, isVerified) {
      const kept = keptOf(entry, isVerified);
      if (kept === 'known') return true;
      if (kept === null) {
        parts.onNotKept(entry.reason);
        if (entry.kind === 'rejected' && entry.object !== null) await markMinute(entry.receivedAt);
        return false;
      }
      try {
        await parts.sink.accept(kept);
        return true;
      } catch (error) {
        // Not kept, so the vendor's next try is to be kept instead.
        if (kept !== entry && entry.object !== null) names.delete(entry.object);
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
