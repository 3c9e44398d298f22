import type { Audit } from '../api.ts';
import { CircleCheck, Hourglass } from '../parts/icons.ts';
import { FailedMark, Mark, Name } from '../parts/marks.tsx';
import { More } from '../parts/more.tsx';
import { usePageTitle } from '../parts/page-title.ts';
import { ScrollX } from '../parts/scroll-x.tsx';
import { Empty, Failure, Loading } from '../parts/states.tsx';
import { Span, When } from '../parts/time.tsx';
import { usePages } from '../parts/use-pages.ts';
import { useWall } from '../wall/wall-store.ts';
import { useWords } from '../words/language.tsx';

export default function AuditsPage() {
  const words = useWords();
  usePageTitle(words.audits.title);
  const revision = useWall((state) => Math.floor(state.revision / 5));
  const audits = usePages<Audit>('/audits', {}, revision);
  return (
    <>
      <div className="page-head">
        <h1>{words.audits.title}</h1>
      </div>
      <section className="panel" aria-label={words.audits.title}>
        {audits.isError ? (
          <Failure error={audits.error} retry={() => audits.refetch()} />
        ) : audits.isPending ? (
          <Loading />
        ) : audits.rows.length === 0 ? (
          <Empty title={words.audits.empty} hint={words.audits.emptyHint} />
        ) : (
          <AuditTable audits={audits.rows} />
        )}
        <More query={audits} />
      </section>
    </>
  );
}

function AuditTable({ audits }: { audits: Audit[] }) {
  const words = useWords();
  const number = (count: number) => count.toLocaleString(words.locale);
  return (
    <ScrollX label={words.audits.title}>
      <table className="rows">
        <thead>
          <tr>
            <th scope="col">{words.common.started}</th>
            <th scope="col">{words.common.status}</th>
            <th scope="col">{words.common.domain}</th>
            <th scope="col">{words.audits.window}</th>
            <th scope="col" className="num">
              {words.audits.streams}
            </th>
            <th scope="col" className="num">
              {words.audits.captures}
            </th>
            <th scope="col" className="num">
              {words.audits.keys}
            </th>
            <th scope="col">{words.audits.cost}</th>
            <th scope="col" className="num">
              {words.audits.took}
            </th>
          </tr>
        </thead>
        <tbody>
          {audits.map((audit) => (
            <tr key={audit.id}>
              <td className="fit">
                <When at={audit.startedAt} /> <span className="quiet">{words.audits.kinds[audit.kind]}</span>
              </td>
              <td>
                <AuditStatus audit={audit} />
              </td>
              <td>
                <Name>{audit.app ? `${audit.domain} / ${audit.app}` : audit.domain}</Name>
              </td>
              <td className="fit">
                <When at={audit.from} detail="minute" /> – <When at={audit.to} detail="minute" />
              </td>
              <td className="num">{number(audit.streams)}</td>
              <td className="num">{number(audit.captures)}</td>
              <td className="num">{number(audit.keys)}</td>
              <td className="fit">
                {words.audits.list} {number(audit.listCalls)} · {words.audits.head} {number(audit.headCalls)} ·{' '}
                {words.audits.index} {number(audit.indexCalls)}
              </td>
              <td className="num fit">{audit.seconds === null ? '–' : <Span ms={audit.seconds * 1_000} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollX>
  );
}

function AuditStatus({ audit }: { audit: Audit }) {
  const words = useWords();
  if (audit.status === 'failed') {
    return (
      <>
        <FailedMark>{words.audits.states.failed}</FailedMark>
        {audit.error && <div className="wrap-any quiet small">{audit.error.slice(0, 1_000)}</div>}
      </>
    );
  }
  const look = audit.status === 'done' ? { icon: CircleCheck, tone: 'ok' } : { icon: Hourglass, tone: 'quiet' };
  return <Mark {...look}>{words.audits.states[audit.status]}</Mark>;
}
