import { type ChildProcess, execFile, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { signCallback } from '../../../src/core/callback-signature.ts';
import { BODY_PARTS, INTERVAL_MS, KEY, PUBLIC_URL, SPREAD_MS, STREAMS, streamName } from './load-shape.ts';

export interface Rates {
  rps: number;
  p50Ms: number;
  p99Ms: number;
}

export interface LoadOutcome extends Rates {
  answered: number;
}

export interface Load {
  url: string;
  seconds: number;
  connections: number;
  /** Milliseconds, of the first capture. */
  firstAt: number;
  /** Requests per second, with autocannon; absent: as many as are answered. */
  rate?: number;
}

type Report = LoadOutcome & { failed: number };

/**
 * The generator shares the cores with what it measures. wrk needs some 10 µs of a core for a request; autocannon 27 to 33 µs, as much as
 * the fastest server here, which it holds up while it hardly touches the slowest. Only autocannon keeps to a given rate.
 */
export const GENERATORS = ['wrk', 'autocannon'] as const;
export type Generator = (typeof GENERATORS)[number];

export async function send(generator: Generator, load: Load): Promise<LoadOutcome> {
  const { failed, ...outcome } = await (generator === 'wrk' ? sendWithWrk(load) : sendWithAutocannon(load));
  if (failed > 0) throw new Error(`${failed} requests failed: the figures mean nothing`);
  return outcome;
}

/** The last line that wrk-requests.lua prints. */
interface WrkReport {
  requests: number;
  seconds: number;
  p50Ms: number;
  p99Ms: number;
  failed: number;
}

async function sendWithWrk({ url, seconds, connections, firstAt }: Load): Promise<Report> {
  const script = fileURLToPath(new URL('./wrk-requests.lua', import.meta.url));
  const { timestamp, signature } = signedNow();
  const streams = Array.from({ length: STREAMS }, (_, number) => streamName(number)).join(',');
  // One thread: each would number its requests for itself.
  const options = ['--threads', 1, '--connections', connections, '--duration', `${seconds}s`, '--timeout', '10s'];
  const shape = [firstAt, INTERVAL_MS, SPREAD_MS, streams, ...BODY_PARTS, timestamp, signature];
  const order = [...options, '--script', script, `${url}/callbacks/snapshot`, '--', ...shape];
  const { stdout } = await promisify(execFile)('wrk', order.map(String));
  const { requests, seconds: lasted, ...told } = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as WrkReport;
  return { ...told, rps: requests / lasted, answered: requests };
}

function sendWithAutocannon({ url, seconds, connections, firstAt, rate }: Load): Promise<Report> {
  const { timestamp, signature } = signedNow();
  const order = [url, seconds, connections, firstAt, timestamp, signature, rate ?? ''];
  return firstMessage(fork(new URL('./autocannon-process.ts', import.meta.url), order.map(String)));
}

function signedNow(): { timestamp: string; signature: string } {
  const timestamp = String(Math.floor(Date.now() / 1000));
  return { timestamp, signature: signCallback(new URL(PUBLIC_URL).hostname, timestamp, KEY) };
}

export function firstMessage<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as T));
    child.once('exit', (code) => reject(new Error(`a child ended with ${code} before it had said anything`)));
  });
}
