import type { DesiredDomain, DomainPlan } from '../core/config-plan.ts';
import { CouldNotLookError, LiveApiError } from '../ports.ts';
import { type ConfigPorts, planOfLook, reconcileDomain } from './reconcile-configs.ts';

/** A domain that could not be looked at: its state is unknown, and nothing is planned for it. */
export interface PlanFailure {
  domain: string;
  message: string;
}

export interface ConfigPlan {
  domains: DomainPlan[];
  failures: PlanFailure[];
}

/** Desired (settings) against actual (vendor, all pages). Changes nothing at the vendor; what it saw is recorded. */
export async function planConfigs(ports: ConfigPorts, desired: readonly DesiredDomain[]): Promise<ConfigPlan> {
  const plan: ConfigPlan = { domains: [], failures: [] };
  const outcomes = await Promise.all(
    desired.map(async (domain) => {
      try {
        return await planOfLook(ports, domain, await reconcileDomain(ports, domain));
      } catch (error) {
        return { domain: domain.domain, message: messageOfRefusal(error) };
      }
    }),
  );
  for (const outcome of outcomes) {
    if ('steps' in outcome) plan.domains.push(outcome);
    else plan.failures.push(outcome);
  }
  return plan;
}

/** The sentence of the two errors that the Live API throws; anything else is a fault of ours and goes on. */
export function messageOfRefusal(error: unknown): string {
  if (error instanceof CouldNotLookError || error instanceof LiveApiError) return error.message;
  throw error;
}
