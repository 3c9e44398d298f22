import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type Capture, get, type Page } from '../api.ts';
import { formatTime } from '../parts/time.tsx';
import { useWords } from '../words/language.tsx';
import { CapturePicture } from './picture.tsx';

const SHOWN = 8;

/** The pictures up to the cursor, or up to the end of the window. */
export function Pictures({
  stream,
  from,
  to,
  cursor,
  onPick,
}: {
  stream: { domain: string; app: string; stream: string };
  from: number;
  to: number;
  cursor: number | null;
  onPick: (at: number) => void;
}) {
  const words = useWords();
  const [at] = useDebouncedValue(cursor, 250);
  // A few slots beyond the cursor, so that it stands amid its pictures.
  const until = at === null ? to : Math.min(to, at + (to - from) / 100);
  const bounds = { from: new Date(from).toISOString(), to: new Date(Math.max(from + 1, until)).toISOString() };
  const captures = useQuery({
    queryKey: ['captures', stream, bounds],
    queryFn: ({ signal }) =>
      get<Page<Capture>>('/captures', { ...stream, ...bounds, limit: SHOWN, order: 'newest' }, signal),
    placeholderData: keepPreviousData,
  });
  const shown = captures.data?.data.toReversed() ?? [];
  return (
    <section className="panel">
      <h2>
        {words.stream.pictures}
        <span className="quiet end">{words.stream.picturesHint}</span>
      </h2>
      <div className="panel-body">
        {shown.length === 0 ? (
          <p className="quiet">{captures.isPending ? words.common.loading : words.stream.noPictures}</p>
        ) : (
          <ul className="pictures">
            {shown.map((capture) => (
              <li key={capture.id}>
                <button type="button" onClick={() => onPick(new Date(capture.capturedAt).getTime())} data-row>
                  <CapturePicture
                    capture={capture}
                    alt={words.stream.capturedAt(formatTime(capture.capturedAt, 'full', words.locale))}
                  />
                  <span className={`tone-${capture.verdict}`}>
                    {formatTime(capture.capturedAt, 'time', words.locale)}
                  </span>
                </button>
              </li>
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}
