/** What the load looks like, known to servers and generator. */
export const KEY = 'benchkey0123456789';
export const PUBLIC_URL = 'https://audit.example.com';
export const TEMPLATE = 'snapshot/{AppName}/{StreamName}/{UnixTimestamp}.jpg';
export const STREAMS = 1_000;
