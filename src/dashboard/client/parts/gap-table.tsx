import { Link } from 'wouter';
import { type Gap, streamPath } from '../api.ts';
import { useWords } from '../words/language.tsx';
import { CauseText, Name, VerdictMark } from './marks.tsx';
import { ScrollX } from './scroll-x.tsx';
import { Span, When } from './time.tsx';

/** What is shown of a gap. */
export type ShownGap = Pick<Gap, 'domain' | 'app' | 'stream' | 'from' | 'to' | 'slots' | 'verdict' | 'cause' | 'mode'> &
  Partial<Pick<Gap, 'open' | 'reason'>>;

/** Where the slot drawer opens for a gap: at its first slot. */
function gapPath(gap: ShownGap): string {
  const marginMs = Math.max(300_000, (new Date(gap.to).getTime() - new Date(gap.from).getTime()) * 0.5);
  const search = new URLSearchParams({
    from: new Date(new Date(gap.from).getTime() - marginMs).toISOString(),
    to: new Date(new Date(gap.to).getTime() + marginMs).toISOString(),
    at: gap.from,
    mode: gap.mode,
  });
  return `${streamPath(gap)}?${search}`;
}

export function GapTable({ gaps, withStream }: { gaps: readonly ShownGap[]; withStream: boolean }) {
  const words = useWords();
  return (
    <ScrollX label={words.gaps.title}>
      <table className="rows">
        <thead>
          <tr>
            <th scope="col">{words.common.started}</th>
            {withStream && <th scope="col">{words.common.stream}</th>}
            <th scope="col">{words.common.verdict}</th>
            <th scope="col">{words.common.cause}</th>
            <th scope="col" className="num">
              {words.common.slots}
            </th>
            <th scope="col" className="num">
              {words.common.length}
            </th>
          </tr>
        </thead>
        <tbody>
          {gaps.map((gap) => (
            <tr key={`${streamPath(gap)} ${gap.from} ${gap.verdict} ${gap.mode}`}>
              <td className="fit">
                <Link href={gapPath(gap)} data-row>
                  <When at={gap.from} />
                </Link>
              </td>
              {withStream && (
                <td>
                  <span className="path">
                    <Name>{gap.app}</Name>/<Name>{gap.stream}</Name>
                  </span>
                </td>
              )}
              <td className="fit">
                <VerdictMark verdict={gap.verdict} />
              </td>
              <td>{gap.reason ? <Name>{gap.reason}</Name> : <CauseText cause={gap.cause} />}</td>
              <td className="num">{gap.slots.toLocaleString(words.locale)}</td>
              <td className="num fit">
                <Span ms={new Date(gap.to).getTime() - new Date(gap.from).getTime()} />
                {gap.open && <span className="quiet"> · {words.gaps.open}</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollX>
  );
}
