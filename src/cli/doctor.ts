import { Command, Option } from 'commander';
import pc from 'picocolors';
import type { DoctorLine } from '../usecases/doctor-line.ts';
import { runDoctor } from '../usecases/run-doctor.ts';
import type { CommandContext } from './command-context.ts';
import { printable } from './table.ts';

export function doctorCommand(context: CommandContext): Command {
  return new Command('doctor')
    .description(
      'Check credentials, each permission, buckets, region, clock, database, settings and the way of a callback to us.',
    )
    .option('--try-writes', 'also try the calls that write, by setting again what stands')
    .addOption(new Option('--format <format>', 'how to print').choices(['table', 'json']).default('table'))
    .addHelpText('after', '\nOne line a check: ok, warn or fail, and what to do. Ends with 1 where one failed.')
    .action(async (flags: { tryWrites?: boolean; format: 'table' | 'json' }) => {
      const handle = await context.openDoctor();
      const lines: DoctorLine[] = [];
      const say = (line: DoctorLine) => {
        lines.push(line);
        if (flags.format === 'table') context.stdout.write(formatLine(line, context.stdout.isTTY === true));
      };
      try {
        for (const line of handle.lines) say(line);
        if (handle.subject) {
          const { ports, ...subject } = handle.subject;
          for await (const line of runDoctor(ports, { ...subject, tryWrites: flags.tryWrites ?? false })) say(line);
        }
        if (flags.format === 'json') context.stdout.write(`${JSON.stringify(lines, null, 2)}\n`);
        context.setExitCode(lines.some(({ status }) => status === 'fail') ? 1 : 0);
      } finally {
        await handle.close();
      }
    });
}

/** For a person at a terminal only, and never against NO_COLOR. */
function coloursFor(isTerminal: boolean): Record<DoctorLine['status'], (text: string) => string> {
  const { green, yellow, red } = pc.createColors(isTerminal && pc.isColorSupported);
  return { ok: green, warn: yellow, fail: red };
}

function formatLine({ check, status, detail, remedy }: DoctorLine, isTerminal: boolean): string {
  const remark = remedy === null || detail.endsWith(remedy) ? '' : ` ${remedy}`;
  const text = `${detail}${remark === '' || /[.!?]$/.test(detail) ? '' : '.'}${remark}`;
  // The mistakes of a settings file stand on lines of their own, further in than a check.
  const lines = `${check}: ${text}`.split('\n').map(printable).join('\n      ');
  return `${coloursFor(isTerminal)[status](status.padEnd(4))}  ${lines}\n`;
}
