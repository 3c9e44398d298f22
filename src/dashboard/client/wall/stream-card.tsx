import { memo } from 'react';
import { Link } from 'wouter';
import { type LiveIncident, streamPath, type WallStream } from '../api.ts';
import { causeWord, Name, SeverityMark, STATUS_TONES, StatusMark } from '../parts/marks.tsx';
import { Age, percentText } from '../parts/time.tsx';
import { useWords } from '../words/language.tsx';
import { Strip } from './strip.tsx';

export const StreamCard = memo(function StreamCard({
  stream,
  stripFrom,
  incident,
}: {
  stream: WallStream;
  stripFrom: string;
  incident: LiveIncident | null;
}) {
  const words = useWords();
  const { status, gap, coverage, lastCaptureAt, intervalSeconds } = stream;
  return (
    <Link
      href={streamPath(stream)}
      className={`card edge-${STATUS_TONES[status]}`}
      data-row
      data-stream={stream.stream}
    >
      <span className="card-head">
        <Name>{stream.stream}</Name>
        <StatusMark status={status} intervalSeconds={intervalSeconds} />
      </span>
      <Strip strip={stream.strip} bad={stream.bad} from={stripFrom} />
      <span className="card-foot">
        <span title={words.wall.last24h}>{percentText(coverage, words.locale)}</span>
        {incident ? (
          <SeverityMark severity={incident.severity}>{words.incidentKinds[incident.kind]}</SeverityMark>
        ) : (
          gap && (
            <span className="card-cause">
              {gap.cause ? causeWord(gap.cause, words.causes) : words.verdicts[gap.verdict]}
            </span>
          )
        )}
        <span className="quiet">{lastCaptureAt ? <Age at={lastCaptureAt} /> : words.wall.noPicture}</span>
      </span>
    </Link>
  );
});
