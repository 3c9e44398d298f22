import { Command } from 'commander';
import type { AuditRead } from '../ports.ts';
import { AUDIT_COLUMNS, auditRecord } from '../usecases/export-records.ts';
import type { CommandContext } from './command-context.ts';
import { allPages, duration, printRows, shortTime } from './print-rows.ts';
import {
  type FormatFlags,
  oneOf,
  type WindowFlags,
  withDomain,
  withFormat,
  withLimit,
  withWindow,
} from './query-flags.ts';
import type { TableColumn } from './table.ts';
import { warnOfUnknownDomains } from './unknown-domains.ts';

const COLUMNS: TableColumn<AuditRead>[] = [
  { header: 'started (UTC)', value: (row) => shortTime(row.startedAt), keep: 'whole' },
  { header: 'kind', value: (row) => row.kind },
  { header: 'domain', value: (row) => row.domain },
  { header: 'app', value: (row) => row.app ?? '*' },
  { header: 'window', value: (row) => duration(row.to - row.from), align: 'right' },
  { header: 'status', value: (row) => row.status, keep: true },
  { header: 'took', value: (row) => row.seconds && duration(row.seconds * 1_000), align: 'right', keep: true },
  { header: 'calls', value: (row) => row.listCalls + row.headCalls + row.indexCalls, align: 'right', keep: true },
  { header: 'keys', value: (row) => row.keys, align: 'right', keep: true },
  { header: 'error', value: (row) => row.error ?? '', keep: true },
];

const STATUSES: readonly AuditRead['status'][] = ['running', 'done', 'failed'];

interface Flags extends WindowFlags, FormatFlags {
  domain?: string[];
  status?: AuditRead['status'][];
  limit: number;
}

export function auditsCommand(context: CommandContext): Command {
  const command = new Command('audits')
    .description('The audits that ran, newest first, each with what it cost: calls, keys, time.')
    .option('--status <status>', 'only these; may be given more than once', oneOf(STATUSES))
    .addHelpText('after', '\nEnds with 1 where an audit that is printed failed.');
  withFormat(withLimit(withWindow(withDomain(command)), 50));
  return command.action(async ({ format, limit, ...words }: Flags) => {
    const { queries, close } = await context.openQueries();
    try {
      await warnOfUnknownDomains(context, words, queries.domains);
      let failed = false;
      async function* rows() {
        for await (const row of allPages(context, queries.audits, words, limit)) {
          failed ||= row.status === 'failed';
          yield row;
        }
      }
      await printRows(context, rows(), {
        format,
        columns: COLUMNS,
        fields: AUDIT_COLUMNS,
        record: auditRecord,
        nothing: 'No audit matches.',
      });
      context.setExitCode(failed ? 1 : 0);
    } finally {
      await close();
    }
  });
}
