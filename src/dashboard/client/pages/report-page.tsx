import { Button, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useSearchParams } from 'wouter';
import { VERDICTS } from '../../../core/verdict.ts';
import { type Coverage, type Exclusion, type Gap, get, type Page, pathOf } from '../api.ts';
import { GapTable } from '../parts/gap-table.tsx';
import { Download, Printer } from '../parts/icons.ts';
import { Name, VerdictMark } from '../parts/marks.tsx';
import { usePageTitle } from '../parts/page-title.ts';
import { Empty, Failure, Loading } from '../parts/states.tsx';
import { percentText, When } from '../parts/time.tsx';
import { useWords } from '../words/language.tsx';
import { CoverageChart } from './coverage-chart.tsx';

type CoverageAnswer = Page<Coverage> & { exclusions: Exclusion[] };

/** A month of delivery (UTC) for people who are owed it: one page to print, and the numbers as CSV. */
export default function ReportPage() {
  const words = useWords();
  const [search, setSearch] = useSearchParams();
  const month = /^\d{4}-(0[1-9]|1[0-2])$/.test(search.get('month') ?? '')
    ? (search.get('month') ?? '')
    : new Date().toISOString().slice(0, 7);
  const from = new Date(`${month}-01T00:00:00Z`);
  const to = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + 1, 1));
  const bounds = { from: from.toISOString(), to: to.toISOString() };
  const name = new Intl.DateTimeFormat(words.locale, { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(from);
  usePageTitle(words.report.of(name));
  const coverage = (per: string, by: string) => ({
    queryKey: ['report', month, per, by],
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      get<CoverageAnswer>('/coverage', { ...bounds, per, by, limit: 500 }, signal),
  });
  const total = useQuery(coverage('total', 'all'));
  const days = useQuery(coverage('day', 'all'));
  const apps = useQuery(coverage('total', 'app'));
  const gaps = useQuery({
    queryKey: ['report', month, 'gaps'],
    queryFn: ({ signal }) => get<Page<Gap>>('/gaps', { ...bounds, limit: 500 }, signal),
  });
  const sum = total.data?.data[0];
  const failed = [total, days, apps, gaps].find((query) => query.isError);
  return (
    <>
      <div className="page-head">
        <h1>{words.report.of(name)}</h1>
        <span className="end window-tools no-print">
          <TextInput
            size="xs"
            type="month"
            aria-label={words.report.month}
            value={month}
            onChange={(event) => setSearch({ month: event.currentTarget.value }, { replace: true })}
          />
          <Button
            size="xs"
            variant="default"
            component="a"
            href={pathOf('/exports/report', { month, format: 'csv' })}
            download
            leftSection={<Download size={14} aria-hidden />}
          >
            {words.report.csv}
          </Button>
          <Button size="xs" leftSection={<Printer size={14} aria-hidden />} onClick={() => window.print()}>
            {words.report.print}
          </Button>
        </span>
      </div>
      {failed ? (
        <Failure error={failed.error} retry={() => failed.refetch()} />
      ) : !total.data ? (
        <Loading />
      ) : !sum ? (
        <Empty title={words.report.empty} hint={words.report.emptyHint} />
      ) : (
        <>
          <dl className="facts">
            <Fact name={words.common.coverage} value={percentText(sum.coverage, words.locale)} />
            <Fact name={words.report.expected} value={sum.counted.toLocaleString(words.locale)} />
            <Fact name={words.report.good} value={sum.slots.ok.toLocaleString(words.locale)} />
            <Fact name={words.report.bad} value={(sum.counted - sum.slots.ok).toLocaleString(words.locale)} />
            <Fact
              name={words.report.notCounted}
              value={(sum.slots.excused + sum.slots.unknown + sum.slots.pending).toLocaleString(words.locale)}
            />
          </dl>
          <p className="quiet small">
            {words.report.explain} {words.report.generated(new Date().toISOString())}
          </p>
          <section className="panel">
            <h2>{words.report.byDay}</h2>
            <div className="panel-body">
              <CoverageChart
                rows={days.data?.data ?? []}
                from={from.getTime()}
                to={to.getTime()}
                label={words.report.byDay}
              />
            </div>
          </section>
          <div className="halves">
            <section className="panel">
              <h2>{words.report.byVerdict}</h2>
              <div className="scroll-x">
                <table className="rows">
                  <thead>
                    <tr>
                      <th scope="col">{words.common.verdict}</th>
                      <th scope="col" className="num">
                        {words.common.slots}
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {VERDICTS.filter((verdict) => sum.slots[verdict] > 0).map((verdict) => (
                      <tr key={verdict}>
                        <td>
                          <VerdictMark verdict={verdict} />
                        </td>
                        <td className="num">{sum.slots[verdict].toLocaleString(words.locale)}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            </section>
            <section className="panel">
              <h2>{words.report.byApp}</h2>
              <div className="scroll-x">
                <table className="rows">
                  <thead>
                    <tr>
                      <th scope="col">{words.common.app}</th>
                      <th scope="col" className="num">
                        {words.report.expected}
                      </th>
                      <th scope="col" className="num">
                        {words.report.bad}
                      </th>
                      <th scope="col" className="num">
                        {words.common.coverage}
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {(apps.data?.data ?? []).map((row) => (
                      <tr key={`${row.domain}\n${row.app}`}>
                        <td>
                          <Name>{`${row.domain} / ${row.app}`}</Name>
                        </td>
                        <td className="num">{row.counted.toLocaleString(words.locale)}</td>
                        <td className="num">{(row.counted - row.slots.ok).toLocaleString(words.locale)}</td>
                        <td className="num">{percentText(row.coverage, words.locale)}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            </section>
          </div>
          <section className="panel">
            <h2>{words.report.runs}</h2>
            <GapTable gaps={longest(gaps.data?.data ?? [])} withStream />
          </section>
          <section className="panel">
            <h2>{words.report.exclusions}</h2>
            {total.data.exclusions.length === 0 ? (
              <p className="panel-body quiet">{words.report.noExclusions}</p>
            ) : (
              <ol className="events">
                {total.data.exclusions.map((span) => (
                  <li key={`${span.from}${span.to}${span.reason}`}>
                    <span>
                      <When at={span.from} /> – <When at={span.to} />
                    </span>
                    <span>
                      <Name>
                        {[span.domain, span.app, span.stream].filter((each) => each !== null).join(' / ') ||
                          words.common.everything}
                      </Name>
                      {' · '}
                      <Name>{span.reason}</Name>
                    </span>
                  </li>
                ))}
              </ol>
            )}
          </section>
        </>
      )}
    </>
  );
}

const LONGEST_SHOWN = 15;

function longest(gaps: readonly Gap[]): Gap[] {
  return gaps
    .filter((gap) => gap.verdict !== 'excused' && gap.verdict !== 'unexpected')
    .sort((a, b) => b.slots - a.slots)
    .slice(0, LONGEST_SHOWN);
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div className="fact">
      <dt>{name}</dt>
      <dd>
        <span className="big">{value}</span>
      </dd>
    </div>
  );
}
