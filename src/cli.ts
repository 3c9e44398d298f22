#!/usr/bin/env node
import { setTimeout as delay } from 'node:timers/promises';
import { Command, CommanderError } from 'commander';
import type { CommandContext } from './cli/command-context.ts';
import { COMMANDS } from './cli/commands.ts';
import { readEnvironment } from './config/env.ts';
import { loadSettings } from './config/load-settings.ts';

/** The only process entry: arguments to a command to an exit code (0 clean, 1 findings, 2 error). */

let exitCode = 0;

const context: CommandContext = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  setExitCode: (code) => {
    exitCode = code;
  },
  loadSettings: () => loadSettings(readEnvironment().config.settingsFile),
  pause: (milliseconds, signal) => delay(milliseconds, undefined, { signal }).catch(() => {}),
  untilStopped,
  // The parts are loaded when a command needs them: `snapaudit judge` never loads a vendor's client.
  openQueries: async () => (await import('./compose/queries.ts')).openQueries(readEnvironment()),
  openAudit: async (options) => (await import('./compose/audit.ts')).openAudit(readEnvironment(), options),
  openAlerting: async (options = { channels: false }) =>
    (await import('./compose/alerting-commands.ts')).openAlerting(readEnvironment(), options),
  openStorage: async () => (await import('./compose.ts')).openStorage(readEnvironment()),
  openConfigControl: async () => (await import('./compose/configs.ts')).openConfigControl(readEnvironment()),
  openDoctor: async () => (await import('./compose/configs.ts')).openDoctor(() => readEnvironment()),
  createDemo: async (request) => (await import('./compose/demo.ts')).createDemo(readEnvironment(), request),
  createSandbox: async (request) => (await import('./compose/sandbox.ts')).createSandbox(request),
  createService: async (overrides) => (await import('./compose.ts')).createService(readEnvironment(), overrides),
};

/** What people end a command with: Ctrl-C, `kill`, closing the terminal. */
const STOP_SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
let onStop: (() => void)[] = [];
for (const [signal, code] of Object.entries(STOP_SIGNALS)) {
  process.on(signal, () => {
    // The default would end the process without its `exit` handlers, one of which stops the embedded PostgreSQL.
    if (onStop.length === 0) process.exit(code);
    for (const stop of onStop) stop();
    onStop = [];
  });
}

/** Resolves at the first signal to stop; a second one ends the process at once. */
function untilStopped(exitWithinMs?: number): Promise<void> {
  return new Promise((resolve) => {
    onStop.push(() => {
      // Keeps nobody waiting who is done earlier.
      if (exitWithinMs !== undefined) setTimeout(() => process.exit(exitCode), exitWithinMs).unref();
      resolve();
    });
  });
}

// `snapaudit … | head` closes the pipe early; that is no error. A terminal that was closed takes no more words either.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE' || error.code === 'EIO') process.exit(exitCode);
  throw error;
});
process.stderr.on('error', () => {});

const program = new Command('snapaudit')
  .description(
    'Audits the delivery of ApsaraVideo Live snapshots: slot by slot, was each one captured, stored in OSS and announced,\n' +
      'and if not, whose fault was it.',
  )
  .addHelpText(
    'after',
    '\nFirst steps:\n' +
      '  snapaudit demo            see injected faults being found, without a cloud account\n' +
      '  snapaudit doctor          check credentials, permissions, bucket, database and callback path\n' +
      '  snapaudit plan            compare the settings file with what the vendor has\n' +
      '  snapaudit serve           run the service\n' +
      '\nExit codes: 0 clean, 1 findings, 2 error. Data goes to stdout, progress to stderr; NO_COLOR is honoured.',
  )
  .showHelpAfterError('(snapaudit --help shows what there is)')
  .exitOverride();

for (const createCommand of COMMANDS) {
  const command = createCommand(context);
  for (const each of [command, ...command.commands]) each.exitOverride();
  program.addCommand(command);
}

try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) exitCode = error.exitCode === 0 ? 0 : 2;
  else {
    exitCode = 2;
    process.stderr.write(`snapaudit: ${error instanceof Error ? error.message : String(error)}\n`);
    if (process.execArgv.includes('--trace-uncaught') && error instanceof Error)
      process.stderr.write(`${error.stack}\n`);
  }
}
process.exitCode = exitCode;
