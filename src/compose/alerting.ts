import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { postJson } from '../adapters/notify/post-json.ts';
import { createAlertingFacts } from '../adapters/postgres/alerting-facts.ts';
import { createAuditStore } from '../adapters/postgres/audit-store.ts';
import { createChannelStates } from '../adapters/postgres/channel-states.ts';
import type { Database } from '../adapters/postgres/database.ts';
import { createExcusedStore } from '../adapters/postgres/excused-store.ts';
import { createHeartbeatStore } from '../adapters/postgres/heartbeat-store.ts';
import { createIncidentStore } from '../adapters/postgres/incident-store.ts';
import { createMaintenanceStore } from '../adapters/postgres/maintenance-store.ts';
import { createNotificationStore } from '../adapters/postgres/notification-store.ts';
import { createSessionStore } from '../adapters/postgres/session-store.ts';
import { createSilenceStore } from '../adapters/postgres/silence-store.ts';
import { createHttpProbe } from '../adapters/probe/http-probe.ts';
import { ConfigurationError } from '../config/env.ts';
import { resolveSecret, type SecretSource } from '../config/secret-ref.ts';
import type { Settings } from '../config/settings.ts';
import type { ConfigVersion } from '../core/config-version.ts';
import type { Instant } from '../core/instant.ts';
import type { AlertSink, Clock, FindingSink, LiveApi } from '../ports.ts';
import { createReachabilityCheck } from '../usecases/confirm-reachability.ts';
import { SNAPSHOT_CALLBACK_PATH } from '../usecases/desired-domains.ts';
import { createHeartbeatOut } from '../usecases/heartbeat-out.ts';
import { type AlertingHandle, createAlertingHandle } from '../usecases/manage-alerting.ts';
import { createIncidentRaiser, type Evaluation } from '../usecases/raise-incidents.ts';
import { planMaintenance } from '../usecases/schedule-maintenance.ts';
import { createNotificationSender, type NotifyChannel } from '../usecases/send-notifications.ts';
import { createLookAtEnds } from '../usecases/track-sessions.ts';
import { watchReachability } from '../usecases/watch-reachability.ts';
import { createSilenceWatch } from '../usecases/watch-silence.ts';
import { createSpoolWatch, type SpoolDepth } from '../usecases/watch-spool.ts';
import type { Job } from '../worker/job.ts';
import { createChannel } from './channels.ts';

export interface AlertingParts {
  database: Database;
  clock: Clock;
  settings: Pick<Settings, 'notify' | 'alerting' | 'watch' | 'maintenance' | 'domains' | 'retention'>;
  secrets: SecretSource;
  publicUrl: string | null;
  /** Where given (null: not signed), our own public address is tried before a silence is told. */
  callbackKey?: string | null;
  configVersions(domain: string): Promise<ConfigVersion[]>;
  /** Asked before a stream is suspected whose end nobody announces. */
  live?: Pick<LiveApi, 'onlineStreams'>;
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Of the worker: has a job run now. Without it messages wait for the next run of their channel's job. */
  runSoon?(job: string): Promise<void>;
  metrics?: {
    evaluated(seconds: number, streams: { watched: number; suspected: number } | null): void;
    notified(channel: string, outcome: 'sent' | 'retry' | 'failed'): void;
  };
  /** In [0, 1); for the jitter of retries. */
  chance?(): number;
}

export interface Alerting {
  jobs: Job[];
  sink: AlertSink;
  configFindings: FindingSink;
  /** For the API routes and the commands. */
  handle: AlertingHandle;
  /** One evaluation; the job `watch-incidents` runs it every second. */
  raise(): Promise<Evaluation>;
  sendAll(signal?: AbortSignal): Promise<void>;
  /** To be called every few seconds on each replica with the spool of its receiver. */
  watchSpool(spool: SpoolDepth | null, host: string, forwardsDropped?: number): Promise<void>;
}

const CONFIG_CACHE_MS = 3_000;
const ONLINE_CACHE_MS = 3_000;
const ONLINE_PATIENCE_MS = 1_500;
const CANARY_RETRY_MS = 1_000;
const KEPT_MS = 180 * 86_400_000;
const CHANNEL_EVERY_SECONDS = 2;
const UPKEEP_EVERY_SECONDS = 120;
const HEARTBEAT_LOOK_SECONDS = 5;

/** Puts alerting together. Throws one `ConfigurationError` that lists every channel that cannot be made. */
export function createAlerting(parts: AlertingParts): Alerting {
  const { database, clock, settings, logger } = parts;
  const { alerting, watch: watchSettings } = settings;
  const channels = createChannels(parts);
  const onProblem = (what: string, error: unknown) => logger.warn({ err: error }, what);

  const facts = createAlertingFacts(database);
  const audited = new Set(settings.domains.map(({ domain }) => domain));
  const incidents = createIncidentStore(database);
  const notifications = createNotificationStore(database);
  const states = createChannelStates(database);
  const silences = createSilenceStore(database);
  const maintenance = createMaintenanceStore(database);
  const excused = createExcusedStore(database);
  const audits = createAuditStore(database);
  const sink: AlertSink = { report: (finding) => incidents.report(finding, clock.now()) };
  const configFindings: FindingSink = {
    async reportDomain(domain, findings) {
      const standing = findings.map((finding) => ({ ...finding, active: true }));
      await incidents.reportConfigs(domain, standing, clock.now());
    },
    keepDomain: (domain) => incidents.keepConfigs(domain, clock.now()),
  };
  let observedSince: Instant | null = null;
  const blindSpans = async (from: Instant, to: Instant) => {
    // Before the first heartbeat ever there was no service that could have been blind.
    observedSince ??= await audits.observedSince();
    const since = observedSince;
    return since === null || since >= to ? [] : audits.blindSpans(Math.max(from, since), to);
  };
  const lookAtEnds = createLookAtEnds({
    sessions: createSessionStore(database),
    clock,
    configVersions: parts.configVersions,
    captureRetentionDays: settings.retention.captureDays,
  });
  const excusedSpans = (from: Instant, to: Instant) => excused.inForce(from, to);

  const versions = cachedVersions(parts);
  const callbackUrl = parts.publicUrl === null ? null : `${parts.publicUrl}${SNAPSHOT_CALLBACK_PATH}`;

  const raise = createIncidentRaiser({
    clock,
    facts: {
      ...facts,
      // The streams of a domain that has left the settings stay on air for us, and are audited no more.
      auditStalls: async (before) => (await facts.auditStalls(before)).filter(({ domain }) => audited.has(domain)),
    },
    incidents,
    watch: createSilenceWatch({
      facts,
      configVersions: versions,
      callbackUrl,
      ...(parts.live ? { onlineNow: onlineNow(parts.live, clock, onProblem) } : {}),
      ...reachability(parts, onProblem),
      lookAtEnds,
      rules: watchSettings.rules,
    }),
    configVersions: versions,
    callbackUrl,
    blindSpans,
    judgedBlindSpans: () => audits.judgedBlindSpans(),
    excusedSpans,
    channels,
    rules: alerting.rules,
    severities: alerting.severity,
    tellLate: alerting.late,
    everySeconds: watchSettings.everySeconds,
    rejectedFrom: alerting.rejectedFrom,
    auditStalledAfterSeconds: alerting.auditStalledAfterSeconds,
    onProblem,
  });
  const sender = createNotificationSender({
    clock,
    notifications,
    states,
    incidents,
    silences,
    sink,
    channels,
    timeZone: alerting.timeZone,
    publicUrl: parts.publicUrl,
    rules: alerting.rules,
    digestFrom: alerting.digestFrom,
    chance: parts.chance ?? Math.random,
    ...(parts.metrics ? { onOutcome: parts.metrics.notified } : {}),
    onProblem,
  });

  let evaluatedAt: Instant | null = null;
  const evaluate = async () => {
    const evaluation = await raise();
    const { watch } = evaluation;
    // Whoever cannot look at the streams is not well, though the rest of the evaluation succeeded.
    if (watch !== null) evaluatedAt = evaluation.at;
    const streams = watch && { watched: watch.watched, suspected: watch.conditions.length };
    parts.metrics?.evaluated(evaluation.seconds, streams);
    for (const { kind, incident } of evaluation.changes ?? []) {
      logger.info({ incident: incident.id, kind: incident.kind, ...incident.scope, change: kind }, 'incident');
    }
    if (evaluation.changes?.length && parts.runSoon) {
      await Promise.all(channels.map(({ name }) => parts.runSoon?.(sendJob(name))));
    }
    return evaluation;
  };

  return {
    sink,
    configFindings,
    raise: evaluate,
    sendAll: sender.sendAll,
    watchSpool: createSpoolWatch({ sink, clock }),
    handle: createAlertingHandle({
      clock,
      incidents,
      notifications,
      silences,
      maintenance,
      excused,
      testChannel: sender.test,
      channels: settings.notify.map(({ name, type }) => ({ name, type })),
      disabled: async (name) => {
        const channel = channels.find((one) => one.name === name);
        return channel ? states.disabled(name, channel.fingerprint) : null;
      },
    }),
    jobs: [
      {
        name: 'watch-incidents',
        everySeconds: watchSettings.everySeconds,
        run: async () => void (await evaluate()),
      },
      // A job a channel: a slow one keeps no other waiting.
      ...channels.map(({ name }) => ({
        name: sendJob(name),
        everySeconds: CHANNEL_EVERY_SECONDS,
        run: (signal: AbortSignal) => sender.sendTo(name, signal),
      })),
      {
        name: 'alerting-upkeep',
        everySeconds: UPKEEP_EVERY_SECONDS,
        async run() {
          await planMaintenance({ maintenance, excused, clock }, settings.maintenance);
          await sender.reviveChanged();
          await incidents.prune(clock.now() - KEPT_MS);
          await notifications.prune(clock.now() - KEPT_MS);
        },
      },
      ...heartbeatJob(parts, () => evaluatedAt),
    ],
  };
}

function sendJob(channel: string): string {
  return `notify-${channel}`;
}

function createChannels(parts: AlertingParts): NotifyChannel[] {
  const { settings, secrets, publicUrl } = parts;
  const problems: string[] = [];
  const channels = settings.notify.flatMap((entry): NotifyChannel[] => {
    try {
      const channel = createChannel(entry, { secrets, allowPrivate: settings.alerting.allowPrivate, publicUrl });
      return [
        {
          name: entry.name,
          channel,
          filter: entry.when,
          sendResolved: entry.sendResolved,
          sendUpdates: entry.sendUpdates,
          locale: entry.locale ?? settings.alerting.locale,
          repeatSeconds: entry.repeat ?? settings.alerting.repeatSeconds,
          fingerprint: fingerprintOf(entry, secrets),
        },
      ];
    } catch (error) {
      problems.push(`notify channel "${entry.name}": ${error instanceof Error ? error.message : String(error)}`);
      return [];
    }
  });
  if (problems.length > 0) throw new ConfigurationError('Notifications cannot be sent:', problems);
  return channels;
}

/** Changes with the settings and with the secrets behind them; from it nothing can be read back. */
function fingerprintOf(entry: Settings['notify'][number], secrets: SecretSource): string {
  const hash = createHash('sha256').update(JSON.stringify(entry));
  for (const value of Object.values(entry)) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) continue;
    if ('env' in value || 'file' in value || 'value' in value) hash.update(resolveSecret(value, secrets));
  }
  return hash.digest('hex').slice(0, 16);
}

function cachedVersions({ settings, configVersions, clock }: AlertingParts): () => Promise<ConfigVersion[]> {
  let cached: { at: Instant; versions: ConfigVersion[] } | null = null;
  return async () => {
    const now = clock.now();
    if (cached === null || Math.abs(now - cached.at) >= CONFIG_CACHE_MS) {
      const versions = await Promise.all(settings.domains.map(({ domain }) => configVersions(domain)));
      cached = { at: now, versions: versions.flat() };
    }
    return cached.versions;
  };
}

function reachability(
  { database, clock, publicUrl, callbackKey }: AlertingParts,
  onProblem: (what: string, error: unknown) => void,
): { isReachable?: () => Promise<boolean> } {
  if (publicUrl === null || callbackKey === undefined) return {};
  const callbackUrl = `${publicUrl}${SNAPSHOT_CALLBACK_PATH}`;
  const canary = { callbackUrl, key: callbackKey, probe: createHttpProbe(), spans: createHeartbeatStore({ database }) };
  const watch = () => watchReachability({ ...canary, clock, pause: () => delay(CANARY_RETRY_MS) });
  return { isReachable: createReachabilityCheck({ clock, watch, onProblem }) };
}

/** One call a domain at most every few seconds, and none that would delay a message. */
function onlineNow(
  live: Pick<LiveApi, 'onlineStreams'>,
  clock: Clock,
  onProblem: (what: string, error: unknown) => void,
) {
  const cached = new Map<string, { at: Instant; online: Promise<ReadonlySet<string> | null> }>();
  return async (domain: string): Promise<ReadonlySet<string> | null> => {
    const held = cached.get(domain);
    if (held && Math.abs(clock.now() - held.at) < ONLINE_CACHE_MS) return held.online;
    const asked = live.onlineStreams(domain).then(
      (streams): ReadonlySet<string> => new Set(streams.map(({ app, stream }) => `${app}/${stream}`)),
      (error) => {
        onProblem(`${domain} could not be asked who is on air`, error);
        return null;
      },
    );
    const { promise: late, resolve } = Promise.withResolvers<null>();
    const timer = setTimeout(() => resolve(null), ONLINE_PATIENCE_MS);
    const online = Promise.race([asked, late]).finally(() => clearTimeout(timer));
    cached.set(domain, { at: clock.now(), online });
    return online;
  };
}

function heartbeatJob(parts: AlertingParts, lastEvaluationAt: () => Instant | null): Job[] {
  const { heartbeat, allowPrivate } = parts.settings.alerting;
  if (heartbeat === null) return [];
  let url: string;
  try {
    url = resolveSecret(heartbeat.url, parts.secrets);
  } catch (error) {
    throw new ConfigurationError('The heartbeat cannot be sent:', [
      error instanceof Error ? error.message : String(error),
    ]);
  }
  const beat = createHeartbeatOut({
    clock: parts.clock,
    everySeconds: heartbeat.everySeconds,
    freshSeconds: Math.max(30, parts.settings.watch.everySeconds * 3),
    lastEvaluationAt,
    call: async () => void (await postJson({ url, body: '', method: 'GET', allowPrivate })),
  });
  return [{ name: 'heartbeat-out', everySeconds: HEARTBEAT_LOOK_SECONDS, run: async () => void (await beat()) }];
}
