import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { CaptureSource } from '../core/capture-flags.ts';
import { formatEvidence } from '../core/evidence.ts';
import { formatInstant } from '../core/instant.ts';
import { resolveClosedWindow } from '../core/time-window.ts';
import { CAUSES, type Cause, VERDICTS, type Verdict } from '../core/verdict.ts';
import { COVERAGE_GROUPS, COVERAGE_UNITS, type CoverageGroup, type CoverageUnit } from '../ports.ts';
import { EXPORT_FORMATS, type ExportFormat } from '../usecases/export-history.ts';
import { REPORT_FORMATS, type ReportFormat, renderDeliveryReport } from '../usecases/render-delivery-report.ts';
import type { CommandContext } from './command-context.ts';
import { oneOf, type ScopeFlags, span, type WindowFlags, withScope, withWindow } from './query-flags.ts';
import { warnOfUnknownDomains } from './unknown-domains.ts';

interface Flags extends ScopeFlags, WindowFlags {
  format: ExportFormat;
  cursor?: string;
}

export function exportCommand(context: CommandContext): Command {
  const command = new Command('export').description(
    'Files to take away: captures, gaps, coverage, the delivery report of a month, evidence.',
  );
  command.addCommand(capturesExport(context));
  command.addCommand(gapsExport(context));
  command.addCommand(coverageExport(context));
  command.addCommand(reportExport(context));
  command.addCommand(evidenceExport(context));
  return command;
}

function capturesExport(context: CommandContext): Command {
  const command = exporting('captures', 'Every capture with its verdict, by stream, oldest first.')
    .option('--verdict <verdict>', 'only these; may be given more than once', oneOf(VERDICTS))
    .option('--source <source>', 'told by callback, index or object', oneOf(['callback', 'index', 'object'] as const))
    .option('--min-delay <span>', 'received at least so long after the capture', span)
    .option('--max-delay <span>', 'received at most so long after the capture', span);
  type Words = Flags & { verdict?: Verdict[]; source?: CaptureSource[]; minDelay?: number; maxDelay?: number };
  return command.action(async ({ format, minDelay, maxDelay, ...words }: Words) => {
    const { exports, queries, close } = await context.openQueries();
    try {
      await warnOfUnknownDomains(context, words, queries.domains);
      const query = { ...words, minDelayMs: minDelay, maxDelayMs: maxDelay };
      await writeLines(context, exports.captures(query, format));
    } finally {
      await close();
    }
  });
}

function gapsExport(context: CommandContext): Command {
  const command = exporting('gaps', 'Every gap, newest first.')
    .option('--verdict <verdict>', 'only these; may be given more than once', oneOf(VERDICTS))
    .option('--cause <cause>', 'only these; may be given more than once', oneOf(CAUSES));
  return command.action(async ({ format, ...words }: Flags & { verdict?: Verdict[]; cause?: Cause[] }) => {
    const { exports, queries, close } = await context.openQueries();
    try {
      await warnOfUnknownDomains(context, words, queries.domains);
      await writeLines(context, exports.gaps(words, format));
    } finally {
      await close();
    }
  });
}

function coverageExport(context: CommandContext): Command {
  const command = exporting('coverage', 'Coverage by time and name; without a window of the last 24 hours.')
    .addOption(new Option('--per <unit>', 'one row per').choices([...COVERAGE_UNITS]).default('total'))
    .addOption(new Option('--by <group>', 'one row per').choices([...COVERAGE_GROUPS]).default('stream'));
  return command.action(async ({ format, ...words }: Flags & { per: CoverageUnit; by: CoverageGroup }) => {
    const { exports, queries, close } = await context.openQueries();
    try {
      await warnOfUnknownDomains(context, words, queries.domains);
      await writeLines(context, exports.coverage(words, format));
    } finally {
      await close();
    }
  });
}

function exporting(name: string, description: string): Command {
  const command = new Command(name)
    .description(description)
    .addOption(new Option('--format <format>', 'how to write').choices([...EXPORT_FORMATS]).default('csv'))
    .option('--cursor <cursor>', `go on after this row: its ${name === 'coverage' ? 'cursor' : 'id'}; no header then`)
    .addHelpText('after', '\nTo go on later, use --from and --to: --last is counted from the moment of asking.');
  return withWindow(withScope(command));
}

function reportExport(context: CommandContext): Command {
  const command = new Command('report')
    .description('The delivery report of a month, per domain, app and stream; as a page it is made to be printed.')
    .requiredOption('--month <month>', 'e.g. 2026-11', (text) => {
      if (!/^\d{4}-\d{2}$/.test(text)) throw new InvalidArgumentError('Write the month like 2026-11.');
      return text;
    })
    .addOption(new Option('--format <format>', 'how to write').choices([...REPORT_FORMATS]).default('csv'));
  return withScope(command).action(
    async ({ month, format, ...scope }: ScopeFlags & { month: string; format: ReportFormat }) => {
      const { reports, queries, close } = await context.openQueries();
      try {
        await warnOfUnknownDomains(context, scope, queries.domains);
        await write(context, renderDeliveryReport(await reports(month, scope), format));
      } finally {
        await close();
      }
    },
  );
}

interface EvidenceFlags extends WindowFlags {
  domain: string;
  app?: string;
  stream?: string;
  pack?: string;
}

const DEFAULT_EVIDENCE_MS = 24 * 3_600_000;

function evidenceExport(context: CommandContext): Command {
  const command = new Command('evidence')
    .description('All that the judgement of a stretch rests on, for `snapaudit judge` on any machine.')
    .requiredOption('--domain <name>', 'main streaming domain')
    .option('--app <name>', 'only this app')
    .option('--stream <name>', 'only this stream')
    .option('--pack <directory>', 'write evidence.ndjson there, with the list of gaps and a manifest of SHA-256 sums')
    .addHelpText(
      'after',
      '\nWithout a window the last 24 hours. Ends with 2 where OSS or the index could not be read.',
    );
  return withWindow(command).action(async ({ domain, app, stream, pack, ...words }: EvidenceFlags) => {
    const audit = await context.openAudit({ onProgress: () => {} });
    try {
      const window = resolveClosedWindow(words, audit.clock.now(), DEFAULT_EVIDENCE_MS);
      const request = { domain, app: app ?? null, stream: stream ?? null, ...window };
      let lines = 0;
      const progress = () => {
        if (++lines % 100_000 === 0) context.stderr.write(`${lines} lines\n`);
      };
      let error: string | null;
      if (pack === undefined) {
        ({ error } = await audit.exportEvidence(request, async (line) => {
          progress();
          await write(context, `${formatEvidence(line)}\n`);
        }));
      } else {
        error = await writePack(context, pack, request, (write) =>
          audit.exportEvidence(request, async (line) => {
            progress();
            await write(`${formatEvidence(line)}\n`);
          }),
        );
      }
      if (error !== null) {
        context.stderr.write(`${error}\nWhat hangs on it is unknown in the evidence too.\n`);
        context.setExitCode(2);
      }
    } finally {
      await audit.close();
    }
  });
}

/** evidence.ndjson, gaps.csv and MANIFEST.sha256 (as `sha256sum --check` reads it), for someone who was not there. */
async function writePack(
  context: CommandContext,
  directory: string,
  request: { domain: string; app: string | null; stream: string | null; from: number; to: number },
  exportEvidence: (write: (text: string) => Promise<void>) => Promise<{ error: string | null }>,
): Promise<string | null> {
  await mkdir(directory, { recursive: true });
  const sums: string[] = [];
  const evidence = hashedFile(path.join(directory, 'evidence.ndjson'));
  const { error } = await exportEvidence(evidence.write);
  sums.push(`${await evidence.end()}  evidence.ndjson`);
  const gaps = hashedFile(path.join(directory, 'gaps.csv'));
  const { exports, close } = await context.openQueries();
  try {
    const { domain, app, stream, from, to } = request;
    const scope = {
      domain: [domain],
      ...(app !== null && { app: [app] }),
      ...(stream !== null && { stream: [stream] }),
    };
    for await (const line of exports.gaps({ ...scope, from, to }, 'csv')) await gaps.write(line.toString());
  } finally {
    await close();
  }
  sums.push(`${await gaps.end()}  gaps.csv`);
  const about = JSON.stringify(
    {
      ...request,
      from: formatInstant(request.from),
      to: formatInstant(request.to),
      error,
      judge: 'snapaudit judge evidence.ndjson',
    },
    null,
    2,
  );
  await writeFile(path.join(directory, 'request.json'), `${about}\n`);
  sums.push(`${createHash('sha256').update(`${about}\n`).digest('hex')}  request.json`);
  await writeFile(path.join(directory, 'MANIFEST.sha256'), `${sums.join('\n')}\n`);
  context.stderr.write(`Wrote ${directory}; check it with \`sha256sum --check MANIFEST.sha256\` there.\n`);
  return error;
}

function hashedFile(file: string) {
  const hash = createHash('sha256');
  const stream = createWriteStream(file);
  // A full disk shows here first; without a listener it would end the process.
  let failure: Error | null = null;
  stream.on('error', (error) => {
    failure = error;
  });
  return {
    async write(text: string): Promise<void> {
      if (failure) throw failure;
      hash.update(text);
      if (!stream.write(text)) await once(stream, 'drain');
    },
    async end(): Promise<string> {
      stream.end();
      if (!stream.closed) await once(stream, 'close');
      if (failure) throw failure;
      return hash.digest('hex');
    },
  };
}

const PROGRESS_EVERY_BYTES = 64 * 1024 * 1024;

async function writeLines(context: CommandContext, chunks: AsyncIterable<Buffer | string>): Promise<void> {
  let bytes = 0;
  let said = 0;
  for await (const chunk of chunks) {
    await write(context, chunk);
    bytes += chunk.length;
    if (bytes - said < PROGRESS_EVERY_BYTES) continue;
    said = bytes;
    context.stderr.write(`${Math.round(bytes / 1024 / 1024)} MB\n`);
  }
}

async function write(context: CommandContext, text: string | Buffer): Promise<void> {
  if (!context.stdout.write(text)) await once(context.stdout, 'drain');
}
