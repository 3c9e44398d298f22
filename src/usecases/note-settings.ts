import type { DesiredDomain } from '../core/config-plan.ts';
import { settingsDigest } from '../core/settings-digest.ts';
import type { ConfigPorts } from './reconcile-configs.ts';

type NotePorts = Pick<ConfigPorts, 'store' | 'clock'>;

/** What these domains are asked to be is in force from now on: whoever was started with other settings heals nothing of them any more. */
export async function noteSettings({ store, clock }: NotePorts, desired: readonly DesiredDomain[]): Promise<void> {
  for (const domain of desired) await store.noteSettings(domain.domain, settingsDigest(domain), clock.now());
}

/** Somebody noted other settings than these since; where nobody noted any, these are as good as in force. */
export async function isOutdated({ store }: Pick<ConfigPorts, 'store'>, desired: DesiredDomain): Promise<boolean> {
  const inForce = await store.settingsInForce(desired.domain);
  return inForce !== null && inForce !== settingsDigest(desired);
}
