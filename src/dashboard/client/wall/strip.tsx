import { memo } from 'react';
import { verdictOfLetter } from '../../../core/strip-letters.ts';
import { formatTime } from '../parts/time.tsx';
import { useWords } from '../words/language.tsx';

const HOUR_MS = 3_600_000;

/** The last hours of one stream: a bar an hour, its bad part in the pattern of its worst verdict. */
export const Strip = memo(function Strip({ strip, bad, from }: { strip: string; bad: string; from: string }) {
  const words = useWords();
  const start = new Date(from).getTime();
  const hours = [...strip].map((letter, index) => ({
    at: start + index * HOUR_MS,
    verdict: verdictOfLetter(letter),
    ninths: Number(bad[index] ?? 0),
  }));
  const shown = hours.filter((hour) => hour.verdict !== null).length;
  const faulty = hours.filter((hour) => hour.ninths > 0).length;
  return (
    <span className="strip" role="img" aria-label={words.wall.stripLabel(faulty, shown)}>
      {hours.map(({ at, verdict, ninths }) => (
        <span
          key={at}
          className={`strip-hour${verdict === null ? '' : ` tone-${verdict}`}`}
          title={`${formatTime(at, 'minute', words.locale)}: ${
            verdict === null ? words.wall.nothingDue : words.verdicts[verdict]
          }${ninths > 0 ? `, ${words.wall.partBad(ninths)}` : ''}`}
        >
          {ninths > 0 && <span className={`strip-bad bad-${ninths} fill-${verdict}`} />}
        </span>
      ))}
    </span>
  );
});
