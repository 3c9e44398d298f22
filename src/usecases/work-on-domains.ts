import type { DesiredDomain } from '../core/config-plan.ts';
import { type ConfigStore, CouldNotLookError, LiveApiError, SealedKeyError } from '../ports.ts';

/** A domain that could not be looked at: its state is unknown, and nothing is planned for it. */
export interface PlanFailure {
  domain: string;
  message: string;
}

/** Each holds a connection of its own for its lock. */
const DOMAINS_AT_ONCE = 4;

/**
 * Works on the domains, a few at a time and each under its lock: a look beside the changes of somebody else would take what stood before
 * them for a change of its own. What the vendor refuses for one domain keeps no other from its turn; nor does a fault of ours, which is
 * thrown at the end.
 */
export async function workOnDomains<T>(
  store: Pick<ConfigStore, 'withDomainLock'>,
  desired: readonly DesiredDomain[],
  work: (domain: DesiredDomain) => Promise<T>,
): Promise<{ results: T[]; failures: PlanFailure[] }> {
  const outcomes: PromiseSettledResult<T>[] = [];
  const queue = desired.entries();
  const workers = Array.from({ length: DOMAINS_AT_ONCE }, async () => {
    for (const [i, domain] of queue) {
      [outcomes[i]] = await Promise.allSettled([store.withDomainLock(domain.domain, () => work(domain))]);
    }
  });
  await Promise.all(workers);
  const results: T[] = [];
  const failures: PlanFailure[] = [];
  const faults: unknown[] = [];
  for (const [i, outcome] of outcomes.entries()) {
    if (outcome.status === 'fulfilled') results.push(outcome.value);
    else if (isRefusal(outcome.reason) || outcome.reason instanceof SealedKeyError)
      failures.push({ domain: desired[i]!.domain, message: outcome.reason.message });
    else faults.push(outcome.reason);
  }
  if (faults.length > 0) throw faults[0];
  return { results, failures };
}

/** The two errors that the Live API throws, each with a sentence for people; anything else is a fault of ours. */
export function isRefusal(error: unknown): error is CouldNotLookError | LiveApiError {
  return error instanceof CouldNotLookError || error instanceof LiveApiError;
}
