import type { DesiredDomain, DomainPlan } from '../core/config-plan.ts';
import { type ConfigPorts, planOfLook, reconcileDomain } from './reconcile-configs.ts';
import { type PlanFailure, workOnDomains } from './work-on-domains.ts';

export interface ConfigPlan {
  domains: DomainPlan[];
  failures: PlanFailure[];
}

/** Desired (settings) against actual (vendor, all pages). Changes nothing at the vendor; what it saw is recorded. */
export async function planConfigs(ports: ConfigPorts, desired: readonly DesiredDomain[]): Promise<ConfigPlan> {
  const { results, failures } = await workOnDomains(ports.store, desired, async (domain) =>
    planOfLook(ports, domain, await reconcileDomain(ports, domain)),
  );
  return { domains: results, failures };
}
