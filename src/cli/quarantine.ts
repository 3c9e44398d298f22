import { Command, Option } from 'commander';
import type { QuarantineKind, QuarantineRead } from '../ports.ts';
import { QUARANTINE_COLUMNS, quarantineRecord } from '../usecases/export-records.ts';
import type { CommandContext } from './command-context.ts';
import { allPages, printRows, shortTime } from './print-rows.ts';
import {
  collect,
  type FormatFlags,
  oneOf,
  type ScopeFlags,
  type WindowFlags,
  wholeNumberTo,
  withFormat,
  withLimit,
  withScope,
  withWindow,
} from './query-flags.ts';
import { printable, type TableColumn } from './table.ts';
import { warnOfUnknownDomains } from './unknown-domains.ts';

const requestId = wholeNumberTo(Number.MAX_SAFE_INTEGER);
const KINDS = ['rejected', 'unclassified', 'implausible'] as const satisfies readonly QuarantineKind[];
/** Requests between two words of progress; whole pages of them. */
const PROGRESS_EVERY = 5_000;

const COLUMNS: TableColumn<QuarantineRead>[] = [
  { header: 'id', value: (row) => row.id, align: 'right', keep: true },
  { header: 'received (UTC)', value: (row) => shortTime(row.receivedAt), keep: 'whole' },
  { header: 'kind', value: (row) => row.kind },
  { header: 'reason', value: (row) => row.reason, keep: true },
  { header: 'from', value: (row) => row.remoteAddress },
  { header: 'stream', value: (row) => row.stream },
  { header: 'bytes', value: (row) => row.bodyBytes, align: 'right' },
  { header: 'outcome', value: (row) => row.outcome },
];

interface Flags extends ScopeFlags, WindowFlags, FormatFlags {
  kind?: QuarantineKind[];
  reason?: string[];
  settled?: boolean;
  limit: number;
}

export function quarantineCommand(context: CommandContext): Command {
  const command = new Command('quarantine').description('Requests that were rejected or not understood.');
  const list = command
    .command('list', { isDefault: true })
    .description('List them, newest first.')
    .option('--kind <kind>', 'only these; may be given more than once', oneOf(KINDS))
    .option('--reason <reason>', 'e.g. signature-mismatch; may be given more than once', collect)
    .option('--settled', 'only those that a retry has stored or that were dropped')
    .option('--no-settled', 'only the others');
  withFormat(withLimit(withWindow(withScope(list)), 50)).action(async ({ format, limit, ...words }: Flags) => {
    const { queries, close } = await context.openQueries();
    try {
      await warnOfUnknownDomains(context, words, queries.domains);
      await printRows(context, allPages(context, queries.quarantined, words, limit), {
        format,
        columns: COLUMNS,
        fields: QUARANTINE_COLUMNS,
        record: quarantineRecord,
        nothing: 'Nothing in quarantine matches.',
      });
    } finally {
      await close();
    }
  });
  command
    .command('show')
    .description('Print one with its headers and body.')
    .argument('<id>', 'as the list prints it', requestId)
    .action(async (id: number) => {
      const { queries, close } = await context.openQueries();
      try {
        const { headers, bodyText, bodyBase64, ...row } = await queries.quarantinedRequest(id);
        const { stdout } = context;
        for (const [name, value] of Object.entries(quarantineRecord(row))) {
          if (value !== null) stdout.write(`${name}: ${printable(String(value))}\n`);
        }
        for (const [name, value] of Object.entries(headers)) {
          stdout.write(`  ${printable(name)}: ${printable(String(value))}\n`);
        }
        const lines = bodyText === null ? [`(base64) ${bodyBase64}`] : bodyText.split('\n').map(printable);
        stdout.write(`\n${lines.join('\n')}\n`);
      } finally {
        await close();
      }
    });
  command
    .command('retry')
    .description('Offer them to the receiver again, with the keys, aliases and templates as they are now.')
    .addOption(new Option('--kind <kind>', 'only this kind').choices([...KINDS]))
    .option('--reason <reason>', 'only this reason')
    .addHelpText(
      'after',
      '\nWhat is stored counts as late evidence: the next audit judges those slots anew.' +
        '\nRequests of which only the name of the object was kept cannot be offered again.',
    )
    .action(async ({ kind, reason }: { kind?: QuarantineKind; reason?: string }) => {
      const { openQuarantine, operatorLog, close } = await context.openQueries();
      try {
        const control = await openQuarantine();
        const counts = await control.retry({
          kind: kind ?? null,
          reason: reason ?? null,
          onProgress: ({ tried, stored }) => {
            if (tried % PROGRESS_EVERY === 0) context.stderr.write(`${tried} tried, ${stored} stored so far\n`);
          },
        });
        await record(operatorLog, 'quarantine retry', kind ?? 'all', counts);
        context.stdout.write(`${counts.tried} tried, ${counts.stored} stored.\n`);
        for (const [why, count] of Object.entries(counts.still)) context.stdout.write(`${count} still ${why}\n`);
        context.setExitCode(counts.stored < counts.tried ? 1 : 0);
      } finally {
        await close();
      }
    });
  command
    .command('drop')
    .description('Give one up: no retry takes it again.')
    .argument('<id>', 'as the list prints it', requestId)
    .action(async (id: number) => {
      const { openQuarantine, operatorLog, close } = await context.openQueries();
      try {
        await (await openQuarantine()).drop(id);
        await record(operatorLog, 'quarantine drop', String(id), null);
        context.stderr.write(`Request ${id} is dropped.\n`);
      } finally {
        await close();
      }
    });
  return command;
}

async function record(
  log: { record: Awaited<ReturnType<CommandContext['openQueries']>>['operatorLog']['record'] },
  action: string,
  target: string,
  detail: unknown,
): Promise<void> {
  await log.record({ actor: 'command line', action, target, detail, status: null, remoteAddress: null });
}
