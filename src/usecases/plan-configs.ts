import type { DesiredDomain, DomainPlan } from '../core/config-plan.ts';
import { type ConfigPorts, planOfLook, reconcileDomain } from './reconcile-configs.ts';
import { saveStates, saveUnknown } from './record-config-states.ts';
import { isRefusal, type PlanFailure, workOnDomains } from './work-on-domains.ts';

export interface ConfigPlan {
  domains: DomainPlan[];
  failures: PlanFailure[];
}

/** Streaming domains of the account that the settings do not name: they are left alone. */
export async function otherDomains(
  { live }: Pick<ConfigPorts, 'live'>,
  desired: readonly DesiredDomain[],
): Promise<{ domains: string[]; failure: string | null }> {
  const named = new Set(desired.map(({ domain }) => domain.toLowerCase()));
  try {
    const domains = await live.streamingDomains();
    return { domains: domains.filter((domain) => !named.has(domain.toLowerCase())), failure: null };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return { domains: [], failure: error.message };
  }
}

/** Desired (settings) against actual (vendor, all pages). Changes nothing at the vendor; what it saw is recorded. */
export async function planConfigs(ports: ConfigPorts, desired: readonly DesiredDomain[]): Promise<ConfigPlan> {
  const { results, failures } = await workOnDomains(ports.store, desired, async (domain) => {
    try {
      const look = await reconcileDomain(ports, domain);
      const plan = await planOfLook(ports, domain, look);
      await saveStates(ports, plan, look.lookedAt);
      return plan;
    } catch (error) {
      if (isRefusal(error)) await saveUnknown(ports, domain, ports.clock.now());
      throw error;
    }
  });
  return { domains: results, failures };
}
