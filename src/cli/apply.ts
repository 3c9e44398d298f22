import { Command } from 'commander';
import { subjectOf } from '../core/config-plan.ts';
import { type ApplyReport, applyPlan } from '../usecases/apply-plan.ts';
import { planConfigs } from '../usecases/plan-configs.ts';
import { confirmed } from './ask.ts';
import type { CommandContext } from './command-context.ts';
import type { ConfigHandle } from './config-handle.ts';
import { makeChanges } from './make-changes.ts';
import { chosenDomains } from './plan.ts';
import { printPlan, printReport } from './print-plan.ts';
import { collect } from './query-flags.ts';

export function applyCommand(context: CommandContext): Command {
  return new Command('apply')
    .description('Make the vendor’s configs what the settings file says, and point their callbacks at this service.')
    .option('--domain <name>', 'only this main streaming domain; may be given more than once', collect)
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      '\nShows the plan and asks. What stood before is remembered; restore puts it back. Streams on air go on as they are until\n' +
        'their ingest restarts. A service that was started with other settings heals nothing until it is restarted, and reports what\n' +
        'differs from its own only where for five minutes none with these has looked. Ends with 0 when all was done, 1 when you said\n' +
        'no, 2 where something could not be done.',
    )
    .action(async (flags: { domain?: string[]; yes?: boolean }) => {
      const handle = await context.openConfigControl();
      try {
        const desired = chosenDomains(handle, flags.domain);
        const plan = await planConfigs(handle.ports, desired);
        const changes = plan.domains.flatMap(({ steps }) => steps).length;
        printPlan(context, plan);
        if (plan.domains.length === 0 && plan.failures.length > 0) {
          context.stderr.write('Nothing was changed, for no domain could be looked at.\n');
          context.setExitCode(2);
          return;
        }
        if (changes === 0) {
          context.stderr.write('Nothing to change.\n');
        } else if (!flags.yes && !(await confirmed(context, `Make these changes (${changes} calls)?`))) {
          context.stderr.write('Nothing was changed.\n');
          context.setExitCode(1);
          return;
        }
        // Also where nothing changes: the configs are taken over by this, so that enforce mode keeps them so.
        const seen = new Set(plan.domains.map(({ domain }) => domain));
        const report = await makeChanges(context, handle, { action: 'apply', domains: seen }, (onStep) =>
          applyPlan(
            handle.ports,
            desired.filter(({ domain }) => seen.has(domain)),
            { shown: plan, onStep },
          ),
        );
        const exitCode = printReport(context, report);
        hintAtRunningServices(context, desired, report);
        context.setExitCode(plan.failures.length > 0 ? 2 : exitCode);
      } finally {
        await handle.close();
      }
    });
}

/** Settings are read when a service starts; in enforce mode it matters which. */
function hintAtRunningServices(
  context: CommandContext,
  desired: ConfigHandle['desired'],
  { done }: Pick<ApplyReport, 'done'>,
): void {
  const changed = new Set(done.map((step) => subjectOf(step).domain));
  const enforced = desired.filter(({ domain, mode }) => mode === 'enforce' && changed.has(domain));
  if (enforced.length === 0) return;
  const names = enforced.map(({ domain }) => domain).join(', ');
  context.stderr.write(
    `A running serve that was started with other settings only reports on ${names}; it heals again once it is restarted.\n`,
  );
}
