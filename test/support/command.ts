import { PassThrough, Writable } from 'node:stream';
import { Command } from 'commander';
import type { CommandContext } from '../../src/cli/command-context.ts';

export interface RunResult {
  exitCode: 0 | 1 | 2;
  stdout: string;
  stderr: string;
}

/** Runs a command as `cli.ts` does, with its output kept. `columns`: as if stdout were a terminal of that width. */
export async function runCommand(
  createCommand: (context: CommandContext) => Command,
  args: readonly string[],
  parts: Partial<CommandContext> & { columns?: number } = {},
): Promise<RunResult> {
  const result: RunResult = { exitCode: 0, stdout: '', stderr: '' };
  const { columns, ...given } = parts;
  const missing = async (): Promise<never> => {
    throw new Error('The command asked for a part that this test does not give it.');
  };
  const context = {
    stdin: new PassThrough(),
    stdout: Object.assign(
      keeping((text) => {
        result.stdout += text;
      }),
      columns === undefined ? {} : { columns, isTTY: true },
    ),
    stderr: keeping((text) => {
      result.stderr += text;
    }),
    setExitCode: (code: 0 | 1 | 2) => {
      result.exitCode = code;
    },
    loadSettings: missing,
    pause: missing,
    untilStopped: () => new Promise<void>(() => {}),
    createSandbox: missing,
    openQueries: missing,
    ...given,
  } as CommandContext;
  const command = createCommand(context);
  for (const each of [command, ...command.commands]) {
    each.exitOverride().configureOutput({
      writeErr: (text) => {
        result.stderr += text;
      },
    });
  }
  await new Command('snapaudit')
    .exitOverride()
    .addCommand(command)
    .parseAsync([command.name(), ...args], { from: 'user' });
  return result;
}

function keeping(keep: (text: string) => void): Writable {
  return new Writable({
    write(chunk, _encoding, done) {
      keep(String(chunk));
      done();
    },
  });
}
