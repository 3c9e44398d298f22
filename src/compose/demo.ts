import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { createConfigStore } from '../adapters/postgres/config-store.ts';
import { openDatabase } from '../adapters/postgres/database.ts';
import { startEmbeddedServer } from '../adapters/postgres/embedded-server.ts';
import type { DemoHandle, DemoRequest, Observed } from '../cli/demo-handle.ts';
import type { OrderedFault } from '../cli/sandbox-handle.ts';
import type { ServiceHandle } from '../cli/service-handle.ts';
import { createService, type Environment, openStorage, systemClock } from '../compose.ts';
import { parseSettings } from '../config/load-settings.ts';
import type { Settings } from '../config/settings.ts';
import type { BroadcastStream } from '../sandbox/broadcast/broadcaster.ts';
import type { ScheduledFault } from '../sandbox/broadcast/scheduled-fault.ts';
import { playTrouble } from '../sandbox/play-trouble.ts';
import { endlessStreams, type Sandbox, startSandbox } from '../sandbox/sandbox.ts';
import { onceScenario, type Scenario, scenarioApps } from '../sandbox/scenario.ts';
import { applyPlan } from '../usecases/apply-plan.ts';
import { desiredDomains } from '../usecases/desired-domains.ts';
import type { ConfigPorts } from '../usecases/reconcile-configs.ts';
import { demoDatabaseName, dropLeftDatabases } from './demo-databases.ts';
import { ReleaseStack } from './release-stack.ts';
import { createVendor } from './vendor.ts';

/** Quick enough to show something within the minute; a real audit waits longer for stragglers. */
const AUDIT = { settle: '22s', lateAfter: '12s', every: '5s', pollEvery: '4s' };
const PATIENCE = { timeoutMs: 2_000, retries: 2 };
const ENDLESS = { count: 12, sessionMs: 180_000, pauseMs: 20_000 };

/** The stand-in for the vendor, the service, and everything between them, in one process tree; nothing of it is left behind. */
export async function createDemo(environment: Environment, request: DemoRequest): Promise<DemoHandle> {
  const release = new ReleaseStack();
  try {
    const sandbox = await startSandbox({ apps: scenarioApps() });
    release.add(() => sandbox.close());
    const settings = parseSettings(sandbox.settingsFile({ audit: AUDIT }), 'the settings of the demo');
    const demo = await demoEnvironment(environment, sandbox, request, release);
    const accessKey = {
      accessKeyId: sandbox.environment.ALIBABA_CLOUD_ACCESS_KEY_ID ?? '',
      accessKeySecret: sandbox.environment.ALIBABA_CLOUD_ACCESS_KEY_SECRET ?? '',
    };
    const watch = await openWatch(demo, settings, accessKey, release);
    request.onProgress('taking over the callbacks: the vendor is told our URL and key');
    await takeOver(watch.ports, demo, settings);

    const compose = () => createService(demo, { settings, accessKey, vendorPatience: PATIENCE });
    let service: ServiceHandle = await compose();
    let leaving = false;
    // One after the other: a service that is away for a while can neither be looked into nor be closed.
    let turn: Promise<unknown> = Promise.resolve();
    const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
      const done = turn.then(work);
      turn = done.catch(() => {});
      return done;
    };
    release.add(() => {
      leaving = true;
      return inTurn(() => service.close());
    });
    await service.start();
    const goDown = async (forMs: number) => {
      const from = Date.now();
      if (leaving) return { from, to: from };
      await service.close();
      await sleep(Math.max(0, from + forMs - Date.now()));
      service = await compose();
      await service.start();
      return { from, to: Date.now() };
    };
    const receiverDown = (forMs: number) => inTurn(() => goDown(forMs));
    const cast = request.once ? onceScenario(sandbox.domain) : endlessCast(sandbox.domain);
    const broadcasters = sandbox.broadcast({
      streams: cast.streams,
      faults: cast.faults,
      receiverDown,
      seed: request.once ? 7 : Date.now() % 1_000_000,
    });
    if (!request.once) {
      const trouble = playTrouble(broadcasters, endless(sandbox.domain));
      release.add(() => trouble.stop());
    }
    const ends = request.once ? broadcasters.startedAtMs + onceScenario(sandbox.domain).playsForMs : null;
    return {
      url: service.url(),
      streams: cast.streams.length,
      intervalSeconds: scenarioApps()[0]!.intervalSeconds,
      lateAfterSeconds: settings.audit.lateAfterSeconds,
      playsUntil: ends,
      injected: () => broadcasters.injected(),
      notInjected: () => broadcasters.notInjected().map((order) => orderedFault(order, cast.streams)),
      troubled: () => broadcasters.troubled(),
      counts: () => broadcasters.counts(),
      played: () => broadcasters.finished(),
      observe: () => inTurn(() => observe(service, watch, sandbox.domain)),
      close: () => release.releaseAll(),
    };
  } catch (error) {
    await release.releaseAll();
    throw error;
  }
}

/** Every fault once, so that the pages have each to show within two minutes; and streams without end. */
function endlessCast(domain: string): Pick<Scenario, 'streams' | 'faults'> {
  const lasting = endless(domain);
  const names = new Set(lasting.map(({ stream }) => stream));
  const { streams, faults } = onceScenario(domain);
  return { streams: [...streams.filter(({ stream }) => !names.has(stream)), ...lasting], faults };
}

function orderedFault(order: ScheduledFault, streams: readonly BroadcastStream[]): OrderedFault {
  const stream = 'stream' in order ? order.stream : null;
  const app = 'app' in order ? order.app : (streams.find((each) => each.stream === stream)?.app ?? null);
  return { fault: order.fault, app, stream };
}

function endless(domain: string): BroadcastStream[] {
  return endlessStreams({ domain, app: 'live', ...ENDLESS });
}

/** A database and a directory of its own, on the embedded PostgreSQL; DATABASE_URL is left alone, for it may be a real one. */
async function demoEnvironment(
  environment: Environment,
  sandbox: Sandbox,
  { onProgress }: DemoRequest,
  release: ReleaseStack,
): Promise<Environment> {
  const dataDir = path.join(environment.config.dataDir, 'demo');
  // Volatile: nothing of it outlives the demo.
  const server = await startEmbeddedServer({ dataDir, volatile: true, onProgress });
  release.add(() => server.stop());
  const databaseName = demoDatabaseName(process.pid, Date.now());
  const maintenance = openDatabase({ url: server.url, maxConnections: 1 });
  release.add(() => maintenance.close());
  await dropLeftDatabases(maintenance);
  await sql`create database ${sql.id(databaseName)}`.execute(maintenance.db);
  release.add(() => sql`drop database ${sql.id(databaseName)} with (force)`.execute(maintenance.db));
  const directory = await mkdtemp(path.join(os.tmpdir(), 'snapaudit-demo-'));
  release.add(() => rm(directory, { recursive: true, force: true }));
  const databaseUrl = new URL(server.url);
  databaseUrl.pathname = `/${databaseName}`;
  const port = await freePort();
  return {
    config: {
      ...environment.config,
      databaseUrl: databaseUrl.href,
      dataDir: directory,
      publicUrl: `http://127.0.0.1:${port}`,
      host: '127.0.0.1',
      port,
      liveEndpoint: sandbox.live.url,
      ossEndpoint: sandbox.oss.url,
      // What goes wrong is shown in the demo's own words.
      logLevel: environment.config.logLevel === 'debug' ? 'debug' : 'silent',
    },
    secrets: {
      ...environment.secrets,
      callbackKey: randomBytes(12).toString('hex'),
      callbackKeyPrevious: null,
      apiToken: null,
    },
  };
}

interface Watch {
  ports: ConfigPorts;
  unknownConfigsAt: number[];
}

/** Looks on from beside the service: the configs' states are not among its queries. */
async function openWatch(
  demo: Environment,
  settings: Settings,
  accessKey: { accessKeyId: string; accessKeySecret: string },
  release: ReleaseStack,
): Promise<Watch> {
  const storage = await openStorage(demo, { maxConnections: 2 });
  release.add(() => storage.close());
  const vendor = createVendor(demo.config, { database: storage.database, accessKey });
  release.add(() => vendor.close());
  const store = createConfigStore(storage.database, { sealingKeys: [demo.secrets.callbackKey ?? ''] });
  const unknownConfigsAt: number[] = [];
  const domains = settings.domains.map(({ domain }) => domain);
  const looking = setInterval(async () => {
    const states = await Promise.all(domains.map((domain) => store.states(domain))).catch(() => []);
    if (states.flat().some(({ state }) => state === 'unknown')) unknownConfigsAt.push(Date.now());
  }, 1_000);
  release.add(async () => clearInterval(looking));
  return { ports: { live: vendor.live, store, clock: systemClock }, unknownConfigsAt };
}

async function takeOver(ports: ConfigPorts, { config, secrets }: Environment, settings: Settings): Promise<void> {
  const desired = desiredDomains(settings, { publicUrl: config.publicUrl ?? '', callbackKey: secrets.callbackKey });
  const report = await applyPlan(ports, desired, { shown: null });
  const problems = [...report.failures.map(({ message }) => message), ...report.failed.map(({ message }) => message)];
  if (problems.length > 0) throw new Error(`The take-over failed: ${problems.join('; ')}`);
}

async function observe({ queries }: ServiceHandle, watch: Watch, domain: string): Promise<Observed> {
  const now = Date.now();
  const [gaps, audits, captures, coverage, streams, states] = await Promise.all([
    everyPage((cursor) => queries.gaps({ last: DAY_MS, limit: 500, cursor })),
    everyPage((cursor) => queries.audits({ last: DAY_MS, limit: 500, cursor })),
    everyPage((cursor) => queries.captures({ last: DAY_MS, limit: 500, cursor })),
    queries.coverage({ last: DAY_MS, per: 'total', by: 'all' }),
    everyPage((cursor) => queries.streams({ limit: 500, cursor })),
    watch.ports.store.states(domain),
  ]);
  const [total] = coverage.data;
  const audited = streams.map(({ auditedUntil }) => auditedUntil);
  return {
    now,
    gaps: gaps.filter(({ verdict }) => verdict !== 'pending' && verdict !== 'ok'),
    audits,
    drifts: states.flatMap(({ state, app, differences }) =>
      state === 'drifted' || state === 'missing' ? differences.map(({ field }) => ({ app, field })) : [],
    ),
    unknownConfigsAt: [...watch.unknownConfigsAt],
    told: captures.filter(({ deliveries }) => deliveries > 0),
    repeated: captures.filter(({ deliveries }) => deliveries > 1),
    slots: total?.slots ?? {},
    coverage: total?.coverage ?? null,
    auditedUntil: audited.includes(null) ? null : Math.min(...audited.filter((at) => at !== null)),
  };
}

const DAY_MS = 86_400_000;

async function everyPage<Row>(
  read: (cursor: string | undefined) => Promise<{ data: Row[]; next: string | null }>,
): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor: string | undefined;
  do {
    const page = await read(cursor);
    rows.push(...page.data);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return rows;
}

/** The callback URL must be known before the service listens. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port on loopback');
  return address.port;
}
