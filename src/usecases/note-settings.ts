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
  const digest = inForce === null ? settingsDigest(desired) : withKeyOf(inForce.digest, desired);
  await store.noteSettings(desired.domain, digest, clock.now());
}

/** So long others are left to watch before a service with other settings speaks for them. */
const WATCHED_FOR_MS = 300_000;

/**
 * in_force: these settings were noted last; where nobody noted any, these are as good as in force. outdated: others were noted since.
 * stood_in_for: others were, and who was started with those is there, or has a while to be started.
 */
export type SettingsStanding = 'in_force' | 'outdated' | 'stood_in_for';

/** How the settings of a service that watches stand to those that were noted last. Says that it is there where they are the same. */
export async function standingOfWatch({ store, clock }: NotePorts, desired: DesiredDomain): Promise<SettingsStanding> {
  const inForce = await store.settingsInForce(desired.domain);
  const digest = settingsDigest(desired);
  if (inForce === null) return 'in_force';
  if (inForce.digest !== digest) {
    return clock.now() - inForce.notedAt < WATCHED_FOR_MS ? 'stood_in_for' : 'outdated';
  }
  await store.noteWatch(desired.domain, digest, clock.now());
  return 'in_force';
}
