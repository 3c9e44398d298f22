import { Button, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { coverage as coverageOf } from '../../../core/coverage.ts';
import {
  addSlotCounts,
  emptySlotCounts,
  SLOT_VERDICTS_THAT_COUNT,
  type SlotCounts,
  VERDICTS,
} from '../../../core/verdict.ts';
import { ApiError, type Coverage, type DeliveryReport, get, type Page, pathOf } from '../api.ts';
import { useAddress } from '../parts/address.ts';
import { GapTable } from '../parts/gap-table.tsx';
import { Download, Printer } from '../parts/icons.ts';
import { Name, VerdictMark } from '../parts/marks.tsx';
import { usePageTitle } from '../parts/page-title.ts';
import { ScrollX } from '../parts/scroll-x.tsx';
import { Empty, Failure, Loading } from '../parts/states.tsx';
import { percentText, When, Zone } from '../parts/time.tsx';
import { useWords } from '../words/language.tsx';
import { CoverageChart } from './coverage-chart.tsx';

/** A month of delivery (UTC) for people who are owed it: one page to print, and the numbers as CSV. */
export default function ReportPage() {
  const words = useWords();
  const [search, setSearch] = useAddress();
  const month = /^\d{4}-(0[1-9]|1[0-2])$/.test(search.get('month') ?? '')
    ? (search.get('month') ?? '')
    : new Date().toISOString().slice(0, 7);
  const from = new Date(`${month}-01T00:00:00Z`);
  const to = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + 1, 1));
  const bounds = { from: from.toISOString(), to: to.toISOString() };
  const name = new Intl.DateTimeFormat(words.locale, { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(from);
  usePageTitle(words.report.of(name));
  const report = useQuery({
    queryKey: ['report', month],
    queryFn: ({ signal }) => get<DeliveryReport>('/exports/report', { month, format: 'json', level: 'app' }, signal),
  });
  const days = useQuery({
    queryKey: ['report', month, 'days'],
    queryFn: ({ signal }) => get<Page<Coverage>>('/coverage', { ...bounds, per: 'day', by: 'all', limit: 40 }, signal),
  });
  const slots = report.data ? sumOf(report.data) : null;
  const counted = slots ? SLOT_VERDICTS_THAT_COUNT.reduce((sum, verdict) => sum + slots[verdict], 0) : 0;
  const failed = [report, days].find((query) => query.isError);
  // A month that has not begun is refused.
  const isToCome = failed?.error instanceof ApiError && failed.error.status === 400;
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
      {failed && !isToCome ? (
        <Failure error={failed.error} retry={() => failed.refetch()} />
      ) : isToCome || report.data?.rows.length === 0 ? (
        <Empty title={words.report.empty} hint={words.report.emptyHint} />
      ) : !report.data || !slots ? (
        <Loading />
      ) : (
        <Zone value="UTC">
          <dl className="facts">
            <Fact name={words.common.coverage} value={percentText(coverageOf(slots), words.locale)} />
            <Fact name={words.report.expected} value={counted.toLocaleString(words.locale)} />
            <Fact name={words.report.good} value={slots.ok.toLocaleString(words.locale)} />
            <Fact name={words.report.bad} value={(counted - slots.ok).toLocaleString(words.locale)} />
            <Fact
              name={words.report.notCounted}
              value={(slots.excused + slots.unknown + slots.pending).toLocaleString(words.locale)}
            />
          </dl>
          <p className="quiet small">
            {words.report.explain} {words.report.generated(report.data.madeAt)}
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
            <ByVerdict slots={slots} />
            <ByApp rows={report.data.rows.filter((row) => row.level === 'app')} />
          </div>
          <section className="panel">
            <h2>
              {words.report.runs}
              <span className="quiet end">{words.report.runsHint}</span>
            </h2>
            {report.data.longestGaps.length === 0 ? (
              <p className="panel-body quiet">{words.report.none}</p>
            ) : (
              <GapTable gaps={report.data.longestGaps} withStream />
            )}
          </section>
          <Exclusions spans={report.data.exclusions} />
        </Zone>
      )}
    </>
  );
}

function ByVerdict({ slots }: { slots: SlotCounts }) {
  const words = useWords();
  return (
    <section className="panel">
      <h2>{words.report.byVerdict}</h2>
      <ScrollX label={words.report.byVerdict}>
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
            {VERDICTS.filter((verdict) => slots[verdict] > 0).map((verdict) => (
              <tr key={verdict}>
                <td>
                  <VerdictMark verdict={verdict} />
                </td>
                <td className="num">{slots[verdict].toLocaleString(words.locale)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollX>
    </section>
  );
}

function ByApp({ rows }: { rows: DeliveryReport['rows'] }) {
  const words = useWords();
  return (
    <section className="panel">
      <h2>{words.report.byApp}</h2>
      <ScrollX label={words.report.byApp}>
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
            {rows.map((row) => (
              <tr key={`${row.domain}\n${row.app}`}>
                <td>
                  <Name>{`${row.domain} / ${row.app}`}</Name>
                </td>
                <td className="num">{row.expected.toLocaleString(words.locale)}</td>
                <td className="num">{(row.expected - row.good).toLocaleString(words.locale)}</td>
                <td className="num">{percentText(row.coverage, words.locale)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollX>
    </section>
  );
}

function Exclusions({ spans }: { spans: DeliveryReport['exclusions'] }) {
  const words = useWords();
  return (
    <section className="panel">
      <h2>{words.report.exclusions}</h2>
      {spans.length === 0 ? (
        <p className="panel-body quiet">{words.report.none}</p>
      ) : (
        <ol className="events">
          {spans.map((span) => (
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
  );
}

function sumOf({ rows }: DeliveryReport): SlotCounts {
  const sum = emptySlotCounts();
  for (const { level, slots } of rows) if (level === 'domain') addSlotCounts(sum, slots);
  return sum;
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
