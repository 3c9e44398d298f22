import { createHash } from 'node:crypto';
import { configFields } from './config-diff.ts';
import type { DesiredConfig, DesiredDomain } from './config-plan.ts';

const KEY_FROM = 64;

/**
 * Names all that healing would set for a domain, the same wherever two services would heal alike: 64 hex digits for the configs and URLs, then
 * 64 for the key. The mode is not in it, for it sets nothing, nor is the order of the apps. Of the key its digest alone is.
 */
export function settingsDigest(desired: DesiredDomain): string {
  const { domain, pushDomain, streamCallback, configs } = desired;
  const settings = {
    domain,
    configs: configs.map(healedFields).sort((a, b) => (a.app < b.app ? -1 : 1)),
    push: pushDomain === null ? null : { pushDomain, url: streamCallback },
  };
  return sha256(JSON.stringify(settings)) + keyDigest(desired);
}

/** The same settings with the key of `desired`. */
export function withKeyOf(digest: string, desired: Pick<DesiredDomain, 'key'>): string {
  return digest.slice(0, KEY_FROM) + keyDigest(desired);
}

function keyDigest({ key }: Pick<DesiredDomain, 'key'>): string {
  return sha256(key === null ? '' : key.digest());
}

function healedFields(config: DesiredConfig) {
  return { app: config.app, ...configFields(config), ignore: [...config.ignore].sort() };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
