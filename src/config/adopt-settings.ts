import { isMap, isSeq, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml';
import type { ConfigFields } from '../core/config-diff.ts';

/** A config that stands at the vendor and is not in the settings file. */
export interface AdoptableConfig extends Omit<ConfigFields, 'callback'> {
  domain: string;
  app: string;
  /** Becomes `forward`, so that whoever received the callbacks goes on receiving them. null: nobody did, or we do. */
  forward: string | null;
}

/** The settings text with the configs added under their domains. Comments and order stay. */
export function adoptConfigs(text: string, configs: readonly AdoptableConfig[]): string {
  const document = parseDocument(text);
  const domains = document.get('domains');
  for (const config of configs) {
    const domain = isSeq(domains)
      ? domains.items
          .filter((item): item is YAMLMap => isMap(item))
          .find((item) => String(item.get('domain')).toLowerCase() === config.domain.toLowerCase())
      : undefined;
    if (!domain) throw new Error(`The settings file has no domain ${config.domain}.`);
    if (!isSeq(domain.get('apps'))) domain.set('apps', document.createNode([]));
    const apps = domain.get('apps') as YAMLSeq;
    // `apps: []` is where many begin; what comes to stand in it is no longer one line.
    apps.flow = false;
    apps.add(
      document.createNode({
        app: config.app,
        interval: `${config.intervalSeconds}s`,
        bucket: config.bucket,
        endpoint: config.endpoint,
        ...(config.sequenceObject !== null && { sequenceObject: config.sequenceObject }),
        ...(config.overwriteObject !== null && { overwriteObject: config.overwriteObject }),
        ...(config.forward !== null && { forward: config.forward }),
      }),
    );
  }
  return document.toString({ lineWidth: 0 });
}
