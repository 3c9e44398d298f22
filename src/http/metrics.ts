import { Router } from 'express';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { SLOT_VERDICTS_THAT_COUNT } from '../core/verdict.ts';
import type { Clock, MetricsSource } from '../ports.ts';

/** What the service counts itself; everything else is read from the database at scrape time. */
export interface Metrics {
  registry: Registry;
  /** The text that Prometheus scrapes. */
  text(): Promise<string>;
  /** A callback was answered; `outcome` is one of a few words, e.g. `stored`, `rejected`, `unavailable`. */
  callbackAnswered(kind: 'snapshot' | 'stream', outcome: string, seconds: number): void;
  /** One evaluation of alerting: how long, and how many streams it watched; null where it could not look at them. */
  evaluated(seconds: number, streams: { watched: number; suspected: number } | null): void;
  notified(channel: string, outcome: (typeof OUTCOMES)[number]): void;
  /** One try to pass a callback on to the receiver that stood there before. */
  forwarded(outcome: 'delivered' | 'dropped'): void;
  jobFailed(job: string): void;
}

const OUTCOMES = ['sent', 'retry', 'failed'] as const;

/** Several scrapers within this time share one reading of the database. */
const SNAPSHOT_MS = 2_000;

/** Base units, prefix `snapaudit_`, labels domain and app at most: a stream is never a label. */
export function createMetrics(parts: {
  source: MetricsSource;
  clock: Clock;
  version: string;
  /** Names of the channels. A count that begins with its first event has no increase that a rule could see. */
  channels: readonly string[];
}): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'snapaudit_' });
  // The library names these gauges like counters; what they count stands in their siblings without `_total`.
  for (const kind of ['handles', 'requests', 'resources']) {
    registry.removeSingleMetric(`snapaudit_nodejs_active_${kind}_total`);
  }
  const registers = [registry];
  const gauge = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Gauge({ name: `snapaudit_${name}`, help, labelNames, registers });
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Counter({ name: `snapaudit_${name}`, help, labelNames, registers });
  const histogram = <Label extends string>(name: string, help: string, buckets: number[], labelNames: Label[] = []) =>
    new Histogram({ name: `snapaudit_${name}`, help, buckets, labelNames, registers });

  gauge('build_info', 'Always 1; the version is a label.', ['version']).set({ version: parts.version }, 1);
  const callbacks = counter('callbacks_total', 'Callbacks answered.', ['kind', 'outcome']);
  const callbackSeconds = histogram(
    'callback_duration_seconds',
    'From the request to the answer after the commit.',
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    ['kind'],
  );
  const evaluationSeconds = histogram(
    'evaluation_duration_seconds',
    'One evaluation of alerting: looking, deciding, writing.',
    [0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5],
  );
  const evaluationAt = gauge(
    'last_evaluation_timestamp_seconds',
    'When alerting last looked at the streams; 0: not since the start.',
  );
  const watched = gauge('watched_streams', 'Streams on air that a config expects snapshots of.');
  const suspected = gauge('suspected_streams', 'Streams on air whose callbacks have stopped.');
  const notifications = counter('notification_attempts_total', 'Messages handed to a channel.', ['channel', 'outcome']);
  for (const channel of parts.channels) {
    for (const outcome of OUTCOMES) notifications.inc({ channel, outcome }, 0);
  }
  const forwards = counter('forwards_total', 'Callbacks passed on, or given up.', ['outcome']);
  const jobFailures = counter('job_failures_total', 'Runs of jobs that failed.', ['job']);

  const onAir = gauge('streams_on_air', 'Streams with a running session.', ['domain', 'app']);
  const slots = gauge('recent_slots', 'Judged slots of the current and the last hour.', ['domain', 'app', 'verdict']);
  const coverage = gauge('recent_coverage_ratio', 'Good slots by slots that count, the current and the last hour.', [
    'domain',
    'app',
  ]);
  const incidents = gauge('open_incidents', 'Incidents that are not resolved.', ['kind', 'severity', 'status']);
  const queued = gauge('notifications', 'Notifications kept, by status.', ['channel', 'status']);
  const auditAge = gauge(
    'audit_age_seconds',
    'Since the last audit of the domain finished; where none has, since the first was begun or a stream went on air.',
    ['domain'],
  );
  const quarantined = gauge('quarantined_requests', 'Requests put into quarantine in the last hour.', ['kind']);
  const heartbeatAge = gauge('receiver_heartbeat_age_seconds', 'Since a receiver could last take callbacks.');
  const databaseUp = gauge('database_up', '1 where the database answered this scrape.');

  // Numbers that could not be read are absent, neither old nor 0: what is known elsewhere decides, or a rule on their absence.
  const unknown = () => {
    for (const one of [onAir, slots, coverage, incidents, queued, auditAge, quarantined]) one.reset();
    heartbeatAge.remove();
  };
  const unwatched = () => {
    watched.remove();
    suspected.remove();
  };
  unknown();
  unwatched();

  let readAt = 0;
  let reading: Promise<void> | null = null;
  async function refresh(): Promise<void> {
    const now = parts.clock.now();
    try {
      const snapshot = await parts.source.read(now);
      unknown();
      for (const { domain, app, streams } of snapshot.onAir) onAir.set({ domain, app }, streams);
      for (const { domain, app, verdict, slots: count } of snapshot.slots) slots.set({ domain, app, verdict }, count);
      for (const [{ domain, app }, ratio] of coverageOf(snapshot.slots)) coverage.set({ domain, app }, ratio);
      for (const { count, ...labels } of snapshot.incidents) incidents.set(labels, count);
      for (const { channel, status, count } of snapshot.notifications) queued.set({ channel, status }, count);
      for (const { domain, seconds } of snapshot.auditAgeSeconds) auditAge.set({ domain }, seconds);
      for (const { kind, count } of snapshot.quarantined) quarantined.set({ kind }, count);
      if (snapshot.newestHeartbeat !== null) heartbeatAge.set((now - snapshot.newestHeartbeat) / 1000);
      databaseUp.set(1);
    } catch {
      unknown();
      databaseUp.set(0);
    }
  }
  databaseUp.set(0);

  return {
    registry,
    async text() {
      const age = Date.now() - readAt;
      if (reading === null && (age >= SNAPSHOT_MS || age < 0)) {
        reading = refresh().finally(() => {
          readAt = Date.now();
          reading = null;
        });
      }
      await reading;
      return registry.metrics();
    },
    callbackAnswered(kind, outcome, seconds) {
      callbacks.inc({ kind, outcome });
      callbackSeconds.observe({ kind }, seconds);
    },
    evaluated(seconds, streams) {
      evaluationSeconds.observe(seconds);
      if (streams === null) return unwatched();
      evaluationAt.set(parts.clock.now() / 1000);
      watched.set(streams.watched);
      suspected.set(streams.suspected);
    },
    notified: (channel, outcome) => notifications.inc({ channel, outcome }),
    forwarded: (outcome) => forwards.inc({ outcome }),
    jobFailed: (job) => jobFailures.inc({ job }),
  };
}

const GOOD: ReadonlySet<string> = new Set(['ok']);
const COUNTED: ReadonlySet<string> = new Set(SLOT_VERDICTS_THAT_COUNT);

function coverageOf(
  slots: readonly { domain: string; app: string; verdict: string; slots: number }[],
): [{ domain: string; app: string }, number][] {
  const sums = new Map<string, { domain: string; app: string; good: number; counted: number }>();
  for (const { domain, app, verdict, slots: count } of slots) {
    const key = `${domain}\n${app}`;
    const sum = sums.get(key) ?? { domain, app, good: 0, counted: 0 };
    if (GOOD.has(verdict)) sum.good += count;
    if (COUNTED.has(verdict)) sum.counted += count;
    sums.set(key, sum);
  }
  return [...sums.values()].flatMap(({ domain, app, good, counted }) =>
    counted === 0 ? [] : [[{ domain, app }, good / counted] as [{ domain: string; app: string }, number]],
  );
}

/** `GET /metrics`. Numbers only, no names of streams: it needs no token. */
export function metricsRoutes(metrics: Metrics): Router {
  const router = Router();
  router.get('/metrics', async (_request, response) => {
    response.type(metrics.registry.contentType).send(await metrics.text());
  });
  return router;
}
