import { Command } from 'commander';
import { coverage } from '../core/coverage.ts';
import { formatInstant, type Instant } from '../core/instant.ts';
import { BAD_VERDICTS, type SlotCounts } from '../core/verdict.ts';
import type { AuditOutcome } from '../usecases/audit-window.ts';
import type { AuditHandle } from './audit-handle.ts';
import type { CommandContext } from './command-context.ts';
import { csvLine, percent } from './print-rows.ts';
import { domainName, type Format, instant, span, type WindowFlags, withFormat } from './query-flags.ts';
import { printable, renderTable, type TableColumn } from './table.ts';

interface Flags extends WindowFlags {
  domain?: string;
  app?: string;
  stream?: string;
  backfill?: boolean;
  format: Format;
}

interface Row {
  domain: string;
  from: Instant;
  to: Instant;
  outcome: AuditOutcome;
  slots: SlotCounts;
  /** Why it could not look everywhere; null where it could. */
  error: string | null;
}

const FIELDS = [
  'domain',
  'from',
  'to',
  'streams',
  'keys',
  'captures',
  'restored',
  'listCalls',
  'headCalls',
  'indexCalls',
  'seconds',
  'coverage',
  'bad',
  'unknown',
  'error',
] as const;

const COLUMNS: TableColumn<Row>[] = [
  { header: 'domain', value: (row) => row.domain, keep: true },
  { header: 'streams', value: (row) => row.outcome.streams, align: 'right' },
  { header: 'keys', value: (row) => row.outcome.keys, align: 'right' },
  { header: 'captures', value: (row) => row.outcome.captures, align: 'right' },
  { header: 'list calls', value: (row) => row.outcome.listCalls, align: 'right' },
  { header: 'heads', value: (row) => row.outcome.headCalls, align: 'right' },
  { header: 'index calls', value: (row) => row.outcome.indexCalls, align: 'right' },
  { header: 'seconds', value: (row) => row.outcome.seconds.toFixed(1), align: 'right' },
  { header: 'coverage', value: (row) => percent(coverage(row.slots)), align: 'right', keep: true },
  { header: 'bad slots', value: (row) => badSlots(row.slots), align: 'right', keep: true },
  { header: 'unknown', value: (row) => row.slots.unknown, align: 'right', keep: true },
];

export function auditCommand(context: CommandContext): Command {
  const command = new Command('audit')
    .description('Audits now, instead of at the next turn: up to now, or a stretch of the past once more.')
    .option('--domain <name>', 'only this main streaming domain', domainName)
    .option('--app <name>', 'only this app')
    .option('--stream <name>', 'only this stream')
    .option('--from <time>', 'judge again from here on, e.g. 2026-11-24T02:00:00Z', instant)
    .option('--to <time>', 'up to here; never later than `settle` ago', instant)
    .option('--last <span>', 'instead of --from: the time up to now, e.g. 15m, 24h, 7d', span)
    .option('--backfill', "first restore what the vendor's index and OSS hold of the stretch (within a year)")
    .addHelpText(
      'after',
      '\nSlots are counted in whole hours: the window that is printed is the one that was counted.' +
        '\nEnds with 1 where slots are bad, with 2 where it could not look (their slots are unknown, not missing).' +
        '\n--backfill needs --from or --last.',
    );
  return withFormat(command).action(async (flags: Flags) => {
    const handle = await context.openAudit({
      onProgress: ({ domain, streamsDone, streams, keys }) =>
        context.stderr.write(`${domain}: ${streamsDone} of ${streams} streams, ${keys} keys\n`),
    });
    try {
      await runAudit(context, handle, flags);
    } finally {
      await handle.close();
    }
  });
}

async function runAudit(context: CommandContext, handle: AuditHandle, flags: Flags): Promise<void> {
  const { app = null, stream = null, format } = flags;
  const now = handle.clock.now();
  const from = flags.from ?? (flags.last === undefined ? null : now - flags.last);
  const settled = now - handle.settleSeconds * 1_000;
  const to = Math.min(flags.to ?? settled, settled);
  if (flags.backfill && from === null) throw new Error('--backfill needs --from or --last');
  if (from !== null && from >= to) throw new Error('--from must be before --to, and before `settle` ago');
  if (flags.domain && !handle.domains.includes(flags.domain)) {
    throw new Error(`the settings file has no domain ${flags.domain}; it has ${handle.domains.join(', ')}`);
  }
  const stopped = new AbortController();
  void context.untilStopped().then(() => stopped.abort());
  const rows: Row[] = [];
  const unasked = new Map((await handle.poll()).map(({ domain, error }) => [domain, error]));
  await handle.track();
  const domains = flags.domain ? [flags.domain] : handle.domains;
  // Nor is a name that was mistyped clean.
  if ((app ?? stream) !== null && unasked.size === 0) {
    const known = await Promise.all(domains.map((domain) => handle.streamIds({ domain, app, stream })));
    if (known.flat().length === 0) throw new Error('no such stream was ever seen; names are case-sensitive');
  }
  for (const domain of domains) {
    const scope = { domain, app, stream };
    if (from !== null && !flags.backfill)
      await handle.audits.markLate(await handle.streamIds(scope), from, 'asked-for');
    const outcome =
      flags.backfill && from !== null
        ? await handle.backfill.range({
            ...scope,
            from,
            to,
            signal: stopped.signal,
            onProgress: ({ streams, of, restored }) =>
              context.stderr.write(`${domain}: restored ${restored} captures, ${streams} of ${of} streams\n`),
          })
        : await handle.audit({ ...scope, ...(flags.to !== undefined && { to }), signal: stopped.signal });
    const window = wholeHours(from ?? outcome.from, to, settled);
    const slots = await handle.audits.slotsBetween(scope, window.from, window.to);
    // Streams that nobody knows of have no slots: without this, they would read as clean.
    const unaskedBecause = unasked.has(domain)
      ? `could not ask the vendor who is on air: ${sentenceOf(unasked.get(domain))}`
      : null;
    if (unaskedBecause !== null) context.stderr.write(`${domain}: ${printable(unaskedBecause)}\n`);
    if (outcome.error !== null) {
      const streams = `${outcome.failedStreams} ${outcome.failedStreams === 1 ? 'stream' : 'streams'}`;
      context.stderr.write(`${domain}: could not look everywhere (${streams}): ${printable(outcome.error)}\n`);
    }
    const errors = [unaskedBecause, outcome.error].filter((error) => error !== null);
    rows.push({ domain, ...window, outcome, slots, error: errors.length > 0 ? errors.join('; ') : null });
  }
  print(context, rows, format);
  const failed = rows.some(({ error }) => error !== null);
  const bad = rows.some(({ slots }) => badSlots(slots) > 0);
  context.setExitCode(failed ? 2 : bad ? 1 : 0);
}

const HOUR_MS = 3_600_000;

/** Slots are summed by the hour, so these are what is counted: whole ones, the last as far as it is settled. */
function wholeHours(from: Instant, to: Instant, settled: Instant): { from: Instant; to: Instant } {
  return {
    from: Math.floor(from / HOUR_MS) * HOUR_MS,
    to: Math.max(to, Math.min(Math.ceil(to / HOUR_MS) * HOUR_MS, settled)),
  };
}

function print(context: CommandContext, rows: readonly Row[], format: Format): void {
  if (format === 'table') {
    context.stdout.write(renderTable(rows, COLUMNS, context.stdout.columns));
    return;
  }
  const records = rows.map((row) => ({
    domain: row.domain,
    from: formatInstant(row.from),
    to: formatInstant(row.to),
    streams: row.outcome.streams,
    keys: row.outcome.keys,
    captures: row.outcome.captures,
    restored: row.outcome.restored,
    listCalls: row.outcome.listCalls,
    headCalls: row.outcome.headCalls,
    indexCalls: row.outcome.indexCalls,
    seconds: row.outcome.seconds,
    coverage: coverage(row.slots),
    bad: badSlots(row.slots),
    unknown: row.slots.unknown,
    error: row.error,
  }));
  if (format === 'json') context.stdout.write(`${JSON.stringify(records, null, 2)}\n`);
  else if (format === 'ndjson') for (const record of records) context.stdout.write(`${JSON.stringify(record)}\n`);
  else {
    context.stdout.write(csvLine(FIELDS));
    for (const record of records) context.stdout.write(csvLine(FIELDS.map((field) => record[field])));
  }
}

const sentenceOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

function badSlots(slots: SlotCounts): number {
  return BAD_VERDICTS.reduce((sum, verdict) => sum + slots[verdict], 0);
}
