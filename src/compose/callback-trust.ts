import type { Secrets } from '../config/env.ts';
import type { Settings } from '../config/settings.ts';
import type { CallbackKey } from '../core/callback-signature.ts';

type CallbackSecrets = Pick<Secrets, 'callbackKey' | 'callbackKeyPrevious'>;

/** The keys that a callback may be signed with, the current one first; none where none is set. */
export function callbackKeys({ callbackKey, callbackKeyPrevious }: CallbackSecrets): CallbackKey[] {
  const keys = [
    { name: 'current', secret: callbackKey },
    { name: 'previous', secret: callbackKeyPrevious },
  ] as const;
  return keys.flatMap(({ name, secret }) => (secret ? [{ name, secret }] : []));
}

/** What baselines are sealed with: the secrets of the same keys. */
export function sealingKeys(secrets: CallbackSecrets): string[] {
  return callbackKeys(secrets).map(({ secret }) => secret);
}

/** Push callbacks name the ingest domain, or the streaming domain where no ingest domain is bound; null for one that is not ours. */
export function streamingDomainOf({ domains }: Pick<Settings, 'domains'>): (pushDomain: string) => string | null {
  const known = new Map(domains.map(({ domain }) => [domain.toLowerCase(), domain]));
  for (const { domain, pushDomain } of domains) if (pushDomain) known.set(pushDomain.toLowerCase(), domain);
  return (pushDomain) => known.get(pushDomain.toLowerCase()) ?? null;
}
