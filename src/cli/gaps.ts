import { Command } from 'commander';
import { BAD_VERDICTS, CAUSES, type Cause, isBad, VERDICTS, type Verdict } from '../core/verdict.ts';
import { GAP_COLUMNS, gapRecord } from '../usecases/export-records.ts';
import type { GapView } from '../usecases/query-gaps.ts';
import type { Queries } from '../usecases/query-history.ts';
import type { CommandContext } from './command-context.ts';
import { allPages, csvLine, duration, printRows, shortTime } from './print-rows.ts';
import {
  type FormatFlags,
  oneOf,
  type ScopeFlags,
  type WindowFlags,
  withFormat,
  withLimit,
  withScope,
  withWindow,
} from './query-flags.ts';
import { printable, type TableColumn } from './table.ts';
import { warnOfUnknownDomains } from './unknown-domains.ts';

const COLUMNS: TableColumn<GapView>[] = [
  { header: 'from (UTC)', value: (row) => shortTime(row.from), keep: 'whole' },
  { header: 'length', value: (row) => duration(row.to - row.from), align: 'right', keep: true },
  { header: 'domain', value: (row) => row.domain },
  { header: 'app', value: (row) => row.app },
  { header: 'stream', value: (row) => row.stream, keep: true },
  { header: 'slots', value: (row) => row.slots, align: 'right', keep: true },
  { header: 'verdict', value: (row) => row.verdict, keep: true },
  { header: 'cause', value: (row) => row.cause ?? row.reason, keep: true },
  { header: '', value: (row) => (row.open ? 'goes on' : '') },
];

interface Flags extends ScopeFlags, WindowFlags, FormatFlags {
  verdict?: Verdict[];
  cause?: Cause[];
  open?: boolean;
  watch?: boolean;
  limit: number;
}

const WATCH_EVERY_MS = 5_000;
const CLEAR_SCREEN = '\u001b[2J\u001b[H';

export function gapsCommand(context: CommandContext): Command {
  const command = new Command('gaps')
    .description('Runs of slots that are not as they should be, newest first, each with its verdict and cause.')
    .option('--verdict <verdict>', 'only these; may be given more than once', oneOf(VERDICTS))
    .option('--cause <cause>', 'only these; may be given more than once', oneOf(CAUSES))
    .option('--open', 'only those that still go on')
    .option(
      '--watch',
      'look again every 5 s until Ctrl-C; without a terminal print what is new (as ndjson, not as json)',
    )
    .addHelpText(
      'after',
      '\nRuns of unknown and excused slots and of unexpected captures are printed too; only faults make it end with 1.',
    );
  withFormat(withLimit(withWindow(withScope(command)), 100));
  command.addCommand(showCommand(context));
  return command.action(async ({ watch, ...flags }: Flags) => {
    if (watch && flags.format === 'json') {
      context.stderr.write('A JSON array that grows has no end: use --format ndjson with --watch.\n');
      context.setExitCode(2);
      return;
    }
    const { queries, close } = await context.openQueries();
    try {
      await warnOfUnknownDomains(context, flags, queries.domains);
      const findings = watch ? await watchGaps(context, queries, flags) : await printGaps(context, queries, flags);
      context.setExitCode(findings ? 1 : 0);
    } finally {
      await close();
    }
  });
}

/** True where one of them is a fault. */
async function printGaps(
  context: CommandContext,
  queries: Queries,
  { format, limit, ...words }: Omit<Flags, 'watch'>,
  { isNew, goesOn }: { isNew(row: GapView): boolean; goesOn: boolean } = { isNew: () => true, goesOn: false },
): Promise<boolean> {
  let findings = false;
  async function* rows() {
    for await (const row of allPages(context, queries.gaps, words, limit)) {
      findings ||= isBad(row.verdict);
      if (isNew(row)) yield row;
    }
  }
  await printRows(context, rows(), {
    format,
    columns: COLUMNS,
    fields: GAP_COLUMNS,
    record: gapRecord,
    nothing: 'No gap matches.',
    goesOn,
  });
  // What the limit left out is not clean for that.
  const faults = BAD_VERDICTS.filter((verdict) => words.verdict?.includes(verdict) ?? true);
  if (!findings && faults.length > 0) {
    findings = (await queries.gaps({ ...words, verdict: faults, limit: 1 })).data.length > 0;
  }
  return findings;
}

async function watchGaps(context: CommandContext, queries: Queries, flags: Omit<Flags, 'watch'>): Promise<boolean> {
  const stopped = new AbortController();
  void context.untilStopped().then(() => stopped.abort());
  const redraw = context.stdout.isTTY === true && flags.format === 'table';
  // Without a terminal a gap is printed when it comes, and again only when it has grown.
  const printed = new Map<string, number>();
  const isNew = (row: GapView) => {
    if (redraw) return true;
    const before = printed.get(row.id);
    printed.set(row.id, row.slots);
    return before !== row.slots;
  };
  let findings = false;
  for (let round = 0; !stopped.signal.aborted; round++) {
    if (redraw) context.stdout.write(`${CLEAR_SCREEN}${shortTime(Date.now())} UTC, Ctrl-C ends\n\n`);
    findings = (await printGaps(context, queries, flags, { isNew, goesOn: !redraw && round > 0 })) || findings;
    await context.pause(WATCH_EVERY_MS, stopped.signal);
  }
  return findings;
}

function showCommand(context: CommandContext): Command {
  const command = new Command('show')
    .description('One gap with the evidence that its verdict rests on.')
    .argument('<id>', 'of the gap, as `gaps --format json` prints it');
  return withFormat(command).action(async (id: string, _: object, of: Command) => {
    // `gaps` itself takes --format too, wherever it stands.
    const { format } = of.optsWithGlobals<FormatFlags>();
    const { queries, close } = await context.openQueries();
    try {
      const gap = await queries.gap(id);
      const record = gapRecord(gap);
      if (format === 'csv') context.stdout.write(csvLine(GAP_COLUMNS) + csvLine(Object.values(record)));
      else if (format === 'ndjson') context.stdout.write(`${JSON.stringify({ ...record, evidence: gap.evidence })}\n`);
      else if (format === 'json') {
        context.stdout.write(`${JSON.stringify({ ...record, evidence: gap.evidence }, null, 2)}\n`);
      } else {
        for (const [name, value] of Object.entries(record)) {
          if (value !== null) context.stdout.write(`${name}: ${printable(String(value))}\n`);
        }
        const evidence = JSON.stringify(gap.evidence, null, 2) ?? 'null';
        context.stdout.write(`evidence: ${evidence.split('\n').map(printable).join('\n')}\n`);
      }
      context.setExitCode(isBad(gap.verdict) ? 1 : 0);
    } finally {
      await close();
    }
  });
}
