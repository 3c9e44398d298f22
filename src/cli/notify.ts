import { Command } from 'commander';
import { formatInstant } from '../core/instant.ts';
import { NOTIFICATION_STATUSES, type NotificationStatus } from '../core/notification-status.ts';
import { ChannelError, type NotificationRow } from '../ports.ts';
import { COMMAND_LINE } from './alerting-handle.ts';
import type { CommandContext } from './command-context.ts';
import { allPages, printRows, shortTime } from './print-rows.ts';
import {
  collect,
  type FormatFlags,
  oneOf,
  type WindowFlags,
  wholeNumber,
  withFormat,
  withLimit,
  withWindow,
} from './query-flags.ts';
import { printable, type TableColumn } from './table.ts';

const COLUMNS: TableColumn<NotificationRow>[] = [
  { header: 'id', value: (row) => row.id, align: 'right' },
  { header: 'created (UTC)', value: (row) => shortTime(row.createdAt), keep: 'whole' },
  { header: 'channel', value: (row) => row.channel, keep: true },
  { header: 'event', value: (row) => row.event, keep: true },
  { header: 'incident', value: (row) => row.incidentId, align: 'right' },
  { header: 'status', value: (row) => row.status, keep: true },
  { header: 'tries', value: (row) => row.attempts, align: 'right' },
  { header: 'what', value: (row) => row.error ?? row.summary, keep: true },
];
const FIELDS = [
  'id',
  'channel',
  'incidentId',
  'event',
  'status',
  'createdAt',
  'dueAt',
  'sentAt',
  'attempts',
  'messageId',
  'error',
  'summary',
] as const;

interface ListFlags extends WindowFlags, FormatFlags {
  channel?: string[];
  status?: NotificationStatus[];
  incident?: number;
  limit: number;
}

export function notifyCommand(context: CommandContext): Command {
  const command = new Command('notify').description('Channels and what was sent over them.');

  command
    .command('test')
    .description('Send a test message over a channel. If it gets through, a channel that was switched off is on again.')
    .argument('<channel>', 'its name in the settings file')
    .action(async (channel: string) => {
      const { alerting, operatorLog, close } = await context.openAlerting({ channels: true });
      try {
        await alerting.testChannel(channel);
        context.stdout.write(`The test message went out over ${channel}.\n`);
        await operatorLog.record({
          actor: COMMAND_LINE,
          action: 'notify test',
          target: channel,
          detail: null,
          status: null,
          remoteAddress: null,
        });
      } catch (error) {
        if (!(error instanceof ChannelError)) throw error;
        context.stderr.write(`${channel}: ${printable(error.message)}\n`);
        context.setExitCode(2);
      } finally {
        await close();
      }
    });

  command
    .command('channels')
    .description('The channels of the settings file, and why one is switched off.')
    .action(async () => {
      const { alerting, close } = await context.openAlerting({ channels: true });
      try {
        const channels = await alerting.channels();
        for (const { name, type, disabledAt, disabledReason } of channels) {
          const state =
            disabledAt === null ? 'on' : `off since ${formatInstant(disabledAt)}: ${printable(disabledReason)}`;
          context.stdout.write(`${name}  ${type}  ${state}\n`);
        }
        if (channels.length === 0)
          context.stderr.write('No channel is configured (section notify of the settings file).\n');
        context.setExitCode(channels.some(({ disabledAt }) => disabledAt !== null) ? 1 : 0);
      } finally {
        await close();
      }
    });

  const list = command
    .command('list')
    .description('Deliveries, newest first.')
    .option('--channel <name>', 'only this one; may be given more than once', collect)
    .option('--status <status>', 'only these; may be given more than once', oneOf(NOTIFICATION_STATUSES))
    .option('--incident <id>', 'only of this incident', wholeNumber);
  withFormat(withLimit(withWindow(list), 100)).action(async ({ format, limit, ...words }: ListFlags) => {
    const { alerting, close } = await context.openAlerting();
    try {
      await printRows(context, allPages(context, alerting.notifications, words, limit), {
        format,
        columns: COLUMNS,
        fields: FIELDS,
        record: (row) => ({
          ...row,
          createdAt: formatInstant(row.createdAt),
          dueAt: formatInstant(row.dueAt),
          sentAt: row.sentAt === null ? null : formatInstant(row.sentAt),
        }),
        nothing: 'No delivery matches.',
      });
    } finally {
      await close();
    }
  });
  return command;
}
