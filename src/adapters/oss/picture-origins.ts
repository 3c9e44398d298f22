import { readOssEndpoint } from './oss-endpoint.ts';

/** Where the pictures of these configs come from: the origins that a page must be allowed to load images from. */
export function pictureOrigins(
  configs: readonly { bucket: string; endpoint: string }[],
  override?: string | null,
): string[] {
  const origins = new Set<string>();
  for (const { bucket, endpoint } of configs) {
    const where = readOssEndpoint(endpoint, override);
    if (!where) continue;
    const url = new URL(where.url);
    if (!where.pathStyle) url.hostname = `${bucket}.${url.hostname}`;
    origins.add(url.origin);
  }
  return [...origins].sort();
}
