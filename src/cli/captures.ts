import { Command } from 'commander';
import type { CaptureSource } from '../core/capture-flags.ts';
import { VERDICTS, type Verdict } from '../core/verdict.ts';
import { CAPTURE_COLUMNS, captureRecord } from '../usecases/export-records.ts';
import type { CaptureView } from '../usecases/query-captures.ts';
import type { CommandContext } from './command-context.ts';
import { allPages, duration, printRows, shortTime } from './print-rows.ts';
import {
  type FormatFlags,
  oneOf,
  type ScopeFlags,
  span,
  type WindowFlags,
  withFormat,
  withLimit,
  withScope,
  withWindow,
} from './query-flags.ts';
import type { TableColumn } from './table.ts';
import { warnOfUnknownDomains } from './unknown-domains.ts';

const COLUMNS: TableColumn<CaptureView>[] = [
  { header: 'captured (UTC)', value: (row) => shortTime(row.capturedAt), keep: 'whole' },
  { header: 'domain', value: (row) => row.domain },
  { header: 'app', value: (row) => row.app },
  { header: 'stream', value: (row) => row.stream, keep: true },
  { header: 'delay', value: (row) => duration(row.delayMs), align: 'right' },
  { header: 'verdict', value: (row) => row.verdict, keep: true },
  { header: 'cause', value: (row) => row.cause },
  { header: 'told by', value: (row) => row.sources.join(' ') },
  { header: 'object', value: (row) => row.object },
];

interface Flags extends ScopeFlags, WindowFlags, FormatFlags {
  verdict?: Verdict[];
  source?: CaptureSource[];
  minDelay?: number;
  maxDelay?: number;
  verified?: boolean;
  oldest?: boolean;
  limit: number;
}

export function capturesCommand(context: CommandContext): Command {
  const command = new Command('captures')
    .description('The captures that are known, newest first within each stream, with what the audit makes of each.')
    .option('--verdict <verdict>', 'only these; may be given more than once', oneOf(VERDICTS))
    .option('--source <source>', 'told by callback, index or object', oneOf(['callback', 'index', 'object'] as const))
    .option('--min-delay <span>', 'received at least so long after the capture', span)
    .option('--max-delay <span>', 'received at most so long after the capture', span)
    .option('--verified', 'only those whose callback was signed')
    .option('--no-verified', 'only the others')
    .option('--oldest', 'oldest first');
  withFormat(withLimit(withWindow(withScope(command)), 50));
  command.addCommand(urlCommand(context));
  return command.action(async (flags: Flags) => {
    const { queries, close } = await context.openQueries();
    try {
      await warnOfUnknownDomains(context, flags, queries.domains);
      const { format, limit, minDelay, maxDelay, oldest, ...words } = flags;
      const order = oldest ? ('oldest' as const) : ('newest' as const);
      const query = { ...words, order, minDelayMs: minDelay, maxDelayMs: maxDelay };
      await printRows(context, allPages(context, queries.captures, query, limit), {
        format,
        columns: COLUMNS,
        fields: CAPTURE_COLUMNS,
        record: captureRecord,
        nothing: 'No capture matches.',
      });
    } finally {
      await close();
    }
  });
}

function urlCommand(context: CommandContext): Command {
  return new Command('url')
    .description('Sign an OSS URL of the snapshot and print it; it lives five minutes.')
    .argument('<id>', 'of the capture, as `captures --format json` prints it')
    .action(async (id: string) => {
      const { queries, close } = await context.openQueries();
      try {
        const { url, expiresAt } = await queries.captureUrl(id);
        context.stdout.write(`${url}\n`);
        context.stderr.write(`It may be fetched until ${shortTime(expiresAt)} UTC.\n`);
      } finally {
        await close();
      }
    });
}
