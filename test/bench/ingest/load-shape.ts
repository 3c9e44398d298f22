/** What the load looks like, known to servers and generator. */
export const KEY = 'benchkey0123456789';
export const PUBLIC_URL = 'https://audit.example.com';
export const TEMPLATE = 'snapshot/{AppName}/{StreamName}/{UnixTimestamp}.jpg';
export const STREAMS = 1_000;

/** The body of one callback; `at` in milliseconds. */
export function callbackBody(streamNumber: number, at: number): string {
  const stream = `camera-${String(streamNumber).padStart(4, '0')}`;
  return `{"DomainName":"play.example.com","AppName":"live","StreamName":"${stream}","OssEndpoint":"oss-cn-shanghai.aliyuncs.com","OssBucket":"bench","OssObject":"snapshot/live/${stream}/${at}.jpg"}`;
}
