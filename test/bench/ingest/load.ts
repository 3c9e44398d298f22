import autocannon from 'autocannon';
import { signCallback } from '../../../src/core/callback-signature.ts';
import { callbackBody, KEY, PUBLIC_URL, STREAMS } from './load-shape.ts';

/**
 * The load generator, in a process of its own: every request is another capture of one of 1,000 interleaved streams. The requests are
 * put together before the clock starts, for the generator shares two cores with what it measures.
 */
const [url, seconds, connections, firstAt, rate] = process.argv.slice(2);
/** More than one connection sends in a second, so that none comes twice; `bench:ingest` counts what was stored. */
const REQUESTS_PER_SECOND = rate ? Math.ceil((2 * Number(rate)) / Number(connections)) : 400;
/** How far apart the requests of one connection are where they are paced. */
const PACE_MS = rate ? (1_000 * Number(connections)) / Number(rate) : null;

const timestamp = String(Math.floor(Date.now() / 1000));
const headers = {
  'content-type': 'application/json',
  'ali-live-timestamp': timestamp,
  'ali-live-signature': signCallback(new URL(PUBLIC_URL).hostname, timestamp, KEY),
};
const base = Number(firstAt);
/** The generator's own start keeps its first answers waiting: they tell nothing of the server. */
const START_MS = 1_000;
const latencies: number[] = [];
let clients = 0;

/** Captures are taken in turn from the streams, each 5 s apart in name, however fast they come. */
function requestsOf(client: number): autocannon.Request[] {
  return Array.from({ length: Math.ceil(Number(seconds) * REQUESTS_PER_SECOND) }, (_, index) => {
    const number = index * Number(connections) + client;
    const at = base + Math.floor(number / STREAMS) * 5_000 + (number % 997);
    return { method: 'POST', headers, body: callbackBody(number % STREAMS, at) };
  });
}

const { result, elapsedSeconds } = await new Promise<{ result: autocannon.Result; elapsedSeconds: number }>(
  (resolve, reject) => {
    let begun = 0;
    const run = autocannon(
      {
        url: `${url}/callbacks/snapshot`,
        connections: Number(connections),
        duration: Number(seconds),
        // Its own account of what a slow answer kept from being sent goes by 1 ms, whatever the pace.
        ...(rate ? { overallRate: Number(rate), ignoreCoordinatedOmission: true } : {}),
        setupClient: (client) => client.setRequests(requestsOf(clients++)),
      },
      (error, outcome) => {
        if (error) reject(error);
        else resolve({ result: outcome, elapsedSeconds: (performance.now() - begun) / 1000 });
      },
    );
    run.on('response', (_client, status, _bytes, responseMs) => {
      if (status === 200 && begun > 0 && performance.now() - begun > START_MS) note(responseMs);
    });
    run.once('start', () => {
      begun = performance.now();
    });
  },
);

/** A slow answer holds up the requests that its connection should have sent meanwhile: they count as they would have waited. */
function note(responseMs: number): void {
  for (let waited = responseMs; waited > 0; waited -= PACE_MS ?? waited) latencies.push(waited);
}

latencies.sort((a, b) => a - b);
const percentile = (share: number) => latencies[Math.ceil(share * latencies.length) - 1] ?? 0;

process.send?.({
  rps: result['2xx'] / elapsedSeconds,
  p50Ms: percentile(0.5),
  p99Ms: percentile(0.99),
  answered: result['2xx'],
  failed: result.non2xx + result.errors + result.timeouts,
});
process.disconnect?.();
