import type { StreamStatus } from '../../../core/stream-status.ts';
import { type WallGroup, worstFirst } from '../../../core/wall-order.ts';
import type { WallStream } from '../api.ts';

export interface WallFilter {
  /** Every word must be part of domain, app or stream. */
  text: string;
  status: ReadonlySet<StreamStatus>;
}

/** What the filter lets through, worst first. */
export function arrangeWall(streams: Iterable<WallStream>, { text, status }: WallFilter): WallGroup<WallStream>[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0 && status.size === 0) return worstFirst(streams);
  return worstFirst(
    [...streams].filter((stream) => {
      if (status.size > 0 && !status.has(stream.status)) return false;
      if (words.length === 0) return true;
      const names = `${stream.domain} ${stream.app} ${stream.stream}`.toLowerCase();
      return words.every((word) => names.includes(word));
    }),
  );
}
