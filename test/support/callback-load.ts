import { type ChildProcess, fork } from 'node:child_process';
import { Agent, request } from 'node:http';
import { signCallback } from '../../src/core/callback-signature.ts';
import { HOST, KEY } from './receiver.ts';

export interface ReceiverProcess {
  url: string;
  child: ChildProcess;
  /** Resolves with the exit code, or null after a signal. */
  exited: Promise<number | null>;
}

export interface ReceiverProcessOptions {
  url: string;
  spoolDirectory: string;
  spoolBytes?: number;
  keyless?: boolean;
}

export async function forkReceiver(options: ReceiverProcessOptions): Promise<ReceiverProcess> {
  const child = fork(new URL('./receiver-process.ts', import.meta.url), [JSON.stringify(options)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: ['--expose-gc'],
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const url = await new Promise<string>((resolve, reject) => {
    child.once('message', (message) => resolve((message as { url: string }).url));
    child.once('exit', (code) => reject(new Error(`the receiver ended with ${code} before it listened`)));
  });
  return { url, child, exited };
}

export interface CallbackLoad {
  /** Object names of the callbacks that were answered 200. */
  acknowledged: Set<string>;
  /** How often each status came; `reset` for a connection that broke. */
  answers: Map<number | 'reset', number>;
  stop(): Promise<void>;
}

let batch = 0;

/** `connections` clients that each send one callback after the other until stopped. Every callback is another capture. */
export function loadCallbacks(
  url: string,
  connections: number,
  options: { pauseMs?: number; host?: string } = {},
): CallbackLoad {
  const acknowledged = new Set<string>();
  const answers = new Map<number | 'reset', number>();
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const run = batch++;
  const base = Date.now();
  let stopped = false;
  let sent = 0;
  const client = async (number: number) => {
    while (!stopped) {
      const stream = `load${run}-${number}`;
      const object = `snapshot/live/${stream}/${base + sent++}.jpg`;
      const { status, isLast } = await post(agent, url, stream, object, options.host ?? HOST);
      answers.set(status, (answers.get(status) ?? 0) + 1);
      if (status === 200) acknowledged.add(object);
      // Like a load balancer, that sends no more to a server which says goodbye.
      if (isLast) return;
      // A dead receiver refuses at once: no spinning.
      if (status !== 200 || options.pauseMs) await new Promise((resolve) => setTimeout(resolve, options.pauseMs ?? 20));
    }
  };
  const clients = Promise.all(Array.from({ length: connections }, (_, number) => client(number)));
  return {
    acknowledged,
    answers,
    async stop() {
      stopped = true;
      await clients;
      agent.destroy();
    },
  };
}

function post(
  agent: Agent,
  url: string,
  stream: string,
  object: string,
  host: string,
): Promise<{ status: number | 'reset'; isLast: boolean }> {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const body = JSON.stringify({
    DomainName: 'play.example.com',
    AppName: 'live',
    StreamName: stream,
    OssEndpoint: 'oss-cn-shanghai.aliyuncs.com',
    OssBucket: 'snap',
    OssObject: object,
  });
  return new Promise((resolve) => {
    const outgoing = request(
      `${url}/callbacks/snapshot`,
      {
        method: 'POST',
        agent,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'ali-live-timestamp': timestamp,
          'ali-live-signature': signCallback(host, timestamp, KEY),
        },
      },
      (response) => {
        response.resume();
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, isLast: response.headers.connection === 'close' }),
        );
        response.once('error', () => resolve({ status: 'reset', isLast: false }));
      },
    );
    outgoing.once('error', () => resolve({ status: 'reset', isLast: false }));
    outgoing.end(body);
  });
}
