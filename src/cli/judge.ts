import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { Command } from 'commander';
import { formatInstant } from '../core/instant.ts';
import { isBad, VERDICTS } from '../core/verdict.ts';
import { type JudgedEvidence, judgeEvidence, type StreamGap } from '../usecases/judge-evidence.ts';
import { EvidenceError } from '../usecases/read-evidence.ts';
import type { CommandContext } from './command-context.ts';
import { csvLine, duration, percent, shortTime } from './print-rows.ts';
import { type FormatFlags, withFormat } from './query-flags.ts';
import { printable, renderTable, type TableColumn } from './table.ts';

const FIELDS = ['domain', 'app', 'stream', 'from', 'to', 'count', 'verdict', 'cause', 'mode', 'reason'] as const;

const COLUMNS: TableColumn<StreamGap>[] = [
  { header: 'from (UTC)', value: (gap) => shortTime(gap.from), keep: 'whole' },
  { header: 'length', value: (gap) => duration(gap.to - gap.from), align: 'right', keep: true },
  { header: 'domain', value: (gap) => gap.domain },
  { header: 'app', value: (gap) => gap.app },
  { header: 'stream', value: (gap) => gap.stream, keep: true },
  { header: 'slots', value: (gap) => gap.count, align: 'right', keep: true },
  { header: 'verdict', value: (gap) => gap.verdict, keep: true },
  { header: 'cause', value: (gap) => gap.cause ?? gap.reason ?? null, keep: true },
];

type JudgeContext = Pick<CommandContext, 'stdin' | 'stdout' | 'stderr' | 'setExitCode'>;

/** `snapaudit judge FILE|-`: every verdict from nothing but an evidence file. */
export function judgeCommand(context: JudgeContext): Command {
  const command = new Command('judge')
    .description(
      'Recompute every verdict from an evidence file (see `export evidence`), with no database and no network.',
    )
    .argument('<file>', 'NDJSON as `export evidence` writes it; - reads standard input')
    .addHelpText(
      'after',
      '\nLines may come in any order. Ends with 0 where no slot is bad, 1 where one is, 2 where the file cannot be read or understood.',
    );
  return withFormat(command).action(async (file: string, { format }: FormatFlags) => {
    let judged: JudgedEvidence;
    try {
      judged = await judgeEvidence(linesOf(context, file), { onProgress: progressOn(context) });
    } catch (error) {
      if (!(error instanceof EvidenceError) && !isReadingError(error)) throw error;
      context.stderr.write(`${file === '-' ? 'standard input' : file}: ${printable((error as Error).message)}\n`);
      context.setExitCode(2);
      return;
    }
    print(context, judged, format);
    context.setExitCode(judged.gaps.some((gap) => isBad(gap.verdict)) ? 1 : 0);
  });
}

/** Lines end with a line feed and with nothing else: JSON may hold U+2028 as it is, where node:readline would cut. */
async function* linesOf(context: JudgeContext, file: string): AsyncGenerator<string> {
  const input: Readable = file === '-' ? context.stdin : createReadStream(file);
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let begun: string[] = [];
  for await (const chunk of input) {
    const [first, ...others] = (typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })).split(
      '\n',
    );
    begun.push(first!);
    for (const other of others) {
      yield begun.join('');
      begun = [other];
    }
  }
  yield begun.join('') + decoder.decode();
}

function progressOn({ stderr }: JudgeContext): ((done: { lines: number; stage: string }) => void) | undefined {
  if (!stderr.isTTY) return undefined;
  return ({ lines, stage }) => {
    stderr.write(stage === 'judging' ? '\r\u001b[K' : `\r${lines.toLocaleString('en')} lines read`);
  };
}

function print({ stdout, stderr }: JudgeContext, judged: JudgedEvidence, format: FormatFlags['format']): void {
  const { slots, coverage, foreign } = judged;
  switch (format) {
    case 'json': {
      const gaps = judged.gaps.map(record);
      const excused = judged.excused.map(record);
      stdout.write(`${JSON.stringify({ slots, coverage, gaps, excused, foreign })}\n`);
      return;
    }
    case 'ndjson':
      for (const gap of [...judged.gaps, ...judged.excused]) stdout.write(`${JSON.stringify(record(gap))}\n`);
      return;
    case 'csv':
      stdout.write(csvLine(FIELDS));
      for (const gap of [...judged.gaps, ...judged.excused]) {
        const values = record(gap);
        stdout.write(csvLine(FIELDS.map((field) => values[field] ?? null)));
      }
      return;
    case 'table': {
      const rows = [...judged.gaps, ...judged.excused];
      if (rows.length > 0) stdout.write(renderTable(rows, COLUMNS, stdout.columns));
      const counts = VERDICTS.filter((verdict) => slots[verdict] > 0).map((verdict) => `${slots[verdict]} ${verdict}`);
      stdout.write(
        `slots: ${counts.join(', ') || 'none'}; coverage ${percent(coverage) ?? 'unknown, for no slot counts'}\n`,
      );
      for (const { bucket, prefix, count } of foreign) {
        stdout.write(
          `foreign: ${count} object${count === 1 ? '' : 's'} in ${printable(bucket)} under ${printable(JSON.stringify(prefix))}\n`,
        );
      }
      if (rows.length === 0) stderr.write('No gap.\n');
      return;
    }
    default:
      format satisfies never;
  }
}

function record(gap: StreamGap) {
  return { ...gap, from: formatInstant(gap.from), to: formatInstant(gap.to) };
}

function isReadingError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && /^E[A-Z]+$/.test(error.code);
}
