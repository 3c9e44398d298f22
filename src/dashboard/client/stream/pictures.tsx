import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type Capture, get, type Page } from '../api.ts';
import { formatTime, When } from '../parts/time.tsx';
import { useWords } from '../words/language.tsx';
import { CapturePicture } from './picture.tsx';

const SHOWN = 8;
/** So many slots beyond the cursor are shown, so that it stands amid its pictures. */
const AHEAD = SHOWN / 2;

/** The pictures around the cursor, or those up to the end of the window. */
export function Pictures({
  stream,
  from,
  to,
  intervalSeconds,
  cursor,
  onPick,
}: {
  stream: { domain: string; app: string; stream: string };
  from: number;
  to: number;
  intervalSeconds: number;
  cursor: number | null;
  onPick: (at: number) => void;
}) {
  const words = useWords();
  const isInside = cursor !== null && cursor >= from && cursor < to;
  const until = isInside ? Math.min(to, cursor + AHEAD * intervalSeconds * 1_000) : to;
  const bounds = { from: new Date(from).toISOString(), to: new Date(until).toISOString() };
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
                    <When at={capture.capturedAt} detail="time" />
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
