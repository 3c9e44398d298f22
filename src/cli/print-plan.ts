import type { FieldDifference } from '../core/config-diff.ts';
import { type PlanEntry, type PlanStep, subjectOf } from '../core/config-plan.ts';
import { shownUrl } from '../core/shown-url.ts';
import type { ApplyReport } from '../usecases/apply-plan.ts';
import { changesOf } from '../usecases/control-configs.ts';
import type { ConfigPlan } from '../usecases/plan-configs.ts';
import type { CommandContext } from './command-context.ts';
import { shortTime } from './print-rows.ts';
import { printable, renderTable, type TableColumn } from './table.ts';

interface PlanRow {
  domain: string;
  what: string;
  state: string;
  difference: FieldDifference | null;
  note: string;
}

const NOT_OURS = 'not in the settings, left alone';

const COLUMNS: TableColumn<PlanRow>[] = [
  { header: 'domain', value: (row) => row.domain },
  { header: 'config', value: (row) => row.what },
  { header: 'state', value: (row) => row.state, keep: true },
  { header: 'field', value: (row) => row.difference?.field ?? '' },
  { header: 'at the vendor', value: (row) => (row.difference ? (row.difference.actual ?? 'not set') : '') },
  { header: 'in the settings', value: (row) => (row.difference ? (row.difference.desired ?? 'not set') : row.note) },
];

export function nameOfSubject({ kind, app }: { kind: PlanEntry['kind']; app: string | null }): string {
  switch (kind) {
    case 'config':
      return app ?? '';
    case 'callback_auth':
      return '(callback key)';
    case 'push_notify':
      return '(push callback)';
    default:
      throw new Error(`unknown subject ${String(kind satisfies never)}`);
  }
}

function rowsOf(entry: PlanEntry): PlanRow[] {
  const row = {
    domain: entry.domain,
    what: nameOfSubject(entry),
    state: entry.state as string,
    difference: null,
    note: '',
  };
  if (entry.state === 'pending_reingest') {
    return entry.pending.map(({ app, stream, startedAt, versionFrom }) => ({
      ...row,
      note: `${app}/${stream}, on air since ${shortTime(startedAt)}, runs on ${versionFrom === null ? 'no config' : `the version of ${shortTime(versionFrom)}`}`,
    }));
  }
  if (entry.differences.length > 0) return entry.differences.map((difference) => ({ ...row, difference }));
  return [{ ...row, note: entry.state === 'unmanaged' ? NOT_OURS : '' }];
}

/**
 * The plan as a table, with what could not be looked at and what is odd after it. `otherDomains`: those of the account that the
 * settings do not name.
 */
export function printPlan(context: CommandContext, plan: ConfigPlan, otherDomains: readonly string[] = []): void {
  const rows = plan.domains.flatMap(({ entries }) => entries.flatMap(rowsOf));
  const unknown = plan.failures.map(({ domain }) => ({
    domain,
    what: '',
    state: 'unknown',
    difference: null,
    note: '',
  }));
  const others = otherDomains.map((domain) => ({
    domain,
    what: '',
    state: 'unmanaged',
    difference: null,
    note: NOT_OURS,
  }));
  context.stdout.write(renderTable([...rows, ...unknown, ...others], COLUMNS, context.stdout.columns));
  for (const { warnings } of plan.domains)
    for (const { detail } of warnings) context.stderr.write(`warning: ${printable(detail)}\n`);
  printFailures(context, plan.failures);
}

export function printFailures(context: CommandContext, failures: readonly { message: string }[]): void {
  for (const { message } of failures) context.stderr.write(`error: ${printable(message)}\n`);
}

/** One line a step, for the question and for progress. */
export function describeStep(step: PlanStep): string {
  const { domain } = step;
  const what = nameOfSubject(subjectOf(step));
  switch (step.kind) {
    case 'add_config':
      return `add the config of ${domain}/${what}`;
    case 'update_config':
      return `update ${domain}/${what}: ${Object.keys(step.change).join(', ')}`;
    case 'delete_config':
      return `delete the config of ${domain}/${what}`;
    case 'set_callback_auth':
      return `set the callback key of ${domain}`;
    case 'delete_callback_auth':
      return `remove the callback key of ${domain}`;
    case 'set_push_notify':
      return step.notify.url === null
        ? `remove the push callback of ${step.pushDomain}`
        : `set the push callback of ${step.pushDomain} to ${printable(shownUrl(step.notify.url))}`;
    default:
      throw new Error(`unknown step ${JSON.stringify(step satisfies never)}`);
  }
}

/** The step with the values that it sets, a line each; of a key only whether there is one. */
export function describeWhole(step: PlanStep): string[] {
  return [describeStep(step), ...changesOf(step).map(({ field, to }) => `  ${field}: ${printable(to ?? 'not set')}`)];
}

/** What was done and what was not; gives back the exit code. */
export function printReport(context: CommandContext, report: ApplyReport): 0 | 2 {
  context.stderr.write(`${report.done.length} ${report.done.length === 1 ? 'change' : 'changes'} made.\n`);
  printFailures(context, [...report.failed, ...report.failures]);
  return report.failed.length + report.failures.length > 0 ? 2 : 0;
}
