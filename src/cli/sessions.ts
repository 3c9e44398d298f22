import { Command, Option } from 'commander';
import type { Mode } from '../core/capture.ts';
import type { Slot } from '../core/session-slots.ts';
import { SESSION_COLUMNS, SLOT_COLUMNS, sessionRecord, slotRecord } from '../usecases/export-records.ts';
import type { SessionView } from '../usecases/query-sessions.ts';
import type { CommandContext } from './command-context.ts';
import { allPages, duration, percent, printRows, shortTime } from './print-rows.ts';
import {
  type FormatFlags,
  type ScopeFlags,
  type WindowFlags,
  withFormat,
  withLimit,
  withScope,
  withWindow,
} from './query-flags.ts';
import type { TableColumn } from './table.ts';
import { warnOfUnknownDomains } from './unknown-domains.ts';

const COLUMNS: TableColumn<SessionView>[] = [
  { header: 'started (UTC)', value: (row) => shortTime(row.startedAt), keep: 'whole' },
  { header: 'length', value: length, align: 'right', keep: true },
  { header: 'domain', value: (row) => row.domain },
  { header: 'app', value: (row) => row.app },
  { header: 'stream', value: (row) => row.stream, keep: true },
  { header: 'coverage', value: (row) => percent(row.coverage), align: 'right', keep: true },
  { header: 'known by', value: (row) => row.certainty },
];

function length(row: SessionView): string | null {
  return row.endedAt === null ? 'on air' : duration(row.endedAt - row.startedAt);
}

interface Flags extends ScopeFlags, WindowFlags, FormatFlags {
  onAir?: boolean;
  limit: number;
}

export function sessionsCommand(context: CommandContext): Command {
  const command = new Command('sessions')
    .description('When streams were on air, newest first, each with its coverage.')
    .option('--on-air', 'only those that still go on')
    .addHelpText(
      'after',
      '\nKnown by: announced (a publish callback), listed (the vendor’s list of streams on air) or inferred (its captures alone).',
    );
  withFormat(withLimit(withWindow(withScope(command)), 100));
  command.addCommand(slotsCommand(context));
  return command.action(async ({ format, limit, ...words }: Flags) => {
    const { queries, close } = await context.openQueries();
    try {
      await warnOfUnknownDomains(context, words, queries.domains);
      await printRows(context, allPages(context, queries.sessions, words, limit), {
        format,
        columns: COLUMNS,
        fields: SESSION_COLUMNS,
        record: sessionRecord,
        nothing: 'No session matches.',
      });
    } finally {
      await close();
    }
  });
}

const SLOT_TABLE: TableColumn<Slot>[] = [
  { header: 'at (UTC)', value: (row) => shortTime(row.at), keep: 'whole' },
  { header: 'verdict', value: (row) => row.verdict, keep: true },
  { header: 'cause', value: (row) => row.cause },
  { header: 'capture', value: (row) => row.captureId },
];

function slotsCommand(context: CommandContext): Command {
  const command = new Command('slots')
    .description('Every slot of one session with its verdict, oldest first.')
    .argument('<id>', 'of the session, as `sessions --format json` prints it')
    .addOption(new Option('--mode <mode>', 'sequence where not given').choices(['sequence', 'overwrite']));
  return withFormat(withLimit(command, 100)).action(async (id: string, _: object, of: Command) => {
    // `sessions` itself takes --format and --limit too, wherever they stand.
    const { format, limit, mode } = of.optsWithGlobals<FormatFlags & { limit: number; mode?: Mode }>();
    const { queries, close } = await context.openQueries();
    try {
      const list = (words: { mode?: Mode | undefined }) => queries.sessionSlots(id, words);
      await printRows(context, allPages(context, list, { mode }, limit), {
        format,
        columns: SLOT_TABLE,
        fields: SLOT_COLUMNS,
        record: slotRecord,
        nothing: 'The session has no slots: no config was in force, or none is due yet.',
      });
    } finally {
      await close();
    }
  });
}
