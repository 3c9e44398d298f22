import autocannon from 'autocannon';
import { callbackBody, INTERVAL_MS, SPREAD_MS, STREAMS } from './load-shape.ts';

/**
 * The load generator that keeps to a rate, in a process of its own: every request is another capture of one of 1,000 interleaved streams.
 * The requests are put together before the clock starts, for the generator shares two cores with what it measures.
 */
const [url, seconds, connections, firstAt, timestamp, signature, rate] = process.argv.slice(2) as [string, ...string[]];
/** More than one connection sends in a second, so that none comes twice; `bench:ingest` counts what was stored. */
const REQUESTS_PER_SECOND = rate ? Math.ceil((2 * Number(rate)) / Number(connections)) : 400;
/** How far apart the requests of one connection are where they are paced. */
const PACE_MS = rate ? (1_000 * Number(connections)) / Number(rate) : null;

const headers = {
  'content-type': 'application/json',
  'ali-live-timestamp': timestamp,
  'ali-live-signature': signature,
};
const base = Number(firstAt);
/** The generator's own start keeps its first answers waiting: they tell nothing of the server. */
const START_MS = 1_000;
const latencies: number[] = [];
let clients = 0;

function requestsOf(client: number): autocannon.Request[] {
  return Array.from({ length: Math.ceil(Number(seconds) * REQUESTS_PER_SECOND) }, (_, index) => {
    const number = index * Number(connections) + client;
    const at = base + Math.floor(number / STREAMS) * INTERVAL_MS + (number % SPREAD_MS);
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
