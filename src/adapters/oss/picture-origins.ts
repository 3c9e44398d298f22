import { readOssEndpoint } from './oss-endpoint.ts';

interface PicturePlace {
  bucket: string;
  endpoint: string;
}

/** Where the pictures of these configs come from: the origins that a page must be allowed to load images from. */
export function pictureOrigins(configs: readonly PicturePlace[], override?: string | null): string[] {
  const origins = new Set<string>();
  for (const { bucket, endpoint } of configs) {
    const where = bucket === '' ? null : readOssEndpoint(endpoint, override);
    if (!where) continue;
    const url = new URL(where.url);
    if (!where.pathStyle) url.hostname = `${bucket}.${url.hostname}`;
    origins.add(url.origin);
  }
  return [...origins].sort();
}

export interface KnownPictureOrigins {
  /** Never waits. */
  origins(): readonly string[];
  /** Reads the stored versions anew; on failure the former ones stay. */
  refresh(): Promise<void>;
}

/**
 * The origins of the configs in the settings file and of every version that stood at the vendor: a bucket that somebody changed
 * to, or that was left, holds pictures too. What a callback names does not count, for a body is only a claim.
 */
export function knownPictureOrigins(
  configured: readonly PicturePlace[],
  stored: () => Promise<readonly PicturePlace[]>,
  override: string | null,
): KnownPictureOrigins {
  let known = pictureOrigins(configured, override);
  return {
    origins: () => known,
    async refresh() {
      known = pictureOrigins([...configured, ...(await stored())], override);
    },
  };
}
