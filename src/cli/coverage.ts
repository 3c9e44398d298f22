import { Command, Option } from 'commander';
import type { Instant } from '../core/instant.ts';
import { isBad, VERDICTS } from '../core/verdict.ts';
import { COVERAGE_GROUPS, COVERAGE_UNITS, type CoverageGroup, type CoverageUnit } from '../ports.ts';
import { COVERAGE_COLUMNS, coverageRecord } from '../usecases/export-records.ts';
import type { CoverageView, CoverageWords } from '../usecases/query-coverage.ts';
import type { CommandContext } from './command-context.ts';
import { allPages, percent, printRows, shortTime } from './print-rows.ts';
import {
  type FormatFlags,
  type ScopeFlags,
  type WindowFlags,
  withFormat,
  withLimit,
  withScope,
  withWindow,
} from './query-flags.ts';
import { printable, type TableColumn } from './table.ts';
import { warnOfUnknownDomains } from './unknown-domains.ts';

interface Flags extends ScopeFlags, WindowFlags, FormatFlags {
  per: CoverageUnit;
  by: CoverageGroup;
  limit: number;
}

export function coverageCommand(context: CommandContext): Command {
  const command = new Command('coverage')
    .description(
      'Good slots as a share of the slots that count; without a window of the last 24 hours, in whole hours.',
    )
    .addOption(new Option('--per <unit>', 'one row per').choices([...COVERAGE_UNITS]).default('total'))
    .addOption(new Option('--by <group>', 'one row per').choices([...COVERAGE_GROUPS]).default('stream'))
    .addHelpText('after', '\nEnds with 1 where a slot is at fault. Excused, unknown and pending slots do not count.');
  withFormat(withLimit(withWindow(withScope(command)), 500));
  return command.action(async (flags: Flags) => {
    const { queries, close } = await context.openQueries();
    try {
      await warnOfUnknownDomains(context, flags, queries.domains);
      const { format, limit, ...words } = flags;
      let findings = false;
      let exclusions: string[] = [];
      const asked: { window?: { from: Instant; to: Instant } } = {};
      const list = async (query: CoverageWords) => {
        const answer = await queries.coverage(query);
        asked.window = { from: answer.from, to: answer.to };
        exclusions = answer.exclusions.map(
          (span) =>
            `excused ${shortTime(span.from)} to ${shortTime(span.to)} UTC, ` +
            `${[span.domain, span.app, span.stream].filter((name) => name !== null).join('/') || 'everything'}: ${span.reason}`,
        );
        return answer;
      };
      async function* rows() {
        for await (const row of allPages(context, list, words, limit)) {
          findings ||= VERDICTS.some((verdict) => isBad(verdict) && row.slots[verdict] > 0);
          yield row;
        }
      }
      await printRows(context, rows(), {
        format,
        columns: columnsFor(flags),
        fields: COVERAGE_COLUMNS,
        record: coverageRecord,
        nothing: 'No slot was judged in this window.',
      });
      for (const line of exclusions) context.stderr.write(`${printable(line)}\n`);
      // What the limit left out is not clean for that.
      if (!findings && asked.window) {
        const [all] = (await queries.coverage({ ...words, ...asked.window, last: undefined, per: 'total', by: 'all' }))
          .data;
        findings = all !== undefined && VERDICTS.some((verdict) => isBad(verdict) && all.slots[verdict] > 0);
      }
      context.setExitCode(findings ? 1 : 0);
    } finally {
      await close();
    }
  });
}

function columnsFor({ per, by }: Flags): TableColumn<CoverageView>[] {
  const columns: (TableColumn<CoverageView> | null)[] = [
    per === 'total' ? null : { header: 'from (UTC)', value: (row) => shortTime(row.from)!.slice(0, 16), keep: 'whole' },
    by === 'all' ? null : { header: 'domain', value: (row) => row.domain },
    by === 'all' || by === 'domain' ? null : { header: 'app', value: (row) => row.app },
    by === 'stream' ? { header: 'stream', value: (row) => row.stream, keep: true } : null,
    { header: 'coverage', value: (row) => percent(row.coverage), align: 'right', keep: true },
    { header: 'counted', value: (row) => row.counted, align: 'right' },
    ...VERDICTS.map(
      (verdict): TableColumn<CoverageView> => ({
        header: HEADERS[verdict],
        value: (row) => row.slots[verdict] || '',
        align: 'right',
      }),
    ),
  ];
  return columns.filter((column) => column !== null);
}

const HEADERS: Record<(typeof VERDICTS)[number], string> = {
  pending: 'pend',
  ok: 'ok',
  late: 'late',
  callback_missing: 'no cb',
  object_missing: 'no obj',
  not_captured: 'no cap',
  misnamed: 'misn',
  unexpected: 'unexp',
  excused: 'exc',
  unknown: 'unkn',
};
