import type { DesiredDomain } from '../core/config-plan.ts';
import { settingsDigest, withKeyOf } from '../core/settings-digest.ts';
import type { ConfigPorts } from './reconcile-configs.ts';

type NotePorts = Pick<ConfigPorts, 'store' | 'clock'>;

/** What these domains are asked to be is in force from now on: whoever was started with other settings heals nothing of them any more. */
export async function noteSettings({ store, clock }: NotePorts, desired: readonly DesiredDomain[]): Promise<void> {
  for (const domain of desired) await store.noteSettings(domain.domain, settingsDigest(domain), clock.now());
}

/** Its key is in force from now on; the rest of what these settings ask for was not applied with it. */
export async function noteKey({ store, clock }: NotePorts, desired: DesiredDomain): Promise<void> {
  if (desired.key === null) return;
  const inForce = await store.settingsInForce(desired.domain);
  const digest = inForce === null ? settingsDigest(desired) : withKeyOf(inForce, desired);
  await store.noteSettings(desired.domain, digest, clock.now());
}

/** Somebody noted other settings than these since; where nobody noted any, these are as good as in force. */
export async function isOutdated({ store }: Pick<ConfigPorts, 'store'>, desired: DesiredDomain): Promise<boolean> {
  const inForce = await store.settingsInForce(desired.domain);
  return inForce !== null && inForce !== settingsDigest(desired);
}
