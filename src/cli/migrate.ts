import { Command } from 'commander';
import type { CommandContext } from './command-context.ts';

export function migrateCommand(context: CommandContext): Command {
  return new Command('migrate')
    .description('Bring the database schema up to date. `serve` does the same at its start; several at once are safe.')
    .action(async () => {
      const storage = await context.openStorage();
      try {
        for (const name of storage.applied) context.stdout.write(`applied ${name}\n`);
        if (storage.applied.length === 0) context.stdout.write('The schema is up to date.\n');
      } finally {
        await storage.close();
      }
    });
}
