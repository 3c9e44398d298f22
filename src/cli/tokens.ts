import { Command, InvalidArgumentError, Option } from 'commander';
import { SCOPES, type Scope } from '../core/token-scope.ts';
import type { RecordedOperation, TokenRow } from '../ports.ts';
import { OPERATION_COLUMNS, operationRecord } from '../usecases/export-records.ts';
import { readOperations } from '../usecases/query-operations.ts';
import type { CommandContext } from './command-context.ts';
import { allPages, printRows, shortTime } from './print-rows.ts';
import {
  type FormatFlags,
  span,
  type WindowFlags,
  wholeNumber,
  withFormat,
  withLimit,
  withWindow,
} from './query-flags.ts';
import type { TableColumn } from './table.ts';

const COLUMNS: TableColumn<TokenRow>[] = [
  { header: 'id', value: (row) => row.id, align: 'right' },
  { header: 'name', value: (row) => row.name },
  { header: 'scope', value: (row) => row.scope },
  { header: 'begins with', value: (row) => row.hint },
  { header: 'made (UTC)', value: (row) => shortTime(row.createdAt), keep: 'whole' },
  { header: 'last used', value: (row) => shortTime(row.lastUsedAt), keep: 'whole' },
  { header: 'expires', value: (row) => shortTime(row.expiresAt), keep: 'whole' },
  { header: 'revoked', value: (row) => shortTime(row.revokedAt), keep: 'whole' },
];
const FIELDS = ['id', 'name', 'scope', 'hint', 'createdAt', 'lastUsedAt', 'expiresAt', 'revokedAt'] as const;

export function tokensCommand(context: CommandContext): Command {
  const command = new Command('tokens').description(
    'Tokens for the API: make, list, revoke; and what was written with them.',
  );
  command
    .command('create')
    .description('Make a token and print it, this once. Only its hash is kept.')
    .requiredOption('--name <name>', 'what it is for', (text) => {
      if (text.length === 0 || text.length > 100) throw new InvalidArgumentError('1 to 100 characters.');
      return text;
    })
    .addOption(
      new Option('--scope <scope>', 'read looks, operate acts on findings, admin changes the service')
        .choices([...SCOPES])
        .default('read'),
    )
    .option('--expires <span>', 'valid for so long, e.g. 90d; for ever where not given', span)
    .action(async ({ name, scope, expires }: { name: string; scope: Scope; expires?: number }) => {
      const { tokens, operatorLog, close } = await context.openQueries();
      try {
        const expiresAt = expires === undefined ? null : Date.now() + expires;
        const { token, row } = await tokens.create({ name, scope, expiresAt });
        await operatorLog.record({
          actor: 'command line',
          action: 'tokens create',
          target: `token ${row.id}`,
          detail: { name, scope },
          status: null,
          remoteAddress: null,
        });
        context.stderr.write(`Token ${row.id} (${scope}); it is not shown again:\n`);
        context.stdout.write(`${token}\n`);
      } finally {
        await close();
      }
    });
  withFormat(command.command('list').description('List tokens, with those that were revoked.')).action(
    async ({ format }: FormatFlags) => {
      const { tokens, close } = await context.openQueries();
      try {
        const all = await tokens.list();
        async function* rows() {
          yield* all;
        }
        await printRows(context, rows(), {
          format,
          columns: COLUMNS,
          fields: FIELDS,
          record: (row) => ({
            id: row.id,
            name: row.name,
            scope: row.scope,
            hint: row.hint,
            createdAt: time(row.createdAt),
            lastUsedAt: time(row.lastUsedAt),
            expiresAt: time(row.expiresAt),
            revokedAt: time(row.revokedAt),
          }),
          nothing: 'There is no token.',
        });
      } finally {
        await close();
      }
    },
  );
  command
    .command('revoke')
    .description('Revoke a token; it stops working within a second.')
    .argument('<id>', 'as `tokens list` prints it', wholeNumber)
    .action(async (id: number) => {
      const { tokens, operatorLog, close } = await context.openQueries();
      try {
        await tokens.revoke(id);
        await operatorLog.record({
          actor: 'command line',
          action: 'tokens revoke',
          target: `token ${id}`,
          detail: null,
          status: null,
          remoteAddress: null,
        });
        context.stderr.write(`Token ${id} is revoked.\n`);
      } finally {
        await close();
      }
    });
  const log = command
    .command('log')
    .description('The operator log: every write, over the API or by a command, newest first.');
  withFormat(withLimit(withWindow(log), 50)).action(
    async ({ format, limit, ...words }: FormatFlags & WindowFlags & { limit: number }) => {
      const { operatorLog, close } = await context.openQueries();
      try {
        const list = (page: WindowFlags) => readOperations(operatorLog, { now: () => Date.now() }, page);
        await printRows(context, allPages(context, list, words, limit), {
          format,
          columns: LOG_COLUMNS,
          fields: OPERATION_COLUMNS,
          record: operationRecord,
          nothing: 'Nothing was written yet.',
        });
      } finally {
        await close();
      }
    },
  );
  return command;
}

const LOG_COLUMNS: TableColumn<RecordedOperation>[] = [
  { header: 'at (UTC)', value: (row) => shortTime(row.at), keep: 'whole' },
  { header: 'actor', value: (row) => row.actor, keep: true },
  { header: 'action', value: (row) => row.action, keep: true },
  { header: 'target', value: (row) => row.target },
  { header: 'status', value: (row) => row.status, align: 'right' },
  { header: 'from', value: (row) => row.remoteAddress },
  { header: 'detail', value: (row) => (row.detail === null ? null : JSON.stringify(row.detail)) },
];

function time(instant: number | null): string | null {
  return instant === null ? null : new Date(instant).toISOString();
}
