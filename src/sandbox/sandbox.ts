import { randomBytes } from 'node:crypto';
import { stringify } from 'yaml';
import type { BroadcastStream, PublishTime } from './broadcast/broadcaster.ts';
import { type BroadcasterOptions, type Broadcasters, startBroadcasters } from './broadcast/start-broadcasters.ts';
import { createLiveFaults, type LiveFaults } from './live/live-faults.ts';
import { type LiveServer, startLiveServer } from './live/live-server.ts';
import { VendorState } from './live/vendor-state.ts';
import { OssFaults } from './oss/faults.ts';
import { type OssServer, startOssServer } from './oss/oss-server.ts';

export const DOMAIN = 'play.example.com';
const PUSH_DOMAIN = 'push.example.com';
const BUCKET = 'snapaudit-demo';
const ENDPOINT = 'oss-cn-shanghai.aliyuncs.com';

/** An app of the sandbox's one domain, captured as the vendor would before anybody audits it: without a callback. */
export interface SandboxApp {
  app: string;
  intervalSeconds: number;
  sequenceObject: string;
}

export interface SandboxOptions {
  /** 0 or absent: a free port. */
  livePort?: number;
  ossPort?: number;
  apps: readonly SandboxApp[];
}

export interface Sandbox {
  domain: string;
  pushDomain: string;
  bucket: string;
  state: VendorState;
  live: LiveServer;
  oss: OssServer;
  /** Throw-away credentials and keys, made anew at each start; they open nothing but this sandbox. */
  environment: Record<string, string>;
  /** A settings file (YAML) that asks for what the sandbox has; `extra` goes beside `domains`. */
  settingsFile(extra?: Record<string, unknown>): string;
  broadcast(options: Omit<BroadcasterOptions, 'state' | 'storeOf' | 'liveFaults' | 'ossFaults'>): Broadcasters;
  /** Stops the broadcasters and both endpoints. Throws afterwards where broadcasters had failed. */
  close(): Promise<void>;
}

/** The vendor's stand-in as a whole: a Live endpoint, an OSS endpoint and, on request, broadcasters. All on loopback. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const credential = {
    id: `SANDBOX${randomBytes(6).toString('hex').toUpperCase()}`,
    secret: randomBytes(15).toString('hex'),
  };
  const state = new VendorState();
  state.addDomain({ domain: DOMAIN, pushDomains: [PUSH_DOMAIN], region: 'cn-shanghai' });
  for (const app of options.apps) {
    state.putConfig({
      ...app,
      domain: DOMAIN,
      bucket: BUCKET,
      endpoint: ENDPOINT,
      overwriteObject: null,
      callback: null,
    });
  }
  const liveFaults: LiveFaults = createLiveFaults();
  const ossFaults = new OssFaults();
  const oss = await startOssServer({
    port: options.ossPort ?? 0,
    credentials: [{ accessKeyId: credential.id, accessKeySecret: credential.secret }],
    buckets: [BUCKET],
    faults: ossFaults,
  });
  let live: LiveServer;
  try {
    live = await startLiveServer({
      port: options.livePort ?? 0,
      credentials: [{ accessKeyId: credential.id, accessKeySecret: credential.secret }],
      state,
      faults: liveFaults,
      bucketExists: (bucket) => bucket === BUCKET,
    });
  } catch (error) {
    await oss.close();
    throw error;
  }
  const running = new Set<Broadcasters>();
  return {
    domain: DOMAIN,
    pushDomain: PUSH_DOMAIN,
    bucket: BUCKET,
    state,
    live,
    oss,
    environment: {
      SNAPAUDIT_LIVE_ENDPOINT: live.url,
      SNAPAUDIT_OSS_ENDPOINT: oss.url,
      ALIBABA_CLOUD_ACCESS_KEY_ID: credential.id,
      ALIBABA_CLOUD_ACCESS_KEY_SECRET: credential.secret,
    },
    settingsFile: (extra = {}) =>
      stringify({
        account: 'sandbox',
        domains: [
          {
            domain: DOMAIN,
            pushDomain: PUSH_DOMAIN,
            mode: 'observe',
            apps: options.apps.map(({ app, intervalSeconds, sequenceObject }) => ({
              app,
              interval: `${intervalSeconds}s`,
              bucket: BUCKET,
              endpoint: ENDPOINT,
              sequenceObject,
            })),
          },
        ],
        ...extra,
      }),
    broadcast(given) {
      const storeOf = (bucket: string) => oss.store(bucket);
      const broadcasters = startBroadcasters({ ...given, state, storeOf, liveFaults, ossFaults });
      running.add(broadcasters);
      return broadcasters;
    },
    async close() {
      try {
        await Promise.all([...running].map((broadcasters) => broadcasters.stop()));
      } finally {
        await Promise.all([live.close(), oss.close()]);
      }
    },
  };
}

/** `count` streams of one app that publish for `sessionMs` and pause for `pauseMs`, over and over, each at its own time. */
export function endlessStreams(options: {
  domain: string;
  app: string;
  count: number;
  sessionMs: number;
  pauseMs: number;
}): BroadcastStream[] {
  const width = String(options.count).length;
  return Array.from({ length: options.count }, (_, index): BroadcastStream => {
    // Spread over the first seconds, and in time over the period, so that restarts do not all come at once.
    const share = index / options.count;
    const firstLengthMs = options.sessionMs * (0.5 + share / 2);
    return {
      domain: options.domain,
      app: options.app,
      stream: `cam${String(index + 1).padStart(Math.max(2, width), '0')}`,
      timestamps: index % 3 === 2 ? 'milliseconds' : 'seconds',
      body: {
        names: index % 2 === 0 ? 'pascal' : 'snake',
        time: index % 4 === 3 ? 'none' : index % 4 === 1 ? 'seconds' : 'milliseconds',
      },
      publishes: { [Symbol.iterator]: () => publishes(share * 5_000, firstLengthMs, options) },
    };
  });
}

function* publishes(
  startMs: number,
  firstLengthMs: number,
  { sessionMs, pauseMs }: { sessionMs: number; pauseMs: number },
): Generator<PublishTime, undefined> {
  let start = startMs;
  let lengthMs = firstLengthMs;
  for (;;) {
    yield { startMs: start, lengthMs };
    start += lengthMs + pauseMs;
    lengthMs = sessionMs;
  }
}
