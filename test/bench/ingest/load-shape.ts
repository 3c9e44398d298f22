/** What the load looks like, known to servers and generators. */
export const KEY = 'benchkey0123456789';
export const PUBLIC_URL = 'https://audit.example.com';
export const TEMPLATE = 'snapshot/{AppName}/{StreamName}/{UnixTimestamp}.jpg';
export const STREAMS = 1_000;
/** Captures are taken in turn from the streams, each so long after the last one of its stream in name, however fast they come. */
export const INTERVAL_MS = 5_000;
/** Those of one turn are not all of one instant. */
export const SPREAD_MS = 997;

/** Between them stand the stream, the stream again, and the instant in milliseconds. */
export const BODY_PARTS = [
  '{"DomainName":"play.example.com","AppName":"live","StreamName":"',
  '","OssEndpoint":"oss-cn-shanghai.aliyuncs.com","OssBucket":"bench","OssObject":"snapshot/live/',
  '/',
  '.jpg"}',
] as const;

export function streamName(streamNumber: number): string {
  return `camera-${String(streamNumber).padStart(4, '0')}`;
}

/** The body of one callback; `at` in milliseconds. */
export function callbackBody(streamNumber: number, at: number): string {
  const stream = streamName(streamNumber);
  const [start, toObject, toInstant, end] = BODY_PARTS;
  return `${start}${stream}${toObject}${stream}${toInstant}${at}${end}`;
}
