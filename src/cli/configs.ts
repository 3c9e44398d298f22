import { Command, Option } from 'commander';
import { shownValue } from '../core/config-diff.ts';
import type { ConfigVersion } from '../core/config-version.ts';
import { formatInstant } from '../core/instant.ts';
import type { StoredConfigState } from '../ports.ts';
import { type KeyStanding, keyStandings, planRotation, rotateKey } from '../usecases/rotate-key.ts';
import { confirmed } from './ask.ts';
import type { CommandContext } from './command-context.ts';
import type { ConfigHandle } from './config-handle.ts';
import { makeChanges } from './make-changes.ts';
import { chosenDomains } from './plan.ts';
import { describeStep, nameOfSubject, printFailures, printReport } from './print-plan.ts';
import { ago, shortTime } from './print-rows.ts';
import { collect } from './query-flags.ts';
import { renderTable, type TableColumn } from './table.ts';

interface ConfigFlags {
  domain?: string[];
  format: 'table' | 'json';
}

export function configsCommand(context: CommandContext): Command {
  const withFlags = (command: Command) =>
    command
      .option('--domain <name>', 'only this main streaming domain; may be given more than once', collect)
      .addOption(new Option('--format <format>', 'how to print').choices(['table', 'json']).default('table'));
  // `configs` itself takes the flags that its subcommands share, so both are asked.
  const work = async (of: Command, run: (handle: ConfigHandle, flags: ConfigFlags) => Promise<void>) => {
    const flags = of.optsWithGlobals<ConfigFlags>();
    const handle = await context.openConfigControl();
    try {
      await run({ ...handle, desired: chosenDomains(handle, flags.domain) }, flags);
    } finally {
      await handle.close();
    }
  };
  const command = withFlags(new Command('configs'))
    .description('The configs as the last look at the vendor found them, and since when they differ from the settings.')
    .addHelpText('after', '\nEnds with 1 where one differs from the settings or is not known.')
    .action((_: ConfigFlags, of: Command) => work(of, (handle, flags) => showStates(context, handle, flags)));
  command.addCommand(
    withFlags(new Command('history'))
      .description('Every version of every config that was seen or set, oldest first.')
      .action((_: ConfigFlags, of: Command) => work(of, (handle, flags) => showHistory(context, handle, flags))),
  );
  command.addCommand(
    withFlags(new Command('keys'))
      .description('Which callback key stands at the vendor, and whether the previous one may be forgotten.')
      .addHelpText('after', '\nEnds with 1 while the previous key is still needed.')
      .action((_: ConfigFlags, of: Command) => work(of, (handle, flags) => showKeys(context, handle, flags))),
  );
  command.addCommand(
    withFlags(new Command('rotate-key'))
      .description(
        'Set SNAPAUDIT_CALLBACK_KEY at the vendor; the old one stays accepted as SNAPAUDIT_CALLBACK_KEY_PREVIOUS.',
      )
      .option('--force', 'set it although the key in use is unknown here')
      .option('--yes', 'do not ask')
      .addHelpText(
        'after',
        '\nFirst restart every running serve with the new key and, as SNAPAUDIT_CALLBACK_KEY_PREVIOUS, the old one: it knows only the\n' +
          'keys that it was started with. Only where apply has taken over, and never a URL. Ends with 0 when all was done, 1 when you\n' +
          'said no, 2 where something could not be done.',
      )
      .action((options: RotateFlags, of: Command) =>
        work(of, (handle, flags) => rotate(context, handle, { ...flags, ...options })),
      ),
  );
  return command;
}

interface RotateFlags {
  force?: boolean;
  yes?: boolean;
}

const RESTART_FIRST =
  'A running serve knows only the keys that it was started with and rejects what is signed with another: restart each with the new key in\n' +
  'SNAPAUDIT_CALLBACK_KEY and the old one in SNAPAUDIT_CALLBACK_KEY_PREVIOUS before you go on.\n';
const ONLY_REPORTS =
  'A running serve that was started with another key or other settings only reports; it heals again once it is restarted.\n';

async function rotate(context: CommandContext, handle: ConfigHandle, flags: ConfigFlags & RotateFlags): Promise<void> {
  const { ports, desired, previousKey } = handle;
  const plan = await planRotation(ports, desired, previousKey, { force: flags.force ?? false });
  const steps = plan.domains.flatMap((domain) => domain.steps);
  printFailures(context, plan.failures);
  for (const step of steps) context.stdout.write(`${describeStep(step)}\n`);
  if (steps.length > 0) context.stderr.write(RESTART_FIRST);
  if (plan.domains.length === 0 && plan.failures.length > 0) {
    context.stderr.write('Nothing was changed, for no domain could be looked at.\n');
    context.setExitCode(2);
    return;
  }
  if (steps.length === 0) {
    context.stderr.write('Nothing to change: the key stands wherever apply has taken over.\n');
  } else if (!flags.yes && !(await confirmed(context, `Set the key (${steps.length} calls)?`))) {
    context.stderr.write('Nothing was changed.\n');
    context.setExitCode(1);
    return;
  }
  const seen = new Set(plan.domains.map(({ domain }) => domain));
  const report = await makeChanges(context, handle, { action: 'configs rotate-key', domains: seen }, (onStep) =>
    rotateKey(
      ports,
      desired.filter(({ domain }) => seen.has(domain)),
      { shown: plan, onStep },
    ),
  );
  const exitCode = printReport(context, report);
  if (report.done.length > 0) context.stderr.write(ONLY_REPORTS);
  if (exitCode === 0) await showKeys(context, handle, flags);
  // That the old key is still needed is no fault of the rotation.
  context.setExitCode(plan.failures.length > 0 ? 2 : exitCode);
}

const STATE_COLUMNS: TableColumn<StoredConfigState>[] = [
  { header: 'domain', value: (row) => row.domain },
  { header: 'config', value: (row) => nameOfSubject(row) },
  { header: 'state', value: (row) => row.state, keep: true },
  { header: 'since', value: (row) => shortTime(row.driftedSince ?? row.since), keep: 'whole' },
  { header: 'looked', value: (row) => ago(row.lookedAt) ?? 'never' },
  { header: 'differs in', value: (row) => row.differences.map(({ field }) => field).join(', ') },
  { header: 'healing', value: (row) => (row.stoppedAt === null ? '' : `stopped ${shortTime(row.stoppedAt)}`) },
];

async function showStates(
  context: CommandContext,
  { ports, desired }: ConfigHandle,
  flags: ConfigFlags,
): Promise<void> {
  const states = (await Promise.all(desired.map(({ domain }) => ports.store.states(domain)))).flat();
  if (flags.format === 'json') {
    const rows = states.map((state) => ({
      ...state,
      since: formatInstant(state.since),
      lookedAt: state.lookedAt === null ? null : formatInstant(state.lookedAt),
      driftedSince: state.driftedSince === null ? null : formatInstant(state.driftedSince),
      stoppedAt: state.stoppedAt === null ? null : formatInstant(state.stoppedAt),
    }));
    context.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  } else if (states.length === 0) context.stderr.write('Nobody looked yet: run plan, or start the service.\n');
  else context.stdout.write(renderTable(states, STATE_COLUMNS, context.stdout.columns));
  const isFine = ({ state }: StoredConfigState) => ['in_sync', 'pending_reingest', 'unmanaged'].includes(state);
  context.setExitCode(states.length > 0 && states.every(isFine) ? 0 : 1);
}

const VERSION_COLUMNS: TableColumn<ConfigVersion>[] = [
  { header: 'domain', value: (row) => row.domain },
  { header: 'app', value: (row) => row.app },
  { header: 'from', value: (row) => shortTime(row.validFrom), keep: 'whole' },
  { header: 'interval', value: (row) => (row.absent ? 'deleted' : `${row.intervalSeconds}s`), align: 'right' },
  { header: 'bucket', value: (row) => row.bucket },
  { header: 'sequence object', value: (row) => row.sequenceObject },
  { header: 'overwrite object', value: (row) => row.overwriteObject },
  { header: 'callback', value: (row) => shownValue('callback', row.callback) },
];

async function showHistory(
  context: CommandContext,
  { ports, desired }: ConfigHandle,
  flags: ConfigFlags,
): Promise<void> {
  const versions = (await Promise.all(desired.map(({ domain }) => ports.store.versions(domain)))).flat();
  if (flags.format === 'json') {
    const rows = versions.map((version) => ({
      ...version,
      validFrom: formatInstant(version.validFrom),
      callback: shownValue('callback', version.callback),
    }));
    context.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  } else if (versions.length === 0) context.stderr.write('No config was seen yet.\n');
  else context.stdout.write(renderTable(versions, VERSION_COLUMNS, context.stdout.columns));
}

const KEY_COLUMNS: TableColumn<KeyStanding>[] = [
  { header: 'domain', value: (row) => row.domain },
  { header: 'for', value: (row) => (row.kind === 'callback_auth' ? 'snapshot callbacks' : 'push callbacks') },
  { header: 'key at the vendor', value: (row) => row.vendorKey, keep: true },
  { header: 'since', value: (row) => shortTime(row.changedAt), keep: 'whole' },
  { header: 'sessions on the old key', value: (row) => row.oldSessions.length, align: 'right' },
  { header: 'previous key', value: (row) => (row.safeToForget ? 'may be forgotten' : 'still needed'), keep: true },
];

async function showKeys(context: CommandContext, handle: ConfigHandle, flags: ConfigFlags): Promise<void> {
  const { standings, failures } = await keyStandings(handle.ports, handle.desired, handle.previousKey);
  if (flags.format === 'json') {
    const rows = standings.map((row) => ({
      ...row,
      changedAt: row.changedAt === null ? null : formatInstant(row.changedAt),
      oldSessions: row.oldSessions.map((session) => ({ ...session, startedAt: formatInstant(session.startedAt) })),
    }));
    context.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  } else if (standings.length === 0) context.stderr.write('No callback key is set (SNAPAUDIT_CALLBACK_KEY).\n');
  else context.stdout.write(renderTable(standings, KEY_COLUMNS, context.stdout.columns));
  printFailures(context, failures);
  const allSafe = standings.every(({ safeToForget }) => safeToForget);
  // One key serves all domains: of some of them alone nothing follows for it.
  const isWhole = flags.domain === undefined && failures.length === 0;
  if (allSafe && isWhole && standings.length > 0) {
    context.stderr.write(
      'SNAPAUDIT_CALLBACK_KEY_PREVIOUS may be removed; allow a last minute for retries of sessions that just ended.\n',
    );
  }
  context.setExitCode(failures.length > 0 ? 2 : allSafe ? 0 : 1);
}
