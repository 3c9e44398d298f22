import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.ts';
import { KEY } from './receiver.ts';

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
/** Loopback, where the vendor's clients find nobody. */
const NOBODY = 'http://127.0.0.1:9';
const SETTINGS = `
domains:
  - domain: play.example.com
    apps:
      - app: live
        interval: 10s
        bucket: snap
        endpoint: oss-cn-shanghai.aliyuncs.com
        sequenceObject: snapshot/{AppName}/{StreamName}/{UnixTimestamp}.jpg
`;

export interface ServeProcess {
  url: string;
  /** What snapshot callbacks are signed with. */
  host: string;
  directory: string;
  child: ChildProcess;
  log(): string;
  /** SIGTERM; resolves with the exit code (null: it was killed). */
  stop(): Promise<number | null>;
}

/** `snapaudit serve` as people run it, a process of its own, without a vendor. */
export async function startServe(options: {
  databaseUrl: string;
  /** Where an earlier one kept its spool; absent: a fresh one. */
  directory?: string;
  /** Lines for the end of the settings file, which is the entry of the app `live`. */
  moreSettings?: string;
}): Promise<ServeProcess> {
  const directory = options.directory ?? (await mkdtemp(path.join(os.tmpdir(), 'snapaudit-serve-')));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await writeFile(path.join(directory, 'snapaudit.yaml'), SETTINGS + (options.moreSettings ?? ''));
  const child = spawn(process.execPath, [CLI, 'serve'], {
    env: {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(SNAPAUDIT_|ALIBABA_)/.test(name))),
      ALIBABA_CLOUD_ACCESS_KEY_ID: 'nobody',
      ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'nothing',
      SNAPAUDIT_LIVE_ENDPOINT: NOBODY,
      SNAPAUDIT_OSS_ENDPOINT: NOBODY,
      DATABASE_URL: options.databaseUrl,
      SNAPAUDIT_DATA_DIR: directory,
      SNAPAUDIT_CONFIG: path.join(directory, 'snapaudit.yaml'),
      SNAPAUDIT_PUBLIC_URL: url,
      SNAPAUDIT_CALLBACK_KEY: KEY,
      HOST: '127.0.0.1',
      PORT: String(port),
      NO_COLOR: '1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const ended = once(child, 'exit') as Promise<[number | null]>;
  while ((await fetch(`${url}/readyz`).catch(() => null))?.status !== 200) {
    if (child.exitCode !== null) {
      await rm(directory, { recursive: true, force: true });
      throw new Error(`serve ended: ${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    url,
    host: '127.0.0.1',
    directory,
    child,
    log: () => output,
    async stop() {
      child.kill('SIGTERM');
      return (await ended)[0];
    },
  };
}

/** For `afterEach`: nothing of it stays. */
export async function discardServe(serve: ServeProcess): Promise<void> {
  if (serve.child.exitCode === null && serve.child.signalCode === null) {
    serve.child.kill('SIGKILL');
    await once(serve.child, 'exit');
  }
  await rm(serve.directory, { recursive: true, force: true });
}
