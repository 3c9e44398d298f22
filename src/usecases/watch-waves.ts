import type { Instant } from '../core/instant.ts';
import { type AppTotal, holdsForStorm } from '../core/storm.ts';
import type { WatchedRow } from './watch-miss-ratio.ts';

interface Suspect {
  row: WatchedRow;
}

/** Streams of one app that became suspected together, and those that were let through before. */
interface Wave {
  beganAt: Instant | null;
  /** So many were waiting at the last look. */
  suspected: number;
  through: Set<number>;
}

/** Holds the first streams of an outage back for the others, so that it is told as one. */
export function createWaves() {
  const waves = new Map<string, Wave>();

  /** True where the silence has been let through to be told. */
  function isThrough(row: WatchedRow): boolean {
    return waves.get(appKey(row))?.through.has(row.streamId) ?? false;
  }

  /** The suspects that are to be told now. Those of an outage that is just beginning wait for each other. */
  function ripeOf(
    suspects: readonly Suspect[],
    overdue: readonly Suspect[],
    totals: readonly AppTotal[],
    asOf: Instant,
  ): { ripe: Set<number>; forming: Set<string> } {
    const ripe = new Set<number>();
    const forming = new Set<string>();
    const mineOf = Map.groupBy(suspects, ({ row }) => appKey(row));
    const lateOf = Map.groupBy(overdue, ({ row }) => appKey(row));
    for (const { domain, app, onAir } of totals) {
      const key = appKey({ domain, app });
      const mine = mineOf.get(key) ?? [];
      const before = waves.get(key);
      // Whoever was let through once stays: a silence of its own holds nobody back and is held back by nobody.
      const through = mine.filter(({ row }) => before?.through.has(row.streamId)).map(({ row }) => row.streamId);
      const wave: Wave = { beganAt: null, suspected: 0, through: new Set(through) };
      const fresh = mine.filter(({ row }) => !wave.through.has(row.streamId));
      if (fresh.length > 0) {
        wave.beganAt = before?.beganAt ?? asOf;
        wave.suspected = fresh.length;
        const held = holdsForStorm({
          now: asOf,
          firstSuspectedAt: wave.beganAt,
          intervalSeconds: Math.max(...fresh.map(({ row }) => row.intervalSeconds)),
          overdue: (lateOf.get(key) ?? []).filter(({ row }) => !wave.through.has(row.streamId)).length,
          suspected: fresh.length,
          suspectedBefore: before?.suspected ?? 0,
          onAir: onAir - wave.through.size,
        });
        if (held) forming.add(key);
        else {
          for (const { row } of fresh) wave.through.add(row.streamId);
          wave.beganAt = null;
          wave.suspected = 0;
        }
      }
      waves.set(key, wave);
      for (const streamId of wave.through) ripe.add(streamId);
    }
    return { ripe, forming };
  }

  return { isThrough, ripeOf };
}

export function appKey({ domain, app }: { domain: string; app: string }): string {
  return `${domain}\n${app}`;
}
