import { escapeHtml } from '../core/escape-html.ts';
import { formatInstant, type Instant } from '../core/instant.ts';
import type { Span } from '../core/span.ts';
import { BAD_VERDICTS } from '../core/verdict.ts';
import type { DeliveryReport, ReportRow } from './delivery-report.ts';
import { csvLine } from './export-history.ts';

export const REPORT_FORMATS = ['csv', 'json', 'html'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** The report as text in one of its forms. */
export function renderDeliveryReport(report: DeliveryReport, format: ReportFormat): string {
  switch (format) {
    case 'csv':
      return csv(report);
    case 'json':
      return `${JSON.stringify(reportAnswer(report), null, 2)}\n`;
    case 'html':
      return html(report);
    default:
      return format satisfies never;
  }
}

const COLUMNS = [
  'month',
  'level',
  'domain',
  'app',
  'stream',
  'expected',
  'good',
  'coverage',
  ...BAD_VERDICTS,
  'unexpected',
  'excused',
  'unknown',
  'pending',
  'longestGapFrom',
  'longestGapSeconds',
  'longestGapCause',
  'excludedSeconds',
  'excludedReasons',
] as const;

function csv({ month, rows }: DeliveryReport): string {
  const lines = rows.map(({ slots, longestGap, excluded, excludedMilliseconds, ...row }) =>
    csvLine([
      month,
      row.level,
      row.domain,
      row.app,
      row.stream,
      row.expected,
      row.good,
      row.coverage,
      ...BAD_VERDICTS.map((verdict) => slots[verdict]),
      slots.unexpected,
      slots.excused,
      slots.unknown,
      slots.pending,
      longestGap && formatInstant(longestGap.from),
      longestGap && Math.round((longestGap.to - longestGap.from) / 1_000),
      longestGap && (longestGap.cause ?? longestGap.verdict),
      Math.round(excludedMilliseconds / 1_000),
      excluded.map((each) => each.reason).join('; '),
    ]),
  );
  return csvLine(COLUMNS) + lines.join('');
}

/** The report as JSON; instants are texts. */
function reportAnswer(report: DeliveryReport) {
  return {
    month: report.month,
    from: formatInstant(report.from),
    to: formatInstant(report.to),
    madeAt: formatInstant(report.madeAt),
    rows: report.rows.map(({ longestGap, excluded, excludedMilliseconds, ...row }) => ({
      ...row,
      longestGap: longestGap && withTexts(longestGap),
      excludedSeconds: Math.round(excludedMilliseconds / 1_000),
      excluded: excluded.map(({ reason, milliseconds }) => ({ reason, seconds: Math.round(milliseconds / 1_000) })),
    })),
    longestGaps: report.longestGaps.map(withTexts),
    exclusions: report.exclusions.map(({ id: _, ...span }) => withTexts(span)),
  };
}

export type ReportAnswer = ReturnType<typeof reportAnswer>;

function withTexts<Timed extends Span>(timed: Timed) {
  return { ...timed, from: formatInstant(timed.from), to: formatInstant(timed.to) };
}

function html(report: DeliveryReport): string {
  const soFar = report.to < report.madeAt ? '' : ' (so far)';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Snapshot delivery ${escapeHtml(report.month)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Snapshot delivery ${escapeHtml(report.month)}${soFar}</h1>
<p>${time(report.from)} to ${time(report.to)} UTC, made ${time(report.madeAt)} UTC. Coverage is good slots / expected slots; excused, unknown
and pending slots are not expected. Time is excluded from a domain or an app while at least one of its streams is excused.</p>
<table>
<thead><tr><th>domain / app / stream</th><th>coverage</th><th>expected</th><th>good</th>${BAD_VERDICTS.map(
    (verdict) => `<th>${verdict.replaceAll('_', ' ')}</th>`,
  ).join('')}<th>excused</th><th>unknown</th><th>longest gap</th><th>excluded time</th></tr></thead>
<tbody>
${report.rows.map(htmlRow).join('\n')}
</tbody>
</table>
${report.exclusions.length === 0 ? '' : exclusionList(report)}
</body>
</html>
`;
}

function htmlRow(row: ReportRow): string {
  const name = row.stream ?? row.app ?? row.domain;
  const gap = row.longestGap;
  const longest = gap ? `${minutes(gap.to - gap.from)} from ${time(gap.from)}, ${gap.cause ?? gap.verdict}` : '';
  const reasons = row.excluded.map((each) => `${minutes(each.milliseconds)} ${each.reason}`).join('; ');
  const excluded = row.excluded.length > 1 ? `${minutes(row.excludedMilliseconds)}: ${reasons}` : reasons;
  const cells = [
    row.coverage === null ? '–' : `${(Math.floor(row.coverage * 10_000) / 100).toFixed(2)} %`,
    row.expected,
    row.good,
    ...BAD_VERDICTS.map((verdict) => row.slots[verdict] || ''),
    row.slots.excused || '',
    row.slots.unknown || '',
  ];
  return `<tr class="${row.level}"><th scope="row">${escapeHtml(name)}</th>${cells
    .map((cell) => `<td class="number">${cell}</td>`)
    .join('')}<td>${escapeHtml(longest)}</td><td>${escapeHtml(excluded)}</td></tr>`;
}

function exclusionList({ exclusions }: DeliveryReport): string {
  const items = exclusions.map((span) => {
    const scope = [span.domain, span.app, span.stream].filter((part) => part !== null).join(' / ') || 'everything';
    return `<li>${time(span.from)} to ${time(span.to)} UTC: ${escapeHtml(scope)}, ${escapeHtml(span.reason)}</li>`;
  });
  return `<h2>Excused time</h2>\n<ul>\n${items.join('\n')}\n</ul>`;
}

function time(instant: Instant): string {
  return formatInstant(instant).slice(0, 16).replace('T', ' ');
}

function minutes(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1_000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

const STYLE = `
body { font: 13px/1.4 system-ui, sans-serif; margin: 2rem; color: #111; background: #fff; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .2rem .5rem; border-bottom: 1px solid #ccc; vertical-align: top; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.domain > * { font-weight: bold; border-top: 2px solid #111; }
.app > th { padding-left: 1.5rem; }
.stream > th { padding-left: 3rem; font-weight: normal; }
@media print { body { margin: 0; } @page { size: A4 landscape; margin: 1cm; } }
`;
