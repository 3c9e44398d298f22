import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { durationSeconds } from '../config/duration.ts';
import type { CommandContext } from './command-context.ts';
import type { SandboxHandle, SandboxRequest } from './sandbox-handle.ts';

const HELP = `
It answers like the vendor on loopback: the Live OpenAPI (signatures, parameter rules, error codes, rate limits), OSS (V1 and V4
signatures, listing in byte order) and broadcasters whose streams publish, are captured and announced. The credentials that it prints
are made up anew at each start and open nothing else.

Point a service at it, in another terminal:
  snapaudit sandbox --settings sandbox.yaml          then copy the variables that it prints, and
  SNAPAUDIT_CONFIG=sandbox.yaml SNAPAUDIT_PUBLIC_URL=http://127.0.0.1:8080 SNAPAUDIT_CALLBACK_KEY=… snapaudit apply
  … snapaudit serve
As with the vendor, a changed setting takes effect for a stream when it publishes again: every --session.

A faults file says what goes wrong, and the sandbox remembers it as the truth (printed at the end, one JSON line each, on stdout):
  faults:
    - { fault: callback_dropped, stream: cam01, session: 1, captures: 7-9 }    # counted from 1
    - { fault: callback_delayed, stream: cam02, captures: 5, after: 45s }
    - { fault: object_deleted, stream: cam02, captures: 9, after: 3s }
    - { fault: beat_slower, stream: cam03, session: 2, factor: 2 }
    - { fault: capture_outside_session, stream: cam04, after: 12s }
    - { fault: callback_url_changed, app: live, at: 2m }                       # or interval_changed
    - { fault: oss_unavailable, at: 3m, for: 20s }       # oss_throttled, oss_timeout, live_unavailable, live_throttled, live_timeout
For captures: callback_dropped, callback_delayed, callback_twice, callback_badly_signed, callback_forged, object_not_stored,
object_deleted, object_misnamed, capture_skipped.`;

interface SandboxFlags {
  livePort: number;
  ossPort: number;
  streams: number;
  interval: number;
  session: number;
  pause: number;
  faults?: string;
  settings?: string;
}

export function sandboxCommand(context: CommandContext): Command {
  return new Command('sandbox')
    .description("The vendor's stand-in alone: Live OpenAPI, OSS and broadcasters on loopback, with faults on demand.")
    .addOption(
      new Option('--live-port <port>', 'port of the Live OpenAPI, 0 for any').argParser(whole(0, 65_535)).default(0),
    )
    .addOption(new Option('--oss-port <port>', 'port of OSS, 0 for any').argParser(whole(0, 65_535)).default(0))
    .addOption(new Option('--streams <n>', 'how many streams publish').argParser(whole(1, 1_000)).default(8))
    .addOption(
      new Option('--interval <duration>', 'how often a stream is captured, 5s to 3600s')
        .argParser(seconds(5, 3_600))
        .default(5, '5s'),
    )
    .addOption(
      new Option('--session <duration>', 'how long a stream publishes')
        .argParser(seconds(10, 86_400))
        .default(120, '120s'),
    )
    .addOption(
      new Option('--pause <duration>', 'and how long it pauses').argParser(seconds(1, 86_400)).default(15, '15s'),
    )
    .option('--faults <file>', 'what goes wrong (YAML or JSON)')
    .option('--settings <file>', 'write a settings file that fits the sandbox')
    .addHelpText('after', HELP)
    .action(async (flags: SandboxFlags) => {
      const sandbox = await create(context, {
        livePort: flags.livePort,
        ossPort: flags.ossPort,
        streams: flags.streams,
        intervalSeconds: flags.interval,
        sessionMs: flags.session * 1_000,
        pauseMs: flags.pause * 1_000,
        faultsFile: flags.faults === undefined ? null : await readFaults(flags.faults),
        onProblem: (message) => context.stderr.write(`a fault could not be injected: ${message}\n`),
      });
      try {
        if (flags.settings !== undefined) await writeFile(flags.settings, sandbox.settingsFile);
        context.stderr.write(`Live OpenAPI ${sandbox.liveUrl}, OSS ${sandbox.ossUrl}. Point a service at them:\n\n`);
        for (const [name, value] of Object.entries(sandbox.environment)) {
          context.stdout.write(`export ${name}=${value}\n`);
        }
        if (flags.settings !== undefined) context.stdout.write(`export SNAPAUDIT_CONFIG=${flags.settings}\n`);
        context.stderr.write('\nCtrl-C stops it.\n');
        await reportUntilStopped(context, sandbox);
      } finally {
        for (const row of sandbox.injected()) context.stdout.write(`${JSON.stringify(row)}\n`);
        await sandbox.close();
      }
    });
}

async function readFaults(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`--faults ${file} cannot be read (${code}): give the path of a faults file, as --help shows one.`);
  }
}

async function create(context: CommandContext, request: SandboxRequest): Promise<SandboxHandle> {
  try {
    return await context.createSandbox(request);
  } catch (error) {
    const { code, port } = error as NodeJS.ErrnoException & { port?: number };
    if (code !== 'EADDRINUSE') throw error;
    const flag = port === request.livePort ? '--live-port' : '--oss-port';
    throw new Error(`${flag} ${port} is taken by another program: stop it, or choose another port (0 for any).`);
  }
}

async function reportUntilStopped(context: CommandContext, sandbox: SandboxHandle): Promise<void> {
  const stopped = context.untilStopped().then(() => true);
  const waiting = new AbortController();
  try {
    while (!(await Promise.race([stopped, sleep(10_000, false, { signal: waiting.signal })]))) {
      const { sessions, captures, callbacksDelivered, callbacksLost } = sandbox.counts();
      context.stderr.write(
        `${new Date().toISOString()} sessions ${sessions}, captures ${captures}, callbacks delivered ${callbacksDelivered}, ` +
          `lost ${callbacksLost}, faults injected ${sandbox.injected().length}\n`,
      );
    }
  } finally {
    waiting.abort();
  }
}

function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!Number.isSafeInteger(number) || number < least || number > most) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    }
    return number;
  };
}

function seconds(least: number, most: number): (text: string) => number {
  const bounded = durationSeconds({ min: least, max: most });
  return (text) => {
    const read = bounded.safeParse(text);
    if (read.success) return read.data;
    throw new InvalidArgumentError(read.error.issues.map(({ message }) => message).join('; '));
  };
}
