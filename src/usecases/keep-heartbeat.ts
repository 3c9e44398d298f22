import type { Instant } from '../core/instant.ts';
import type { Heartbeat, Spool } from '../ports.ts';

export interface HeartbeatKeeper {
  /** One beat. Never throws. */
  beat(): Promise<void>;
  /** A callback could not be kept (503): the span since the last beat is not one in which we could see. */
  noteTurnedAway(): void;
  /** A request from outside came through. */
  noteProof(at: Instant): void;
  /** Until when this receiver is known to have been able to take callbacks; null where it is not able now. */
  aliveUntil(): Instant | null;
}

/** Longer silence than this is a stall of the process: the vendor gives up on a request after 5 s. */
const MAX_STALL_MS = 5_000;

/**
 * Leaves the heartbeats of one receiver. A beat counts only if something was committed for it: the heartbeat row itself, or, while the
 * database is away, a note in the spool that reaches the database later.
 */
export function createHeartbeatKeeper(parts: {
  receiverId: string;
  host: string;
  now: () => Instant;
  commit: (beats: readonly Heartbeat[], timeoutMs: number) => Promise<void>;
  spool: Spool | null;
  commitTimeoutMs: number;
  onFailure: (error: unknown) => void;
}): HeartbeatKeeper {
  let span: { fromAt: Instant; toAt: Instant } | null = null;
  let turnedAway = false;
  let provenAt: Instant | null = null;

  async function isDurable(beat: Heartbeat): Promise<boolean> {
    let notes: Heartbeat[] = [];
    try {
      // A spool that cannot be read does not keep the database from taking callbacks.
      notes = parts.spool?.aliveNotes() ?? [];
    } catch (error) {
      parts.onFailure(error);
    }
    try {
      await parts.commit([...notes, beat], parts.commitTimeoutMs);
      if (notes.length > 0) parts.spool?.forgetAliveNotes(notes);
      return true;
    } catch (error) {
      parts.onFailure(error);
      if (parts.spool === null) return false;
    }
    try {
      parts.spool.noteAlive(beat);
      return true;
    } catch (error) {
      parts.onFailure(error);
      return false;
    }
  }

  return {
    async beat() {
      const now = parts.now();
      if (turnedAway) {
        turnedAway = false;
        span = null;
        return;
      }
      if (span !== null && now - span.toAt > MAX_STALL_MS) span = null;
      // A clock that was set back must not turn the row around.
      const fromAt: Instant = span?.fromAt ?? now;
      const toAt = Math.max(now, fromAt);
      const isAlive = await isDurable({ receiverId: parts.receiverId, fromAt, toAt, host: parts.host, provenAt });
      span = isAlive ? { fromAt, toAt } : null;
    },
    noteTurnedAway() {
      turnedAway = true;
    },
    noteProof(at) {
      provenAt = at;
    },
    aliveUntil: () => span?.toAt ?? null,
  };
}
