import type { Command } from 'commander';
import type { CommandContext } from './command-context.ts';
import { migrateCommand } from './migrate.ts';
import { serveCommand } from './serve.ts';

/** Every command, in the order of `--help`. To add one: write `src/cli/<name>.ts` and put it here. */
export const COMMANDS: ((context: CommandContext) => Command)[] = [serveCommand, migrateCommand];
