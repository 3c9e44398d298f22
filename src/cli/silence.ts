import { Command, Option } from 'commander';
import { INCIDENT_KINDS, type IncidentKind } from '../core/incident.ts';
import { formatInstant, type Instant } from '../core/instant.ts';
import type { SilenceRow } from '../ports.ts';
import { COMMAND_LINE } from './alerting-handle.ts';
import type { CommandContext } from './command-context.ts';
import { allPages, printRows, shortTime } from './print-rows.ts';
import { domainName, type FormatFlags, instant, span, wholeNumber, withFormat, withLimit } from './query-flags.ts';
import type { TableColumn } from './table.ts';

interface AddFlags {
  kind?: IncidentKind;
  domain?: string;
  app?: string;
  stream?: string;
  from?: Instant;
  until?: Instant;
  for?: number;
  reason: string;
  author?: string;
}

const COLUMNS: TableColumn<SilenceRow>[] = [
  { header: 'id', value: (row) => row.id, align: 'right', keep: true },
  { header: 'from (UTC)', value: (row) => shortTime(row.from), keep: 'whole' },
  { header: 'until (UTC)', value: (row) => shortTime(row.endedAt ?? row.until), keep: 'whole' },
  { header: 'kind', value: (row) => row.kind ?? 'all' },
  {
    header: 'where',
    value: (row) => [row.domain, row.app, row.stream].filter((part) => part !== null).join('/') || 'all',
    keep: true,
  },
  { header: 'reason', value: (row) => row.reason, keep: true },
  { header: 'author', value: (row) => row.author },
];
const FIELDS = [
  'id',
  'kind',
  'domain',
  'app',
  'stream',
  'from',
  'until',
  'endedAt',
  'reason',
  'author',
  'createdAt',
] as const;

export function silenceCommand(context: CommandContext): Command {
  const command = new Command('silence').description(
    'Times in which nobody is notified. Incidents are kept all the same.',
  );

  command
    .command('add')
    .description('Send no notifications for what matches, until then.')
    .addOption(
      new Option('--kind <kind>', 'only this kind of incident; silence and gap are one').choices([...INCIDENT_KINDS]),
    )
    .option('--domain <name>', 'only this domain', domainName)
    .option('--app <name>', 'only this app of the domain')
    .option('--stream <name>', 'only this stream of the app')
    .option('--from <time>', 'start, now where not given', instant)
    .option('--until <time>', 'end', instant)
    .option('--for <span>', 'instead of --until: so long from the start, e.g. 2h', span)
    .requiredOption('--reason <text>', 'why, for the others')
    .option('--author <name>', 'who you are')
    .action(async (flags: AddFlags) => {
      const until = flags.until ?? (flags.for === undefined ? undefined : (flags.from ?? Date.now()) + flags.for);
      if (until === undefined || (flags.until !== undefined && flags.for !== undefined)) {
        context.stderr.write('Give either --until or --for.\n');
        context.setExitCode(2);
        return;
      }
      const { alerting, operatorLog, close } = await context.openAlerting();
      try {
        const silence = await alerting.silence({
          kind: flags.kind ?? null,
          domain: flags.domain ?? null,
          app: flags.app ?? null,
          stream: flags.stream ?? null,
          from: flags.from ?? null,
          until,
          reason: flags.reason,
          author: flags.author ?? COMMAND_LINE,
        });
        await operatorLog.record({
          actor: COMMAND_LINE,
          action: 'silence add',
          target: String(silence.id),
          detail: flags,
          status: null,
          remoteAddress: null,
        });
        context.stdout.write(`Silence ${silence.id} holds until ${formatInstant(silence.until)}.\n`);
      } finally {
        await close();
      }
    });

  command
    .command('end')
    .description('End a silence now.')
    .argument('<id>', 'of the silence', wholeNumber)
    .action(async (id: number) => {
      const { alerting, operatorLog, close } = await context.openAlerting();
      try {
        await alerting.endSilence(id, COMMAND_LINE);
        await operatorLog.record({
          actor: COMMAND_LINE,
          action: 'silence end',
          target: String(id),
          detail: null,
          status: null,
          remoteAddress: null,
        });
        context.stdout.write(`Silence ${id} has ended.\n`);
      } finally {
        await close();
      }
    });

  withFormat(withLimit(command.command('list').description('Silences, newest first.'), 100)).action(
    async ({ format, limit }: FormatFlags & { limit: number }) => {
      const { alerting, close } = await context.openAlerting();
      try {
        await printRows(context, allPages(context, alerting.silences, {}, limit), {
          format,
          columns: COLUMNS,
          fields: FIELDS,
          record: (row) => ({
            ...row,
            from: formatInstant(row.from),
            until: formatInstant(row.until),
            createdAt: formatInstant(row.createdAt),
            endedAt: row.endedAt === null ? null : formatInstant(row.endedAt),
          }),
          nothing: 'There is no silence.',
        });
      } finally {
        await close();
      }
    },
  );
  return command;
}
