import type { PlanStep } from '../core/config-plan.ts';
import type { ApplyReport } from '../usecases/apply-plan.ts';
import { COMMAND_LINE } from './alerting-handle.ts';
import type { CommandContext } from './command-context.ts';
import type { ConfigHandle } from './config-handle.ts';
import { describeStep } from './print-plan.ts';

/** Makes changes at the vendor, says each when it is made, and writes them to the operator log, also where it breaks off midway. */
export async function makeChanges(
  context: CommandContext,
  { operatorLog }: Pick<ConfigHandle, 'operatorLog'>,
  { action, domains }: { action: string; domains: Iterable<string> },
  make: (onStep: (step: PlanStep) => void) => Promise<ApplyReport>,
): Promise<ApplyReport> {
  const done: string[] = [];
  const record = (problems: string[]) =>
    operatorLog.record({
      actor: COMMAND_LINE,
      action,
      target: [...domains].join(', '),
      detail: { done, problems },
      status: null,
      remoteAddress: null,
    });
  let report: ApplyReport;
  try {
    report = await make((step) => {
      done.push(describeStep(step));
      context.stderr.write(`done: ${describeStep(step)}\n`);
    });
  } catch (error) {
    // What the person must know is why it broke off.
    await record([error instanceof Error ? error.message : String(error)]).catch(() => {});
    throw error;
  }
  await record([...report.failed, ...report.failures].map(({ message }) => message));
  return report;
}
