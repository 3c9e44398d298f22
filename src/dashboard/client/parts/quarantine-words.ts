import type { NamedReason } from '../../../core/quarantine-reason.ts';
import type { Dictionary } from '../words/en.ts';

/** The closed list of reasons has words; what the database's own code says is shown as it came. */
export function reasonWord(reason: string, words: Dictionary): string {
  return Object.hasOwn(words.quarantineReasons, reason) ? words.quarantineReasons[reason as NamedReason] : reason;
}

/** What became of a request: `stored`, `dropped`, or `still-<reason>` after a retry that did not help. */
export function outcomeWord(outcome: string, words: Dictionary): string {
  const { stored, dropped, still } = words.quarantineOutcomes;
  if (outcome === 'stored') return stored;
  if (outcome === 'dropped') return dropped;
  return outcome.startsWith('still-') ? still(reasonWord(outcome.slice('still-'.length), words)) : outcome;
}
