/**
 * What a snapshot callback's body means, by the names it may use. The vendor's own body is not public
 * (reference/live-api.md 1.2), so every plausible spelling is accepted; the list is data, and the settings file extends it.
 */
export const MEANINGS = ['domain', 'app', 'stream', 'bucket', 'endpoint', 'object', 'capturedAt', 'overlay'] as const;
export type Meaning = (typeof MEANINGS)[number];

/** For each meaning the names to try, in order. */
export type AliasTable = Readonly<Record<Meaning, readonly string[]>>;

export const VENDOR_ALIASES: AliasTable = {
  domain: ['DomainName', 'domain', 'domain_name'],
  app: ['AppName', 'app', 'app_name', 'appname'],
  stream: ['StreamName', 'stream', 'stream_name', 'id'],
  bucket: ['OssBucket', 'oss_bucket', 'bucket'],
  endpoint: ['OssEndpoint', 'oss_endpoint', 'endpoint'],
  object: ['OssObject', 'oss_object', 'object', 'uri'],
  capturedAt: ['CreateTimestamp', 'create_timestamp', 'timestamp', 'time', 'CreateTime', 'create_time'],
  overlay: ['IsOverlay', 'is_overlay'],
};

function isMeaning(name: string): name is Meaning {
  return (MEANINGS as readonly string[]).includes(name);
}

/** The vendor's table with the settings file's own names behind it. Throws on a meaning that does not exist. */
export function extendAliases(further: Readonly<Record<string, readonly string[]>>): AliasTable {
  const table: Record<Meaning, readonly string[]> = { ...VENDOR_ALIASES };
  for (const [meaning, names] of Object.entries(further)) {
    if (!isMeaning(meaning)) {
      throw new Error(`callbacks.aliases: there is no "${meaning}"; it is one of ${MEANINGS.join(', ')}`);
    }
    table[meaning] = [...new Set([...table[meaning], ...names])];
  }
  return table;
}
