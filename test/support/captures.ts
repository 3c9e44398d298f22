import type { ReadCallback } from '../../src/core/callback-body.ts';
import { CAPTURE_FLAGS } from '../../src/core/capture-flags.ts';
import { encodeCapture } from '../../src/core/capture-shape.ts';
import type { Instant } from '../../src/core/instant.ts';
import type { IncomingCapture } from '../../src/ports.ts';

export const TEMPLATE = 'snapshot/{AppName}/{StreamName}/{UnixTimestamp}.jpg';

/** What is read of a body in PascalCase without an instant. */
export function readCallback(stream: string, object: string): ReadCallback {
  return {
    domain: 'play.example.com',
    app: 'live',
    stream,
    bucket: 'snap',
    endpoint: 'oss-cn-shanghai.aliyuncs.com',
    object,
    told: null,
    overlay: null,
    keys: {
      domain: 'DomainName',
      app: 'AppName',
      stream: 'StreamName',
      bucket: 'OssBucket',
      endpoint: 'OssEndpoint',
      object: 'OssObject',
    },
    extra: null,
  };
}

/** A capture as the receiver makes it of a body in PascalCase without an instant. */
export function incomingCapture(
  stream: string,
  at: Instant,
  options: { receivedAt?: Instant; flags?: number; object?: string } = {},
): IncomingCapture {
  const object = options.object ?? `snapshot/live/${stream}/${at}.jpg`;
  return {
    ...encodeCapture(readCallback(stream, object), options.receivedAt ?? at + 800, [TEMPLATE]),
    flags: options.flags ?? CAPTURE_FLAGS.fromCallback | CAPTURE_FLAGS.verified,
    deliveries: 1,
  };
}
