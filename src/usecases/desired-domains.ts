import type { Settings } from '../config/settings.ts';
import type { DesiredDomain } from '../core/config-plan.ts';
import { SecretText } from '../core/secret-text.ts';

export const SNAPSHOT_CALLBACK_PATH = '/callbacks/snapshot';
const STREAM_CALLBACK_PATH = '/callbacks/stream';

/** What the settings file asks of the vendor, with our callback URLs and key put in. `publicUrl` has no trailing slash. */
export function desiredDomains(
  settings: Pick<Settings, 'domains'>,
  ours: { publicUrl: string; callbackKey: string | null },
): DesiredDomain[] {
  const key = ours.callbackKey === null ? null : new SecretText(ours.callbackKey);
  return settings.domains.map(({ domain, pushDomain, mode, apps }) => ({
    domain,
    pushDomain: pushDomain ?? null,
    mode,
    key,
    streamCallback: `${ours.publicUrl}${STREAM_CALLBACK_PATH}`,
    configs: apps.map((app) => ({
      domain,
      app: app.app,
      intervalSeconds: app.intervalSeconds,
      bucket: app.bucket,
      endpoint: app.endpoint,
      sequenceObject: app.sequenceObject,
      overwriteObject: app.overwriteObject,
      callback: `${ours.publicUrl}${SNAPSHOT_CALLBACK_PATH}`,
      ignore: app.ignore,
    })),
  }));
}
