import { readFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { adoptConfigs } from '../config/adopt-settings.ts';
import { parseSettings } from '../config/load-settings.ts';
import { replaceText } from '../config/replace-text.ts';
import { shownValue } from '../core/config-diff.ts';
import { formatInstant } from '../core/instant.ts';
import { shownUrl } from '../core/shown-url.ts';
import { SNAPSHOT_CALLBACK_PATH } from '../usecases/desired-domains.ts';
import { otherDomains, planConfigs } from '../usecases/plan-configs.ts';
import type { CommandContext } from './command-context.ts';
import type { ConfigHandle } from './config-handle.ts';
import { printPlan } from './print-plan.ts';
import { collect } from './query-flags.ts';

interface PlanFlags {
  domain?: string[];
  format: 'table' | 'json';
  adopt?: boolean;
}

export function planCommand(context: CommandContext): Command {
  return new Command('plan')
    .description('Compare the settings file with what the vendor has, field by field. Changes nothing at the vendor.')
    .option('--domain <name>', 'only this main streaming domain; may be given more than once', collect)
    .addOption(new Option('--format <format>', 'how to print').choices(['table', 'json']).default('table'))
    .option('--adopt', 'write settings for configs that exist at the vendor and are not in the settings file')
    .addHelpText(
      'after',
      '\nConfigs and domains that are not in the settings are listed and never touched. Ends with 0 where all is as the settings say, 1 where apply would change something, 2 on errors.',
    )
    .action(async (flags: PlanFlags) => {
      const handle = await context.openConfigControl();
      try {
        const desired = chosenDomains(handle, flags.domain);
        const plan = await planConfigs(handle.ports, desired);
        const others = flags.domain ? { domains: [], failure: null } : await otherDomains(handle.ports, desired);
        if (flags.format === 'json') {
          context.stdout.write(`${JSON.stringify({ ...plan, otherDomains: others.domains }, written, 2)}\n`);
        } else printPlan(context, plan, others.domains);
        if (others.failure !== null) {
          context.stderr.write(`warning: the account’s other domains could not be listed. ${others.failure}\n`);
        }
        if (flags.adopt) await adopt(context, handle, plan);
        const changes = plan.domains.some(({ steps }) => steps.length > 0);
        context.setExitCode(plan.failures.length > 0 ? 2 : changes ? 1 : 0);
      } finally {
        await handle.close();
      }
    });
}

/** Instants go out as RFC 3339, URLs as they are shown. */
function written(name: string, value: unknown): unknown {
  return (name === 'startedAt' || name === 'versionFrom') && typeof value === 'number'
    ? formatInstant(value)
    : shownValue(name, value);
}

/** The domains asked for, all where none is named; a name that the settings do not know is a mistake. */
export function chosenDomains(
  { desired }: Pick<ConfigHandle, 'desired'>,
  names: readonly string[] | undefined,
): ConfigHandle['desired'] {
  if (names === undefined) return desired;
  const unknown = names.filter((name) => !desired.some(({ domain }) => domain === name));
  if (unknown.length > 0) throw new Error(`The settings file has no domain ${unknown.join(', ')}.`);
  return desired.filter(({ domain }) => names.includes(domain));
}

async function adopt(
  context: CommandContext,
  handle: ConfigHandle,
  plan: Awaited<ReturnType<typeof planConfigs>>,
): Promise<void> {
  const unmanaged = plan.domains.flatMap(({ entries }) => entries.filter(({ state }) => state === 'unmanaged'));
  if (unmanaged.length === 0) {
    context.stderr.write('There is nothing to adopt.\n');
    return;
  }
  const configs = [];
  for (const domain of new Set(unmanaged.map((entry) => entry.domain))) {
    const apps = unmanaged.filter((entry) => entry.domain === domain).map(({ app }) => app);
    for (const config of await handle.ports.live.snapshotConfigs(domain)) {
      if (!apps.includes(config.app)) continue;
      const isOurs = config.callback?.startsWith(`${handle.publicUrl}/`) ?? true;
      configs.push({ ...config, forward: isOurs ? null : config.callback });
      if (!isOurs && config.callback?.endsWith(SNAPSHOT_CALLBACK_PATH)) {
        context.stderr.write(
          `warning: the callback of ${domain}/${config.app} leads to a Snapaudit (${shownUrl(config.callback)}). If that is this one under an older address, remove its forward.\n`,
        );
      }
    }
  }
  const text = adoptConfigs(await readFile(handle.settingsFile, 'utf8'), configs);
  // What stands at the vendor may break a rule of the settings, and the service would not start with it.
  parseSettings(text, `${handle.settingsFile} with what was to be adopted (nothing was written)`);
  await replaceText(handle.settingsFile, text);
  context.stderr.write(
    `${configs.length} configs were written to ${handle.settingsFile}. Read them, then run plan again.\n`,
  );
}
