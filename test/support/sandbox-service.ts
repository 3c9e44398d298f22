import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import type { BroadcastStream } from '../../src/sandbox/broadcast/broadcaster.ts';
import type { Broadcasters } from '../../src/sandbox/broadcast/start-broadcasters.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { type CuttableProxy, startCuttableProxy } from './cuttable-proxy.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { freePort } from './free-port.ts';
import { type LocalEndpoint, startLocalEndpoint } from './local-endpoint.ts';

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

export interface ToldMessage {
  at: number;
  title: string;
  body: string;
}

/** The service as people run it (`snapaudit apply`, `snapaudit serve`, each a process), with the sandbox as its vendor. */
export interface SandboxService {
  sandbox: Sandbox;
  database: TestDatabase;
  endpoint: LocalEndpoint;
  /** Between the vendor and the service: the public address. */
  ingress: CuttableProxy;
  messages: ToldMessage[];
  titles(): string[];
  broadcast(streams: BroadcastStream[]): Broadcasters;
  /** Starts the process; resolves when it listens. */
  start(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** GET of the API. */
  get<Body>(path: string): Promise<Body>;
  /** The longest that this machine has kept anybody waiting since the last call, ms. */
  stallMs(): number;
  log(): string;
  close(): Promise<void>;
}

export async function createSandboxService(options: {
  apps: string[];
  intervalSeconds: number;
  settings: Record<string, unknown>;
}): Promise<SandboxService> {
  const undo: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (let step = undo.pop(); step; step = undo.pop()) await step();
  };
  try {
    const database = await createTestDatabase();
    undo.push(() => database.drop());
    const sandbox = await startSandbox({
      apps: options.apps.map((app) => ({
        app,
        intervalSeconds: options.intervalSeconds,
        sequenceObject: 'snapshot/{AppName}/{StreamName}/{UnixTimestamp}.jpg',
      })),
    });
    undo.push(() => sandbox.close());
    const messages: ToldMessage[] = [];
    const endpoint = await startLocalEndpoint(({ body }) => {
      messages.push({ at: Date.now(), title: (JSON.parse(body) as { text: string }).text, body });
      return { body: 'ok' };
    });
    undo.push(() => endpoint.close());
    const port = await freePort();
    const ingress = await startCuttableProxy(port);
    undo.push(() => ingress.close());
    const directory = await mkdtemp(path.join(os.tmpdir(), 'snapaudit-sandbox-'));
    undo.push(() => rm(directory, { recursive: true, force: true }));
    const settingsFile = path.join(directory, 'snapaudit.yaml');
    await writeFile(
      settingsFile,
      sandbox.settingsFile({ notify: [{ name: 'chat', type: 'slack', url: endpoint.url }], ...options.settings }),
    );
    const environment = {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(SNAPAUDIT_|ALIBABA_)/.test(name))),
      ...sandbox.environment,
      DATABASE_URL: database.url,
      SNAPAUDIT_DATA_DIR: directory,
      SNAPAUDIT_CONFIG: settingsFile,
      SNAPAUDIT_PUBLIC_URL: `http://127.0.0.1:${ingress.port}`,
      SNAPAUDIT_CALLBACK_KEY: 'sandboxcallbackkey01',
      SNAPAUDIT_LOG_LEVEL: 'warn',
      HOST: '127.0.0.1',
      PORT: String(port),
      NO_COLOR: '1',
    };
    let output = '';
    const run = (...args: string[]): ChildProcess => {
      const child = spawn(process.execPath, [CLI, ...args], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
      for (const stream of [child.stdout, child.stderr]) {
        stream?.on('data', (chunk: Buffer) => {
          output += chunk.toString();
        });
      }
      return child;
    };
    const [exitCode] = (await once(run('apply', '--yes'), 'exit')) as [number | null];
    if (exitCode !== 0) throw new Error(`apply ended with ${exitCode}: ${output}`);

    const delay = monitorEventLoopDelay({ resolution: 10 });
    delay.enable();
    undo.push(async () => delay.disable());
    let child: ChildProcess | null = null;
    const kill = async () => {
      if (child?.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    };
    undo.push(kill);
    return {
      sandbox,
      database,
      endpoint,
      ingress,
      messages,
      titles: () => messages.map(({ title }) => title),
      // Pictures are not what is tried here.
      broadcast: (streams) => sandbox.broadcast({ streams, picturesPerSecond: 0 }),
      async start() {
        const begun = run('serve');
        child = begun;
        const url = `http://127.0.0.1:${port}/readyz`;
        while (begun.exitCode === null) {
          const answer = await fetch(url).catch(() => null);
          if (answer?.status === 200) return;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        throw new Error(`serve ended: ${output}`);
      },
      kill,
      async get<Body>(where: string) {
        const answer = await fetch(`http://127.0.0.1:${port}${where}`);
        if (answer.status !== 200) throw new Error(`${where}: HTTP ${answer.status} ${await answer.text()}`);
        return (await answer.json()) as Body;
      },
      stallMs() {
        const longest = Math.round(delay.max / 1e6);
        delay.reset();
        return longest;
      },
      log: () => output,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Streams that are on air for as long as the test lasts, each on a beat of its own. */
export function steadyStreams(domain: string, app: string, count: number, intervalSeconds: number): BroadcastStream[] {
  return Array.from({ length: count }, (_, index) => ({
    domain,
    app,
    stream: `${app}${String(index).padStart(4, '0')}`,
    publishes: [{ startMs: (index / count) * intervalSeconds * 1000, lengthMs: 600_000 }],
  }));
}
