import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { knownPictureOrigins } from './adapters/oss/picture-origins.ts';
import { createCaptureDays } from './adapters/postgres/capture-days.ts';
import { createCaptureStore } from './adapters/postgres/capture-store.ts';
import { createConfigStore } from './adapters/postgres/config-store.ts';
import { type Database, openDatabase } from './adapters/postgres/database.ts';
import { createForwardQueue } from './adapters/postgres/forward-queue.ts';
import { createHeartbeatStore } from './adapters/postgres/heartbeat-store.ts';
import { createMetricsSource } from './adapters/postgres/metrics-source.ts';
import { createOperatorLog } from './adapters/postgres/operator-log.ts';
import { createQuarantineStore } from './adapters/postgres/quarantine-store.ts';
import { createHistoryReads } from './adapters/postgres/query-history.ts';
import { createTimelineReads } from './adapters/postgres/query-timeline.ts';
import { createWallReads } from './adapters/postgres/query-wall.ts';
import { createSignalStore } from './adapters/postgres/signal-store.ts';
import { createTokenStore } from './adapters/postgres/token-store.ts';
import { createHttpProbe } from './adapters/probe/http-probe.ts';
import { hasSpool } from './adapters/spool/look-at-spool.ts';
import { openSpool } from './adapters/spool/sqlite-spool.ts';
import type { ServiceHandle, ServiceOverrides } from './cli/service-handle.ts';
import { createAlerting } from './compose/alerting.ts';
import { callbackKeys, sealingKeys, streamingDomainOf } from './compose/callback-trust.ts';
import { composeForwarding } from './compose/forwarding.ts';
import { composeJobs } from './compose/jobs.ts';
import { composeQuarantine } from './compose/quarantine.ts';
import { composeHistory } from './compose/queries.ts';
import { ReleaseStack } from './compose/release-stack.ts';
import { isDone, openStorage, untilDone } from './compose/storage.ts';
import { createVendor } from './compose/vendor.ts';
import { type Config, ConfigurationError, environmentSecrets, type Secrets } from './config/env.ts';
import { loadSettings } from './config/load-settings.ts';
import type { Settings } from './config/settings.ts';
import { dashboardRouter } from './dashboard/dashboard-router.ts';
import { allRoutes } from './http/api/all-routes.ts';
import { createApiRouter } from './http/api/api-router.ts';
import { bindingProblem } from './http/auth.ts';
import { callbackRoutes } from './http/callback-routes.ts';
import { healthRoutes } from './http/health.ts';
import { createMetrics, metricsRoutes } from './http/metrics.ts';
import { registerReceiverMetrics } from './http/receiver-metrics.ts';
import { createHttpServer } from './http/server.ts';
import type { Clock } from './ports.ts';
import { controlConfigs } from './usecases/control-configs.ts';
import { desiredDomains, SNAPSHOT_CALLBACK_PATH } from './usecases/desired-domains.ts';
import { FORWARD_TASK, forwardsToOurselves, forwardTargets } from './usecases/forward-callback.ts';
import { inspectSlots } from './usecases/inspect-slot.ts';
import { createKnownTemplates } from './usecases/known-templates.ts';
import { manageTokens } from './usecases/manage-tokens.ts';
import { noteSettings } from './usecases/note-settings.ts';
import { createReceiver } from './usecases/receiver.ts';
import { createReceiverJobs } from './usecases/receiver-jobs.ts';
import { createWall } from './usecases/watch-wall.ts';
import { prepareWorker, type RunningWorker, startWorker } from './worker/start-worker.ts';

/** The only composition root: (environment, overrides) to a thing with `close()`. */

export { openStorage } from './compose/storage.ts';

export interface Environment {
  config: Config;
  secrets: Secrets;
}

/** What a caller may put in place of what the environment says: the demo and the tests. */
export interface Overrides extends ServiceOverrides {
  clock?: Clock;
}

export const systemClock: Clock = { now: () => Date.now() };

const VERSION: string = createRequire(import.meta.url)('../package.json').version;
/** A question of the API that takes longer is stopped: nobody waits for it any more, and it keeps others waiting. */
const QUESTION_MS = 20_000;
const VERSIONS_REFRESH_MS = 10_000;
const SPOOL_WATCH_MS = 10_000;
/** A callback this late may come after its slot was judged: the audit looks again. */
const LATE_SHARE_OF_SETTLE = 0.8;

export async function createService(environment: Environment, overrides: Overrides = {}): Promise<ServiceHandle> {
  const { config, secrets } = overriding(environment, overrides);
  const clock = overrides.clock ?? systemClock;
  const now = () => clock.now();
  const settings = overrides.settings ?? (await loadSettings(config.settingsFile));
  const publicUrl = checkService(config, settings);
  const logger = pino({ level: config.logLevel, base: null });
  const release = new ReleaseStack();
  try {
    const spoolDirectory = path.join(config.dataDir, 'spool');
    // A spool says that an earlier start reached the database: it is away, and not wrongly named. Callbacks can be taken meanwhile.
    const storage = await openStorage(
      { config },
      { onProgress: overrides.onProgress, logger, mayBeAway: hasSpool(spoolDirectory) },
    );
    release.add(storage.close);
    const { database } = storage;
    const vendor = createVendor(config, {
      database,
      accessKey: overrides.accessKey,
      patience: overrides.vendorPatience,
      logger,
    });
    release.add(vendor.close);
    const configStore = createConfigStore(database, { sealingKeys: sealingKeys(secrets) });
    const desired = desiredDomains(settings, { publicUrl, callbackKey: secrets.callbackKey });
    const templates = createKnownTemplates(settings, configStore);
    // An audit must not starve the receiver of connections.
    const receiving = openDatabase({
      url: database.url,
      // Two each for captures, signals, quarantine and forwards would be eight; the last three are rare.
      maxConnections: 6,
      applicationName: 'snapaudit-receiver',
      onError: (error) => logger.warn({ err: error }, 'an idle database connection ended'),
    });
    release.add(receiving.close);
    const metrics = createMetrics({
      source: createMetricsSource(
        database,
        settings.domains.map(({ domain }) => domain),
      ),
      clock,
      version: VERSION,
      channels: settings.notify.map(({ name }) => name),
    });
    const heartbeats = createHeartbeatStore({ database: receiving });
    const quarantine = createQuarantineStore({ database: receiving });
    const receiver = createReceiver({
      stores: {
        captures: createCaptureStore({
          database: receiving,
          now,
          lateEvidenceAfterMs: LATE_SHARE_OF_SETTLE * settings.audit.settleSeconds * 1000,
        }),
        signals: createSignalStore({ database: receiving, now }),
        quarantine,
        heartbeats,
        forwards: createForwardQueue({ database: receiving, task: FORWARD_TASK }),
      },
      spool: openSpool({
        directory: spoolDirectory,
        maxBytes: settings.callbacks.spoolMegabytes * 1024 ** 2,
        now,
        onDamaged: (file) =>
          logger.error({ file }, 'a spool file is damaged; it may hold callbacks that were answered 200'),
      }),
      clock,
      publicUrl,
      keys: callbackKeys(secrets),
      clockWindowSeconds: settings.callbacks.clockWindowSeconds,
      aliases: settings.callbacks.aliases,
      templatesOf: templates.templatesOf,
      streamingDomainOf: streamingDomainOf(settings),
      forwardTargetsOf: forwardTargets(settings),
      host: os.hostname(),
      onProblem: (message, error) => logger.warn({ err: error }, message),
    });
    registerReceiverMetrics(metrics.registry, receiver, now);
    const alerting = createAlerting({
      database,
      clock,
      settings,
      secrets: environmentSecrets(),
      publicUrl,
      callbackKey: secrets.callbackKey,
      configVersions: (domain) => configStore.versions(domain),
      live: vendor.live,
      logger,
      runSoon: async (job) => worker?.runSoon(job),
      metrics,
    });
    const tokens = tokensOf(database, secrets, clock);
    // Unknown while the database is away; what is asked of us without a token is then answered to this machine only.
    const binding = storage.isAway ? null : bindingProblem(config.host, await tokens.usable());
    if (binding) throw new ConfigurationError('The service cannot start:', [binding]);
    // One question that takes long must not keep the others, or the jobs, from their connections.
    const asking = openDatabase({
      url: database.url,
      maxConnections: 8,
      applicationName: 'snapaudit-api',
      statementTimeoutMs: QUESTION_MS,
      onError: (error) => logger.warn({ err: error }, 'an idle database connection ended'),
    });
    release.add(asking.close);
    const reads = createHistoryReads(asking);
    const { queries, exports, reports } = composeHistory({ database, asking, clock, buckets: vendor.buckets });
    const operatorLog = createOperatorLog(database);
    const wall = createWall({
      reads: createWallReads(asking),
      queries,
      clock,
      own: () => receiver.state(),
      account: settings.account,
      onError: (error) => logger.warn({ err: error }, 'the wall could not be read anew'),
    });
    const inspector = inspectSlots({
      reads: { ...reads, ...createTimelineReads(asking) },
      gaps: queries,
      clock,
      buckets: vendor.buckets,
      live: vendor.live,
    });
    const pictures = knownPictureOrigins(
      settings.domains.flatMap((domain) => domain.apps),
      () => reads.configVersions({}),
      config.ossEndpoint,
    );
    const dashboard = dashboardRouter({ pictureOrigins: pictures.origins });
    const callbacks = callbackRoutes(receiver, { onAnswered: metrics.callbackAnswered });
    const server = createHttpServer({
      direct: callbacks.direct,
      routers: [
        callbacks.router,
        healthRoutes(receiver, now),
        metricsRoutes(metrics),
        createApiRouter({
          routes: allRoutes({
            queries,
            wall,
            inspector,
            alerting: alerting.handle,
            configs: controlConfigs({ live: vendor.live, store: configStore, clock }, desired),
            exports,
            reports,
            quarantine: composeQuarantine({ database, settings, secrets, publicUrl }),
            tokens,
            operatorLog,
            clock,
          }),
          tokens,
          operatorLog,
          onError: (error, at) => logger.error({ err: error, ...at }, 'a request failed'),
        }),
        dashboard,
      ],
      logger,
    });

    const jobs = [
      ...composeJobs({
        database,
        vendor,
        clock,
        settings,
        publicUrl,
        configStore,
        desired,
        findings: alerting.configFindings,
        logger,
      }),
      ...createReceiverJobs({
        clock,
        days: createCaptureDays({ database }),
        quarantine,
        heartbeats,
        captureRetentionDays: settings.retention.captureDays,
        quarantineRetentionDays: settings.retention.quarantineDays,
        canary: {
          callbackUrl: `${publicUrl}${SNAPSHOT_CALLBACK_PATH}`,
          key: secrets.callbackKey,
          probe: createHttpProbe(),
        },
        onReachability: (reachability) => {
          if (!reachability.reachable) logger.warn(reachability, 'the public URL cannot be reached: blind');
        },
      }),
      ...alerting.jobs,
    ];
    let url: string | null = null;
    let worker: RunningWorker | null = null;
    const stopping = new AbortController();
    let begun: Promise<void> | undefined;
    let jobsEnd: Promise<void> | undefined;
    const readVersions = () => Promise.all([templates.refresh(), pictures.refresh()]);
    const prepare = async () => {
      await readVersions();
      await prepareWorker(database.url);
    };
    const startJobs = async () => {
      // At the start and not at the first watch of this replica: by then somebody may have applied other settings.
      await noteSettings({ store: configStore, clock }, desired);
      worker = await startWorker({
        connectionString: database.url,
        jobs,
        tasks: [composeForwarding({ settings, clock, logger, sink: alerting.sink, onOutcome: metrics.forwarded })],
        onError: (job, error) => {
          metrics.jobFailed(job);
          logger.error({ err: error, job }, 'a job failed');
        },
        log: (level, message) => logger[level === 'warning' ? 'warn' : 'error'](message),
      });
    };
    const startJobsLater = () =>
      untilDone(
        async () => {
          await prepare();
          await startJobs();
        },
        database,
        { signal: stopping.signal, logger },
      );
    const endJobs = async () => {
      await begun?.catch(() => {});
      await worker?.close();
    };
    return {
      queries,
      url: () => url ?? publicUrl,
      async start() {
        if (!storage.isAway) await prepare();
        const refreshing = setInterval(() => {
          readVersions().catch((error) => logger.warn({ err: error }, 'the config versions could not be read anew'));
        }, VERSIONS_REFRESH_MS);
        const watchingSpool = setInterval(() => {
          const { spool, forwardsDropped } = receiver.state();
          alerting
            .watchSpool(spool, os.hostname(), forwardsDropped)
            .catch((error) => logger.warn({ err: error }, 'the depth of the spool could not be reported'));
        }, SPOOL_WATCH_MS);
        // Before the receiver in this list, thus after it in time: what is on the wire does not wait for a job that takes its time.
        release.add(async () => jobsEnd);
        release.add(receiver.close);
        release.add(async () => {
          clearInterval(refreshing);
          clearInterval(watchingSpool);
        });
        url = await listen(server, config);
        release.add(() => server.close());
        // Event streams would keep the server from closing.
        release.add(async () => wall.close());
        dashboard.warm().catch((error) => logger.error({ err: error }, 'the dashboard could not be bundled'));
        // First of all: jobs learn that they have to end, while callbacks are still being answered.
        release.add(async () => {
          stopping.abort();
          jobsEnd = endJobs();
          jobsEnd.catch(() => {});
        });
        // After listening: a heartbeat says that callbacks can be taken.
        await receiver.start();
        // Callbacks are being taken by now: a database that goes away just here must not end that.
        const starting = storage.isAway ? Promise.resolve(false) : isDone(startJobs, database, logger);
        begun = starting.then(() => {});
        if (!(await starting)) {
          begun = startJobsLater();
          begun.catch(
            (error) => stopping.signal.aborted || logger.error({ err: error }, 'no job runs: start the service anew'),
          );
        }
      },
      runSoon: async (job) => worker?.runSoon(job),
      close: () => release.releaseAll(),
    };
  } catch (error) {
    await release.releaseAll();
    throw error;
  }
}

function overriding(environment: Environment, overrides: Overrides): Environment {
  return {
    config: { ...environment.config, ...overrides.config },
    secrets: { ...environment.secrets, ...overrides.secrets },
  };
}

/** What must be right before the service may start; all of it at once. Returns the public URL. */
function checkService(config: Config, settings: Pick<Settings, 'domains'>): string {
  const problems: string[] = [];
  if (config.publicUrl === null) {
    problems.push(
      'SNAPAUDIT_PUBLIC_URL is not set: set it to the base under which the vendor reaches this service, e.g. https://audit.example.com',
    );
  }
  problems.push(...forwardsToOurselves(settings, config.publicUrl ?? ''));
  if (problems.length > 0) throw new ConfigurationError('The service cannot start:', problems);
  return config.publicUrl ?? '';
}

async function listen(server: ReturnType<typeof createHttpServer>, { host, port }: Config): Promise<string> {
  try {
    return await server.listen({ port, host });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new ConfigurationError('The service cannot start:', [
      code === 'EADDRINUSE'
        ? `port ${port} of ${host} is taken by another program: stop it, or set PORT to another one`
        : `it cannot listen on port ${port} of ${host} (${code}): set HOST to an address of this machine, PORT to a port that it may open`,
    ]);
  }
}

function tokensOf(database: Database, secrets: Secrets, clock: Clock) {
  return manageTokens({ store: createTokenStore(database), clock, environmentToken: secrets.apiToken });
}
