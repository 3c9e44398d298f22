import { RefusalError } from '../core/refusal.ts';
import { resolveWindow, type WindowWords } from '../core/time-window.ts';
import { VERDICTS, type Verdict } from '../core/verdict.ts';
import type { Clock, GapFilter, GapPlace, GapRead, GapReads, ScopeFilter } from '../ports.ts';
import { cursorAfter, isId, isInstant, type Page, type PageWords, readWindowPage } from './query-paging.ts';

export interface GapView extends GapRead {
  /** `<stream number>-<start in ms>-<verdict>-<mode>`. */
  id: string;
}

export type GapWords = PageWords & WindowWords & ScopeFilter & GapFilter;

type Place = [number, number, Verdict, 'sequence' | 'overwrite'];

export function gapQueries({ reads, clock }: { reads: GapReads; clock: Clock }) {
  return {
    /** Newest start first; runs that share an instant with the window. Runs of unknown and excused slots are among them. */
    gaps(words: GapWords): Promise<Page<GapView>> {
      return readWindowPage<GapView, Place>({
        list: 'gaps',
        words,
        now: clock.now(),
        isPlace,
        placeOf: (row) => [row.from, row.streamId, row.verdict, row.mode],
        read: async (window, place, limit) => {
          const after = place && { from: place[0], streamId: place[1], verdict: place[2], mode: place[3] };
          const filter = { verdict: words.verdict, cause: words.cause, open: words.open };
          return (await reads.gapRows({ scope: words, filter, window, after, limit })).map(viewOf);
        },
      });
    },

    /** The cursor of the list that goes on after the gap with this id. */
    gapCursor(id: string, words: GapWords): string {
      const place = parseGapId(id);
      if (!place) throw new RefusalError('bad-cursor', 'The cursor is not the id of a gap.');
      const { from, streamId, verdict, mode } = place;
      return cursorAfter('gaps', words, resolveWindow(words, clock.now()), [from, streamId, verdict, mode]);
    },

    async gap(id: string): Promise<GapView> {
      const place = parseGapId(id);
      const row = place && (await reads.gapRow(place));
      if (!row) throw new RefusalError('not-found', 'There is no such gap (any more).');
      return viewOf(row);
    },
  };
}

function viewOf(row: GapRead): GapView {
  return { ...row, id: `${row.streamId}-${row.from}-${row.verdict}-${row.mode}` };
}

function isPlace(values: readonly (string | number | null)[]): values is Place {
  return (
    values.length === 4 &&
    isInstant(values[0]) &&
    isId(values[1]) &&
    VERDICTS.includes(values[2] as Verdict) &&
    (values[3] === 'sequence' || values[3] === 'overwrite')
  );
}

function parseGapId(id: string): GapPlace | null {
  const match = /^(\d{1,10})-(\d{1,15})-([a-z_]+)-([a-z]+)$/.exec(id);
  const values = match ? [Number(match[2]), Number(match[1]), match[3]!, match[4]!] : [];
  return isPlace(values) ? { from: values[0], streamId: values[1], verdict: values[2], mode: values[3] } : null;
}
