import { Command } from 'commander';
import { formatInstant, type Instant } from '../core/instant.ts';
import type { ExcusedSpanRow, MaintenanceSchedule } from '../ports.ts';
import type { AlertingHandle } from '../usecases/manage-alerting.ts';
import { COMMAND_LINE } from './alerting-handle.ts';
import type { CommandContext } from './command-context.ts';
import { domainName, instant, span, wholeNumber } from './query-flags.ts';
import { printable } from './table.ts';

interface ScopeFlags {
  domain?: string;
  app?: string;
  stream?: string;
  reason: string;
  author?: string;
}

interface WindowFlags extends ScopeFlags {
  from: Instant;
  to?: Instant;
  for?: number;
}

interface ScheduleFlags extends ScopeFlags {
  cron: string;
  timeZone: string;
  for: number;
}

const LOOK_MS = 14 * 86_400_000;

export function maintenanceCommand(context: CommandContext): Command {
  const command = new Command('maintenance').description(
    'Times in which missing snapshots are excused, also after the fact.',
  );

  /** Opens, does, writes it down, says it. */
  async function doing(
    action: string,
    work: (alerting: AlertingHandle) => Promise<{ target: number; say: string }>,
    detail: unknown,
  ) {
    const { alerting, operatorLog, close } = await context.openAlerting();
    try {
      const { target, say } = await work(alerting);
      await operatorLog.record({
        actor: COMMAND_LINE,
        action,
        target: String(target),
        detail,
        status: null,
        remoteAddress: null,
      });
      context.stdout.write(`${say}\n`);
    } finally {
      await close();
    }
  }

  withScope(command.command('excuse').description('Excuse one window, in the past or the future.'))
    .requiredOption('--from <time>', 'start', instant)
    .option('--to <time>', 'end', instant)
    .option('--for <span>', 'instead of --to: so long, e.g. 30m', span)
    .action(async (flags: WindowFlags) => {
      const to = flags.to ?? (flags.for === undefined ? undefined : flags.from + flags.for);
      if (to === undefined || (flags.to !== undefined && flags.for !== undefined)) {
        context.stderr.write('Give either --to or --for.\n');
        context.setExitCode(2);
        return;
      }
      await doing(
        'maintenance excuse',
        async (alerting) => {
          const { id } = await alerting.excuse({ ...scopeOf(flags), from: flags.from, to });
          return { target: id, say: `Excused as ${id}; what was judged there is judged again.` };
        },
        flags,
      );
    });

  withScope(command.command('add').description('Schedule a window that comes again.'))
    .requiredOption('--cron <line>', 'five fields, e.g. "0 2 * * 1" for Mondays at 02:00')
    .option('--time-zone <name>', 'of the cron line', 'UTC')
    .requiredOption('--for <span>', 'length of the window, e.g. 30m', span)
    .action((flags: ScheduleFlags) =>
      doing(
        'maintenance add',
        async (alerting) => {
          const { id } = await alerting.scheduleMaintenance({
            ...scopeOf(flags),
            cron: flags.cron,
            timeZone: flags.timeZone,
            durationSeconds: Math.round(flags.for / 1000),
          });
          return { target: id, say: `Maintenance ${id} is scheduled.` };
        },
        flags,
      ),
    );

  command
    .command('end')
    .description('End a schedule, with the windows that have not begun.')
    .argument('<id>', 'of the schedule', wholeNumber)
    .action((id: number) =>
      doing(
        'maintenance end',
        async (alerting) => {
          await alerting.endMaintenance(id);
          return { target: id, say: `Maintenance ${id} has ended.` };
        },
        null,
      ),
    );

  command
    .command('cancel')
    .description('Take an excused window back, also its effect on the past.')
    .argument('<id>', 'of the window', wholeNumber)
    .action((id: number) =>
      doing(
        'maintenance cancel',
        async (alerting) => {
          await alerting.cancelExcused(id);
          return { target: id, say: `Window ${id} excuses nothing any more.` };
        },
        null,
      ),
    );

  command
    .command('list')
    .description('Schedules, and the windows of the last and the next two weeks.')
    .action(async () => {
      const { alerting, close } = await context.openAlerting();
      try {
        const now = Date.now();
        const lines = [
          ...(await alerting.maintenance(false)).map(scheduleLine),
          ...(await alerting.excusedSpans(now - LOOK_MS, now + LOOK_MS)).map(windowLine),
        ];
        for (const line of lines) context.stdout.write(`${printable(line)}\n`);
        if (lines.length === 0) context.stderr.write('There is no maintenance.\n');
      } finally {
        await close();
      }
    });
  return command;
}

function withScope(command: Command): Command {
  return command
    .option('--domain <name>', 'only this domain', domainName)
    .option('--app <name>', 'only this app of the domain')
    .option('--stream <name>', 'only this stream of the app')
    .requiredOption('--reason <text>', 'why, for the record')
    .option('--author <name>', 'who you are');
}

function scopeOf({ domain, app, stream, reason, author }: ScopeFlags) {
  return { domain: domain ?? null, app: app ?? null, stream: stream ?? null, reason, author: author ?? COMMAND_LINE };
}

function scheduleLine(schedule: MaintenanceSchedule): string {
  const minutes = Math.round(schedule.durationSeconds / 60);
  return `schedule ${schedule.id}  "${schedule.cron}" ${schedule.timeZone}, ${minutes} min  ${whereOf(schedule)}  ${schedule.reason} (${schedule.name ?? schedule.author})`;
}

function windowLine(window: ExcusedSpanRow): string {
  return `window ${window.id}  ${formatInstant(window.from)} to ${formatInstant(window.to)}  ${whereOf(window)}  ${window.reason} (${window.author})`;
}

function whereOf({
  domain,
  app,
  stream,
}: {
  domain: string | null;
  app: string | null;
  stream: string | null;
}): string {
  return [domain, app, stream].filter((part) => part !== null).join('/') || 'everything';
}
