import { Command } from 'commander';
import { SESSION_COLUMNS, sessionRecord } from '../usecases/export-records.ts';
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
  return command.action(async ({ format, limit, ...words }: Flags) => {
    const { queries, close } = await context.openQueries();
    try {
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
