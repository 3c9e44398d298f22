import { useWall } from '../wall/wall-store.ts';
import { useWords } from '../words/language.tsx';
import { formatTime, utcText } from './format-time.ts';

/** Whether what is shown is current; if not, since when not. */
export function LiveMark() {
  const words = useWords();
  const connection = useWall((state) => state.connection);
  const heardAt = useWall((state) => (state.connection === 'stale' ? state.heardAt : 0));
  if (connection === 'stale') {
    return (
      <span className="live live-stale" role="status" title={`${utcText(heardAt)}\n${words.live.staleHint}`}>
        <span className="dot" aria-hidden />
        {words.live.stale(formatTime(heardAt, 'time', words.locale))}
      </span>
    );
  }
  return (
    <span className={`live live-${connection}`} role="status">
      <span className="dot" aria-hidden />
      {connection === 'live' ? words.live.live : words.live.connecting}
    </span>
  );
}
