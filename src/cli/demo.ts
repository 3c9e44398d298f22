import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import type { CommandContext } from './command-context.ts';
import type { DemoHandle, Observed } from './demo-handle.ts';
import { type Finding, isClean, type Matched, matchFindings } from './match-findings.ts';
import { renderTable } from './table.ts';

/** After the last picture: settle, an audit, and the look back that follows when the heartbeats of an outage are all there. */
const PATIENCE_MS = 75_000;
/** What is found must stay found, and nothing else come up, for so long. */
const STEADY_MS = 6_000;
const LOOK_EVERY_MS = 1_500;

export function demoCommand(context: CommandContext): Command {
  return new Command('demo')
    .description('See it at work without a cloud account: streams, injected faults, and what the audit makes of them.')
    .option('--once', 'play a fixed scenario with every fault, print how each was found, and end (2 to 3 minutes)')
    .addHelpText(
      'after',
      '\nStarts the stand-in for the vendor and the whole service in this process, with a database of its own (embedded PostgreSQL;\n' +
        'DATABASE_URL is left alone), on loopback only. Nothing is left running. Ctrl-C ends it.\n' +
        '--once ends with 0 when every fault happened and was found, and nothing else was reported, else with 1.',
    )
    .action(async (flags: { once?: boolean }) => {
      const progress = (message: string) => void context.stderr.write(`${message}\n`);
      const stopped = context.untilStopped().then(() => 'stopped' as const);
      const starting = context.createDemo({ once: flags.once ?? false, onProgress: progress });
      const demo = await starting;
      try {
        progress(`the service listens on ${demo.url} (API: ${demo.url}/api/v1/gaps?last=1h)`);
        progress(`${demo.streams} streams publish, captured every ${demo.intervalSeconds} s`);
        if (flags.once) await playOnce(context, demo, stopped);
        else await tellMinutes(context, demo, stopped);
      } finally {
        progress('stopping');
        await demo.close();
      }
    });
}

async function playOnce(context: CommandContext, demo: DemoHandle, stopped: Promise<'stopped'>): Promise<void> {
  const playing = demo.played().then(() => 'played' as const);
  let announced = 0;
  const waiting = new AbortController();
  try {
    for (;;) {
      const pause = sleep(2_000, 'goes on' as const, { signal: waiting.signal });
      const now = await Promise.race([playing, stopped, pause]);
      for (const fault of demo.injected().slice(announced)) {
        context.stderr.write(`injected ${fault.fault} ${fault.app ? `in ${fault.app}/${fault.stream}` : ''}\n`);
        announced += 1;
      }
      if (now === 'stopped') return context.setExitCode(1);
      if (now === 'played') break;
    }
  } finally {
    waiting.abort();
  }
  context.stderr.write('all played; waiting for the audit to settle\n');
  const outcome = await settle(demo, stopped);
  if (outcome === null) return context.setExitCode(1);
  printOutcome(context, outcome);
}

/** Looks until everything is found and stays so; else what stands at the end of our patience. Null where it was stopped. */
async function settle(demo: DemoHandle, stopped: Promise<'stopped'>): Promise<Matched | null> {
  const deadline = Date.now() + PATIENCE_MS;
  const playedUntil = demo.playsUntil ?? 0;
  let steadySince: number | null = null;
  for (;;) {
    const observed = await demo.observe();
    const matched = matchFindings(demo.injected(), demo.notInjected(), demo.troubled(), observed, demo);
    const audited = auditedPast(observed, playedUntil);
    if (!audited || !isClean(matched)) steadySince = null;
    else steadySince ??= Date.now();
    if (steadySince !== null && Date.now() - steadySince >= STEADY_MS) return matched;
    if (Date.now() > deadline) return matched;
    const waiting = new AbortController();
    const now = await Promise.race([stopped, sleep(LOOK_EVERY_MS, 'goes on' as const, { signal: waiting.signal })]);
    waiting.abort();
    if (now === 'stopped') return null;
  }
}

function auditedPast({ audits }: Observed, at: number): boolean {
  return audits.some(({ to, status, error }) => to >= at && status === 'done' && error === null);
}

function printOutcome(context: CommandContext, { findings, falseAlarms, explained }: Matched): void {
  const columns = [
    { header: 'INJECTED', value: (row: Finding) => row.injected, keep: true },
    {
      header: 'FOUND AS',
      value: (row: Finding) => row.foundAs ?? (row.happened ? 'NOT FOUND' : 'NOT INJECTED'),
      keep: true,
    },
    { header: 'CAUSE', value: (row: Finding) => row.cause },
    { header: 'WHERE', value: (row: Finding) => row.where },
  ];
  context.stdout.write(renderTable(findings, columns, context.stdout.isTTY ? context.stdout.columns : undefined));
  for (const alarm of falseAlarms) context.stdout.write(`false alarm: ${alarm}\n`);
  if (explained > 0) {
    context.stderr.write(
      `${explained} slots are bad in truth without being injected: this machine was too slow to deliver their callbacks in time\n`,
    );
  }
  const found = findings.filter(({ foundAs }) => foundAs !== null).length;
  context.stdout.write(`${found} of ${findings.length} faults found, ${falseAlarms.length} false alarms\n`);
  context.setExitCode(isClean({ findings, falseAlarms }) ? 0 : 1);
}

async function tellMinutes(context: CommandContext, demo: DemoHandle, stopped: Promise<'stopped'>): Promise<void> {
  context.stderr.write(
    'every fault comes once within two minutes, then one every quarter of a minute; the audit names it half a minute later\n',
  );
  for (;;) {
    const waiting = new AbortController();
    const now = await Promise.race([stopped, sleep(60_000, 'goes on' as const, { signal: waiting.signal })]);
    waiting.abort();
    if (now === 'stopped') return;
    const { captures, callbacksDelivered } = demo.counts();
    const { gaps, coverage, now: at } = await demo.observe();
    const [latest] = gaps;
    context.stdout.write(
      `${new Date(at).toISOString().slice(11, 19)}  captures ${captures}  callbacks ${callbacksDelivered}  faults injected ` +
        `${demo.injected().length}  gaps ${gaps.length}  coverage ${coverage === null ? '-' : `${(coverage * 100).toFixed(1)} %`}` +
        `${latest ? `  latest ${latest.app}/${latest.stream} ${latest.verdict} (${latest.cause ?? '-'})` : ''}\n`,
    );
  }
}
