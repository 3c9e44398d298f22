import type { CommandContext } from './command-context.ts';
import type { ScopeFlags } from './query-flags.ts';
import { printable } from './table.ts';

/** Says on stderr which domains were asked for that neither the settings nor `seen` know: an empty answer is not clean then. */
export async function warnOfUnknownDomains(
  context: CommandContext,
  { domain: asked }: ScopeFlags,
  seen: () => Promise<{ domain: string }[]>,
): Promise<void> {
  if (asked === undefined) return;
  const known = new Set((await seen()).map(({ domain }) => domain));
  const unseen = [...new Set(asked)].filter((domain) => !known.has(domain));
  if (unseen.length === 0) return;
  // Questions are answered without a settings file too.
  const settings = await context.loadSettings().catch(() => null);
  for (const domain of unseen) {
    if (settings?.domains.some((each) => each.domain === domain)) continue;
    context.stderr.write(`warning: no stream of ${printable(domain)} was ever seen\n`);
  }
}
