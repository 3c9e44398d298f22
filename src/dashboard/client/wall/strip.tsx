import { memo } from 'react';
import { verdictOfLetter } from '../../../core/strip-letters.ts';
import { formatTime, utcText } from '../parts/format-time.ts';
import { useWords } from '../words/language.tsx';

const HOUR_MS = 3_600_000;

/** Hours that look the same are one element, cut into bars by the mask of the strip: ten thousand strips must be cheap. */
interface Run {
  index: number;
  hours: number;
  letter: string;
  ninths: number;
}

/** The last hours of one stream: a bar an hour, its bad part in the pattern of its worst verdict. */
export const Strip = memo(function Strip({ strip, bad, from }: { strip: string; bad: string; from: string }) {
  const words = useWords();
  const start = new Date(from).getTime();
  const runs = runsOf(strip, bad);
  const sum = (counts: (run: Run) => boolean) => runs.reduce((all, run) => all + (counts(run) ? run.hours : 0), 0);
  const label = words.wall.stripLabel(
    sum((run) => run.ninths > 0),
    sum((run) => run.letter !== '.'),
  );
  return (
    <span className="strip" role="img" aria-label={label}>
      {runs.map(({ index, hours, letter, ninths }) => {
        const verdict = verdictOfLetter(letter);
        const word = verdict === null ? words.wall.nothingDue : words.verdicts[verdict];
        const at = start + index * HOUR_MS;
        return (
          <span
            key={index}
            className={`strip-hour${verdict === null ? '' : ` tone-${verdict}`}`}
            style={{ flexGrow: hours }}
            title={`${formatTime(at, 'minute', words.locale)}${hours > 1 ? ` + ${hours} ${words.spans.h}` : ''}: ${word}${
              ninths > 0 ? `, ${words.wall.partBad(ninths)}` : ''
            }\n${utcText(at)}`}
          >
            {ninths > 0 && <span className={`strip-bad bad-${ninths} fill-${verdict}`} />}
          </span>
        );
      })}
    </span>
  );
});

function runsOf(strip: string, bad: string): Run[] {
  const runs: Run[] = [];
  for (const [index, letter] of [...strip].entries()) {
    const ninths = Number(bad[index] ?? 0);
    const last = runs.at(-1);
    if (last && last.letter === letter && last.ninths === ninths) last.hours++;
    else runs.push({ index, hours: 1, letter, ninths });
  }
  return runs;
}
