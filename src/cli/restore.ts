import { Command } from 'commander';
import { planRestoreConfigs, restorableDomains, restoreConfigs } from '../usecases/restore-configs.ts';
import { confirmed } from './ask.ts';
import type { CommandContext } from './command-context.ts';
import { makeChanges } from './make-changes.ts';
import { chosenDomains } from './plan.ts';
import { describeWhole, printFailures, printReport } from './print-plan.ts';
import { collect } from './query-flags.ts';

export function restoreCommand(context: CommandContext): Command {
  return new Command('restore')
    .description('Put back at the vendor what stood before the first apply.')
    .option('--domain <name>', 'only this main streaming domain; may be given more than once', collect)
    .option(
      '--callbacks-only',
      'put back callback URLs and keys; leave intervals, buckets and names, and delete no config',
    )
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      '\nAlso for domains that have left the settings file. After --callbacks-only the rest is still remembered. Ends with 0 when all was put back, 1 when you said no, 2 where something could not be done.',
    )
    .action(async (flags: { domain?: string[]; callbacksOnly?: boolean; yes?: boolean }) => {
      const handle = await context.openConfigControl();
      try {
        const restorable = await restorableDomains(handle.ports.store, handle.desired);
        const desired = chosenDomains({ desired: restorable }, flags.domain);
        const scope = flags.callbacksOnly ? 'callbacks' : 'everything';
        const plan = await planRestoreConfigs(handle.ports, desired, scope);
        printFailures(context, plan.failures);
        const steps = plan.domains.flatMap((domain) => domain.steps);
        for (const step of steps) for (const line of describeWhole(step)) context.stdout.write(`${line}\n`);
        if (plan.domains.every(({ remembered }) => remembered === 0)) {
          context.stderr.write(
            plan.failures.length > 0
              ? 'Nothing was changed: some domains could not be looked at, and of the others nothing is remembered.\n'
              : 'Nothing is remembered: these domains were never taken over, or were restored already.\n',
          );
          context.setExitCode(plan.failures.length > 0 ? 2 : 0);
          return;
        }
        if (steps.length > 0 && !flags.yes && !(await confirmed(context, `Put this back (${steps.length} calls)?`))) {
          context.stderr.write('Nothing was changed.\n');
          context.setExitCode(1);
          return;
        }
        const seen = new Set(plan.domains.map(({ domain }) => domain));
        const report = await makeChanges(context, handle, { action: 'restore', domains: seen }, (onStep) =>
          restoreConfigs(
            handle.ports,
            desired.filter(({ domain }) => seen.has(domain)),
            { scope, shown: plan, onStep },
          ),
        );
        const exitCode = printReport(context, report);
        context.setExitCode(plan.failures.length > 0 ? 2 : exitCode);
      } finally {
        await handle.close();
      }
    });
}
