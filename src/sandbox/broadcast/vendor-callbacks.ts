import { createHash } from 'node:crypto';
import type { CallbackRequest } from './deliver.ts';

/** `md5(domain|timestamp|key)`; for snapshots the URL's host, for push callbacks the ingest domain (reference/live-api.md, 2.1). */
function signatureHeaders(domain: string, nowMs: number, key: string | null): Record<string, string> {
  if (key === null) return {};
  const timestamp = String(Math.floor(nowMs / 1_000));
  const signature = createHash('md5').update(`${domain}|${timestamp}|${key}`).digest('hex');
  return { 'ALI-LIVE-TIMESTAMP': timestamp, 'ALI-LIVE-SIGNATURE': signature };
}

export interface SnapshotNotice {
  domain: string;
  app: string;
  stream: string;
  endpoint: string;
  bucket: string;
  object: string;
  /** Overwrite mode: the object takes the place of the former one. */
  overlay: boolean;
  capturedAtMs: number;
}

/**
 * How the body spells its fields. The vendor's is not public; these are the plausible forms of reference/live-api.md, 1.3, with a
 * time in milliseconds, in seconds, or none.
 */
export interface BodyStyle {
  names: 'pascal' | 'snake';
  time: 'milliseconds' | 'seconds' | 'none';
}

export function snapshotCallback(
  url: string,
  notice: SnapshotNotice,
  style: BodyStyle,
  key: string | null,
  nowMs: number,
): CallbackRequest {
  const seconds = Math.floor(notice.capturedAtMs / 1_000);
  const time = { milliseconds: notice.capturedAtMs, seconds, none: undefined }[style.time];
  const body =
    style.names === 'pascal'
      ? {
          DomainName: notice.domain,
          AppName: notice.app,
          StreamName: notice.stream,
          OssEndpoint: notice.endpoint,
          OssBucket: notice.bucket,
          OssObject: notice.object,
          CreateTimestamp: time,
          IsOverlay: notice.overlay,
        }
      : {
          domain: notice.domain,
          app: notice.app,
          stream: notice.stream,
          oss_endpoint: notice.endpoint,
          oss_bucket: notice.bucket,
          oss_object: notice.object,
          create_timestamp: time,
          ...(notice.overlay && { is_overlay: true }),
        };
  return {
    url,
    method: 'POST',
    headers: { 'content-type': 'application/json', ...signatureHeaders(new URL(url).hostname, nowMs, key) },
    body: JSON.stringify(body),
  };
}

export interface PushNotice {
  action: 'publish' | 'publish_done';
  pushDomain: string;
  app: string;
  stream: string;
  atMs: number;
}

/** A GET whose `app` is the ingest domain and whose `id` is the stream name (reference/live-api.md, 4). */
export function pushCallback(url: string, notice: PushNotice, key: string | null, nowMs: number): CallbackRequest {
  const target = new URL(url);
  const query: Record<string, string> = {
    action: notice.action,
    ip: '203.0.113.7',
    id: notice.stream,
    app: notice.pushDomain,
    appname: notice.app,
    time: String(Math.floor(notice.atMs / 1_000)),
    usrargs: '',
    node: '203.0.113.80',
    ...(notice.action === 'publish' ? { height: '720', width: '1280' } : {}),
  };
  for (const [name, value] of Object.entries(query)) target.searchParams.set(name, value);
  return {
    url: target.href,
    method: 'GET',
    headers: signatureHeaders(notice.pushDomain, nowMs, key),
    body: null,
  };
}
