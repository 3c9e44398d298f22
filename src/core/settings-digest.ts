import { createHash } from 'node:crypto';
import { configFields } from './config-diff.ts';
import type { DesiredConfig, DesiredDomain } from './config-plan.ts';

/**
 * Names all that healing would set for a domain: 64 hex digits of SHA-256, the same wherever two services would heal alike. The mode is not
 * in it, for it sets nothing, nor is the order of the apps. Of the key its digest alone is.
 */
export function settingsDigest({ domain, pushDomain, key, streamCallback, configs }: DesiredDomain): string {
  const settings = {
    domain,
    configs: configs.map(healedFields).sort((a, b) => (a.app < b.app ? -1 : 1)),
    callbackKey: key === null ? null : key.digest(),
    push: pushDomain === null ? null : { pushDomain, url: streamCallback },
  };
  return createHash('sha256').update(JSON.stringify(settings)).digest('hex');
}

function healedFields(config: DesiredConfig) {
  return { app: config.app, ...configFields(config), ignore: [...config.ignore].sort() };
}
