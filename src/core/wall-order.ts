import type { StreamStatus } from './stream-status.ts';

/** What decides where a stream stands on the wall. */
export interface WallPlace {
  domain: string;
  app: string;
  status: StreamStatus;
  /** null where nothing is due. */
  intervalSeconds: number | null;
  /** Good slots / slots that count; null where none counts. */
  coverage: number | null;
}

export interface WallGroup<Stream extends WallPlace> {
  domain: string;
  app: string;
  streams: Stream[];
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
 * Worst first: groups by their worst stream, streams by status, then by coverage, then as they come: the service gives them by
 * name, and sorting is stable.
 */
export function worstFirst<Stream extends WallPlace>(streams: Iterable<Stream>): WallGroup<Stream>[] {
  const groups = new Map<string, WallGroup<Stream>>();
  let group: WallGroup<Stream> | undefined;
  for (const stream of streams) {
    // Neighbours by name are of one group mostly.
    if (group?.domain !== stream.domain || group.app !== stream.app) {
      const key = `${stream.domain}\n${stream.app}`;
      group = groups.get(key);
      if (!group) {
        group = { domain: stream.domain, app: stream.app, streams: [] };
        groups.set(key, group);
      }
    }
    group.streams.push(stream);
  }
  for (const { streams: members } of groups.values()) members.sort(compare);
  return [...groups.values()].sort(
    (a, b) => compare(a.streams[0]!, b.streams[0]!) || (a.domain + a.app < b.domain + b.app ? -1 : 1),
  );
}

function compare(a: WallPlace, b: WallPlace): number {
  const ranks = rankOf(a) - rankOf(b);
  if (ranks !== 0) return ranks;
  return (a.coverage ?? 2) - (b.coverage ?? 2);
}

/** A stream of which nothing is due is nobody's trouble: it stands behind those that are on time. */
function rankOf({ status, intervalSeconds }: WallPlace): number {
  return status === 'unknown' && intervalSeconds === null ? RANK.on_time : RANK[status];
}
