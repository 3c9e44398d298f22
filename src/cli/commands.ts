import type { Command } from 'commander';
import { capturesCommand } from './captures.ts';
import type { CommandContext } from './command-context.ts';
import { coverageCommand } from './coverage.ts';
import { gapsCommand } from './gaps.ts';
import { migrateCommand } from './migrate.ts';
import { sandboxCommand } from './sandbox.ts';
import { serveCommand } from './serve.ts';
import { streamsCommand } from './streams.ts';

/** Every command, in the order of `--help`. To add one: write `src/cli/<name>.ts` and put it here. */
export const COMMANDS: ((context: CommandContext) => Command)[] = [
  serveCommand,
  migrateCommand,
  streamsCommand,
  capturesCommand,
  gapsCommand,
  coverageCommand,
  sandboxCommand,
];
