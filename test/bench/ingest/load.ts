import autocannon from 'autocannon';
import { signCallback } from '../../../src/core/callback-signature.ts';
import { callbackBody, KEY, PUBLIC_URL, STREAMS } from './load-shape.ts';

/** The load generator, in a process of its own: every request is another capture of one of 1,000 interleaved streams. */
const [url, seconds, connections, rate] = process.argv.slice(2);

const timestamp = String(Math.floor(Date.now() / 1000));
const signature = signCallback(new URL(PUBLIC_URL).hostname, timestamp, KEY);
let sent = 0;
const base = Date.now();

const result = await autocannon({
  url: `${url}/callbacks/snapshot`,
  connections: Number(connections),
  duration: Number(seconds),
  ...(rate ? { overallRate: Number(rate) } : {}),
  requests: [
    {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'ali-live-timestamp': timestamp,
        'ali-live-signature': signature,
      },
      setupRequest: (request) => {
        const number = sent++;
        // Each stream's captures are 5 s apart in name, however fast they come.
        const at = base - 40_000_000 + Math.floor(number / STREAMS) * 5_000 + (number % 997);
        return { ...request, body: callbackBody(number % STREAMS, at) };
      },
    },
  ],
});

process.send?.({
  rps: result['2xx'] / result.duration,
  p50Ms: result.latency.p50,
  p99Ms: result.latency.p99,
  failed: result.non2xx + result.errors + result.timeouts,
});
process.disconnect?.();
