import { isIP } from 'node:net';

/** Where a bucket is reached and which region signs for it. */
export interface OssEndpoint {
  /** For the V4 signature, without `oss-`: `cn-shanghai`. */
  region: string;
  /** With scheme, e.g. `https://oss-cn-shanghai-internal.aliyuncs.com`. */
  url: string;
  /** `/bucket/key` instead of a host per bucket; real OSS refuses it, stand-ins need it. */
  pathStyle: boolean;
}

// Public, internal (`-internal`) and dual-stack (`cn-hangzhou.oss.aliyuncs.com`) hosts, and the bare region.
const VENDOR_HOST = /^(?:oss-)?([a-z]{2}-[a-z0-9-]+?)(-internal)?(?:(\.oss)?\.aliyuncs\.com)?$/;

/**
 * Reads the OssEndpoint of a snapshot config; null where it names no region (an accelerate host, a custom domain, a host
 * that begins with the bucket). `override` (SNAPAUDIT_OSS_ENDPOINT) replaces the address; the region stays the config's.
 */
export function readOssEndpoint(endpoint: string, override?: string | null): OssEndpoint | null {
  const host = endpoint
    .trim()
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/\/.*$/, '');
  const match = VENDOR_HOST.exec(host);
  const region = match?.[1];
  if (!match || region === undefined) return null;
  if (override) return { region, ...readOverride(override) };
  const vendorHost = match[3] === undefined ? `oss-${region}${match[2] ?? ''}.aliyuncs.com` : host;
  return { region, url: `https://${vendorHost}`, pathStyle: false };
}

/**
 * `ali-oss` treats an IP host in its own way: it forges the Host header and leaves the bucket out of signed URLs. Loopback
 * is therefore called by its name; any other IP goes without path style.
 */
function readOverride(override: string): { url: string; pathStyle: boolean } {
  const url = new URL(/^https?:\/\//.test(override) ? override : `https://${override}`);
  if (/^127\./.test(url.hostname) || url.hostname === '[::1]') url.hostname = 'localhost';
  return { url: url.origin, pathStyle: isIP(url.hostname) === 0 };
}
