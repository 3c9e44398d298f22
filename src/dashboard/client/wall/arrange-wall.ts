import type { StreamStatus } from '../../../core/stream-status.ts';
import type { WallStream } from '../api.ts';

export interface WallFilter {
  /** Every word must be part of domain, app or stream. */
  text: string;
  status: ReadonlySet<StreamStatus>;
}

export interface WallGroup {
  domain: string;
  app: string;
  streams: WallStream[];
  /** How many of the group stand how. */
  counts: Partial<Record<StreamStatus, number>>;
}

const RANK: Record<StreamStatus, number> = {
  gap: 0,
  unknown: 1,
  late: 2,
  on_time: 3,
  maintenance: 4,
  paused: 5,
  offline: 6,
};

/**
 * Worst first: groups by their worst stream, streams by status, then by coverage, then as they come: the server sends them by
 * name, and sorting is stable.
 */
export function arrangeWall(streams: Iterable<WallStream>, filter: WallFilter): WallGroup[] {
  const wanted = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  const groups = new Map<string, WallGroup>();
  for (const stream of streams) {
    if (filter.status.size > 0 && !filter.status.has(stream.status)) continue;
    if (wanted.length > 0) {
      const names = `${stream.domain} ${stream.app} ${stream.stream}`.toLowerCase();
      if (!wanted.every((word) => names.includes(word))) continue;
    }
    const key = `${stream.domain}\n${stream.app}`;
    let group = groups.get(key);
    if (!group) {
      group = { domain: stream.domain, app: stream.app, streams: [], counts: {} };
      groups.set(key, group);
    }
    group.streams.push(stream);
    group.counts[stream.status] = (group.counts[stream.status] ?? 0) + 1;
  }
  for (const group of groups.values()) group.streams.sort(worstFirst);
  return [...groups.values()].sort(
    (a, b) => worstFirst(a.streams[0]!, b.streams[0]!) || (a.domain + a.app < b.domain + b.app ? -1 : 1),
  );
}

function worstFirst(a: WallStream, b: WallStream): number {
  if (a.status !== b.status) return RANK[a.status] - RANK[b.status];
  return (a.coverage ?? 2) - (b.coverage ?? 2);
}

export function countByStatus(streams: Iterable<WallStream>): Record<StreamStatus, number> {
  const counts = { on_time: 0, late: 0, gap: 0, offline: 0, paused: 0, maintenance: 0, unknown: 0 };
  for (const stream of streams) counts[stream.status]++;
  return counts;
}
