import { Command } from 'commander';
import { STREAM_STATUSES, type StreamStatus } from '../core/stream-status.ts';
import { STREAM_COLUMNS, streamRecord } from '../usecases/export-records.ts';
import type { StreamView } from '../usecases/query-streams.ts';
import type { CommandContext } from './command-context.ts';
import { ago, allPages, printRows, shortTime } from './print-rows.ts';
import {
  type FormatFlags,
  oneOf,
  type ScopeFlags,
  withDomain,
  withFormat,
  withLimit,
  withScope,
} from './query-flags.ts';
import type { TableColumn } from './table.ts';
import { warnOfUnknownDomains } from './unknown-domains.ts';

const COLUMNS: TableColumn<StreamView>[] = [
  { header: 'domain', value: (row) => row.domain },
  { header: 'app', value: (row) => row.app },
  { header: 'stream', value: (row) => row.stream, keep: true },
  { header: 'status', value: (row) => row.status, keep: true },
  { header: 'session', value: session },
  { header: 'interval', value: (row) => row.intervalSeconds && `${row.intervalSeconds}s`, align: 'right' },
  { header: 'last capture', value: (row) => ago(row.lastCaptureAt) },
  { header: 'why', value: why, keep: true },
];

function session(row: StreamView): string | null {
  return row.onAir ? `began ${ago(row.startedAt)}` : row.endedAt === null ? null : `ended ${ago(row.endedAt)}`;
}

function why(row: StreamView): string {
  if (row.excused) return `${row.excused.reason} until ${shortTime(row.excused.to)}`;
  if (row.openGap) return `${row.openGap.slots} x ${row.openGap.cause ?? row.openGap.verdict}`;
  return '';
}

export function streamsCommand(context: CommandContext): Command {
  const command = new Command('streams')
    .description('How each stream stands: on_time, late, gap, offline, paused, maintenance or unknown.')
    .option('--status <status>', 'only these; may be given more than once', oneOf(STREAM_STATUSES))
    .addHelpText(
      'after',
      '\nA stream without a config in force is unknown: nothing is due.\nEnds with 1 where a stream that is printed stands at gap.',
    );
  withFormat(withLimit(withScope(command), 500));
  command.addCommand(domainsCommand(context));
  command.addCommand(appsCommand(context));
  return command.action(async (flags: ScopeFlags & FormatFlags & { status?: StreamStatus[]; limit: number }) => {
    const { queries, close } = await context.openQueries();
    try {
      await warnOfUnknownDomains(context, flags, queries.domains);
      let findings = false;
      const { format, limit, ...words } = flags;
      async function* rows() {
        for await (const row of allPages(context, queries.streams, words, limit)) {
          findings ||= row.status === 'gap';
          yield row;
        }
      }
      await printRows(context, rows(), {
        format,
        columns: COLUMNS,
        fields: STREAM_COLUMNS,
        record: streamRecord,
        nothing: Object.keys(words).length > 0 ? 'No stream matches.' : 'No stream was seen yet.',
      });
      context.setExitCode(findings ? 1 : 0);
    } finally {
      await close();
    }
  });
}

function domainsCommand(context: CommandContext): Command {
  const command = new Command('domains').description('The domains that streams were seen on.');
  return withFormat(command).action(async (_: object, of: Command) => {
    const { queries, close } = await context.openQueries();
    try {
      await printCounts(context, await queries.domains(), of, ['domain', 'apps', 'streams']);
    } finally {
      await close();
    }
  });
}

function appsCommand(context: CommandContext): Command {
  const command = withDomain(new Command('apps').description('The apps that streams were seen on.'));
  return withFormat(command).action(async (_: object, of: Command) => {
    const { domain } = of.optsWithGlobals<ScopeFlags>();
    const { queries, close } = await context.openQueries();
    try {
      await warnOfUnknownDomains(context, { domain }, queries.domains);
      await printCounts(context, await queries.apps({ domain }), of, ['domain', 'app', 'streams']);
    } finally {
      await close();
    }
  });
}

async function printCounts<Name extends string>(
  context: CommandContext,
  all: readonly Record<Name, string | number>[],
  of: Command,
  fields: readonly Name[],
): Promise<void> {
  async function* rows() {
    yield* all;
  }
  await printRows(context, rows(), {
    // `streams` itself takes --format too, wherever it stands.
    format: of.optsWithGlobals<FormatFlags>().format,
    columns: fields.map((header) => ({ header, value: (row) => row[header] })),
    fields,
    record: (row) => row,
    nothing: of.optsWithGlobals<ScopeFlags>().domain ? 'No stream matches.' : 'No stream was seen yet.',
  });
}
