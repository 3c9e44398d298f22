import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createMetricsSource } from '../../src/adapters/postgres/metrics-source.ts';
import { timestamp } from '../../src/adapters/postgres/timestamp.ts';
import { createMetrics, metricsRoutes } from '../../src/http/metrics.ts';
import { registerReceiverMetrics } from '../../src/http/receiver-metrics.ts';
import type { MetricsSnapshot } from '../../src/ports.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { fillHistory, NOW } from '../support/filled-history.ts';
import { freePort } from '../support/free-port.ts';
import { addStream } from '../support/history.ts';
import { isInstalled } from '../support/is-installed.ts';

const RULES = fileURLToPath(new URL('../../src/http/prometheus-rules.yml', import.meta.url));
const promtool = isInstalled('promtool');
const prometheus = isInstalled('prometheus');

let database: TestDatabase;
let server: Server;
let url: string;

beforeAll(async () => {
  database = await createTestDatabase();
  await fillHistory(database);
  const metrics = createMetrics({
    source: createMetricsSource(database, ['play.example.com']),
    clock: { now: () => NOW },
    version: '0.1.0',
    channels: ['chat', 'mail'],
  });
  metrics.callbackAnswered('snapshot', 'stored', 0.003);
  metrics.evaluated(0.05, { watched: 200, suspected: 1 });
  metrics.notified('chat', 'sent');
  metrics.jobFailed('audit');
  metrics.forwarded('dropped');
  const app = express().use(metricsRoutes(metrics));
  server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await database?.drop();
});

const scrape = async () => (await fetch(url)).text();

describe('/metrics', () => {
  it('counts by domain and app, and never names a stream', async () => {
    const text = await scrape();
    expect(text).toContain('snapaudit_database_up 1');
    expect(text).toMatch(/snapaudit_recent_slots\{domain="[^"]+",app="[^"]+",verdict="ok"\} \d+/);
    expect(text).toContain('snapaudit_callbacks_total{kind="snapshot",outcome="stored"} 1');
    expect(text).toContain('snapaudit_forwards_total{outcome="dropped"} 1');
    const streams = await database.db.selectFrom('streams').select('stream').distinct().execute();
    for (const { stream } of streams) expect(text).not.toContain(`"${stream}"`);
    expect(text).not.toContain('stream=');
    const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1]);
    expect(names.filter((name) => !name?.startsWith('snapaudit_'))).toEqual([]);
  });

  const OF_THE_DATABASE = /^snapaudit_(streams_on_air|audit_age_seconds|receiver_heartbeat_age_seconds)\b/m;
  /** Metrics whose database can be taken away; each text is read anew. */
  function takenAway(change: (snapshot: MetricsSnapshot) => MetricsSnapshot = (snapshot) => snapshot) {
    const source = createMetricsSource(database, ['play.example.com']);
    let isAway = false;
    let time = Date.now();
    vi.spyOn(Date, 'now').mockImplementation(() => time);
    const metrics = createMetrics({
      source: { read: async (now) => (isAway ? Promise.reject(new Error('away')) : change(await source.read(now))) },
      clock: { now: () => NOW },
      version: '0.1.0',
      channels: ['chat'],
    });
    return {
      metrics,
      text(away: boolean) {
        isAway = away;
        time += 10_000;
        return metrics.text();
      },
    };
  }
  afterEach(() => vi.restoreAllMocks());

  it('says that the database is away instead of giving old numbers', async () => {
    const { text } = takenAway((snapshot) => ({ ...snapshot, newestHeartbeat: NOW - 4_000 }));
    const before = await text(false);
    expect(before).toContain('snapaudit_database_up 1');
    expect(before).toMatch(OF_THE_DATABASE);
    expect(before).toContain('snapaudit_receiver_heartbeat_age_seconds 4');
    const after = await text(true);
    expect(after).toContain('snapaudit_database_up 0');
    expect(after).not.toMatch(OF_THE_DATABASE);
  });

  it('gives no age to a heartbeat that never was', async () => {
    const { text } = takenAway((snapshot) => ({ ...snapshot, newestHeartbeat: null }));
    expect(await text(false)).not.toMatch(/^snapaudit_receiver_heartbeat_age_seconds/m);
  });

  it('does not count an evaluation that could not look at the streams as one', async () => {
    const { metrics, text } = takenAway();
    metrics.evaluated(0.05, { watched: 200, suspected: 1 });
    expect(await text(false)).toContain('snapaudit_watched_streams 200');
    const at = () => text(false).then((all) => /^snapaudit_last_evaluation_timestamp_seconds (.*)$/m.exec(all)?.[1]);
    const before = await at();
    metrics.evaluated(0.05, null);
    expect(await at()).toBe(before);
    expect(await text(false)).not.toMatch(/^snapaudit_(watched|suspected)_streams/m);
  });

  it('begins the counts of every channel at nought, so that the first failure is an increase', async () => {
    const { text } = takenAway();
    expect(await text(true)).toContain('snapaudit_notification_attempts_total{channel="chat",outcome="failed"} 0');
  });

  it('ages the audit of a domain from when a stream went on air or the first audit began, where none has finished', async () => {
    const source = createMetricsSource(database, ['young.example.com', 'failing.example.com']);
    const ages = async () =>
      new Map((await source.read(NOW)).auditAgeSeconds.map(({ domain, seconds }) => [domain, seconds]));
    const streamId = await addStream(database, 'young.example.com', 'live', 'cam');
    const session = { stream_id: streamId, ended_at: null, certainty: 'announced' as const };
    await database.db
      .insertInto('sessions')
      .values({ ...session, started_at: timestamp(NOW - 3_000_000) })
      .execute();
    expect((await ages()).get('young.example.com')).toBe(3_000);
    const at = timestamp(NOW - 600_000);
    const audit = { domain: 'failing.example.com', app: null, from_at: at, to_at: at, started_at: at, finished_at: at };
    await database.db
      .insertInto('audits')
      .values({ ...audit, status: 'failed', error: 'OSS answered 403', seconds: null })
      .execute();
    expect((await ages()).get('failing.example.com')).toBe(600);
    const done = { ...audit, domain: 'young.example.com', status: 'done' as const, error: null, seconds: 1 };
    await database.db.insertInto('audits').values(done).execute();
    expect((await ages()).get('young.example.com')).toBe(600);
    // One that has left the settings is looked at no more: no rule is to complain of it, nor is it said to be on air.
    const others = await createMetricsSource(database, ['failing.example.com']).read(NOW);
    expect(others.auditAgeSeconds.map(({ domain }) => domain)).toEqual(['failing.example.com']);
    expect(others.onAir).toEqual([]);
    expect((await source.read(NOW)).onAir).toEqual([{ domain: 'young.example.com', app: 'live', streams: 1 }]);
  });
});

it('what a receiver counts since the start are counters, as high as it has counted', async () => {
  const registry = new Registry();
  const state = { pending: 3, databaseDownSince: null, spool: null, aliveUntil: null, batches: 7, batchedItems: 70 };
  registerReceiverMetrics(
    registry,
    { state: () => ({ ...state, turnedAway: 2, notKept: 1, forwardsDropped: 4 }) },
    () => NOW,
  );
  for (let scrape = 0; scrape < 2; scrape++) {
    const text = await registry.metrics();
    expect(text).toContain('# TYPE snapaudit_receiver_batches_total counter\nsnapaudit_receiver_batches_total 7\n');
    expect(text).toContain('snapaudit_receiver_batched_items_total 70');
    expect(text).toContain('snapaudit_receiver_turned_away_total 2');
    expect(text).toContain('snapaudit_receiver_not_kept_total 1');
    expect(text).toContain('# TYPE snapaudit_receiver_pending_items gauge\nsnapaudit_receiver_pending_items 3\n');
  }
});

describe.skipIf(!promtool)(`promtool${promtool ? '' : ' (skipped: not installed: prometheus)'}`, () => {
  it('accepts the metrics', async () => {
    expect(execFileSync('promtool', ['check', 'metrics'], { input: await scrape(), encoding: 'utf8' })).toBe('');
  });
  it('accepts the rules', () => {
    expect(execFileSync('promtool', ['check', 'rules', RULES], { encoding: 'utf8' })).toContain('SUCCESS');
  });
  it('finds that the rules fire when they should, and only then', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'snapaudit-rules-'));
    try {
      copyFileSync(RULES, path.join(folder, 'rules.yml'));
      writeFileSync(path.join(folder, 'test.yml'), RULE_TESTS);
      expect(
        execFileSync('promtool', ['test', 'rules', 'test.yml'], { cwd: folder, encoding: 'utf8', stdio: 'pipe' }),
      ).toContain('SUCCESS');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe.skipIf(!prometheus)(`a real Prometheus${prometheus ? '' : ' (skipped: not installed: prometheus)'}`, () => {
  let running: ChildProcess | undefined;
  let folder: string | undefined;
  afterAll(async () => {
    if (running && running.exitCode === null) {
      const exited = once(running, 'exit');
      running.kill('SIGKILL');
      await exited;
    }
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it('scrapes the metrics and evaluates the rules', async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'snapaudit-prometheus-'));
    copyFileSync(RULES, path.join(folder, 'rules.yml'));
    writeFileSync(
      path.join(folder, 'prometheus.yml'),
      `global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [rules.yml]
scrape_configs: [{ job_name: snapaudit, static_configs: [{ targets: ['${new URL(url).host}'] }] }]
`,
    );
    const port = await freePort();
    running = spawn(
      'prometheus',
      ['--config.file=prometheus.yml', '--storage.tsdb.path=data', `--web.listen-address=127.0.0.1:${port}`],
      { cwd: folder, stdio: 'ignore' },
    );
    const ask = async (query: string) => {
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${query}`).catch(() => null);
      return answer?.ok ? ((await answer.json()) as { data: Record<string, unknown[]> }).data : null;
    };
    await expect
      .poll(async () => (await ask('query?query=snapaudit_database_up'))?.result?.length, { timeout: 40_000 })
      .toBe(1);
    await expect
      .poll(
        async () => {
          const data = await ask('rules');
          const groups = (data?.groups ?? []) as { rules: { health: string; lastError?: string }[] }[];
          return groups.flatMap((group) => group.rules.map((rule) => rule.lastError ?? rule.health));
        },
        { timeout: 20_000 },
      )
      .toSatisfy((healths: string[]) => healths.length >= 10 && healths.every((health) => health === 'ok'));
  }, 90_000);
});

const RULE_TESTS = `
rule_files: [rules.yml]
evaluation_interval: 15s
tests:
  - interval: 15s
    input_series:
      - series: 'snapaudit_build_info{version="1"}'
        values: '1x80'
      - series: 'snapaudit_receiver_heartbeat_age_seconds'
        values: '1x20 45x20 1x40'
      - series: 'snapaudit_recent_coverage_ratio{domain="d",app="a"}'
        values: '0.99x20 0.5x60'
      - series: 'snapaudit_notifications{channel="chat",status="pending"}'
        values: '0x10 3x70'
      - series: 'snapaudit_notification_attempts_total{channel="chat",outcome="sent"}'
        values: '5x80'
      - series: 'snapaudit_notification_attempts_total{channel="mail",outcome="failed"}'
        values: '0x20 1x60'
      - series: 'snapaudit_database_up'
        values: '1x80'
    alert_rule_test:
      - eval_time: 4m
        alertname: SnapauditBlind
        exp_alerts: []
      - eval_time: 7m
        alertname: SnapauditBlind
        exp_alerts:
          - exp_labels: { severity: critical }
            exp_annotations:
              summary: No receiver of Snapaudit takes callbacks
              description: The last heartbeat of a receiver is 45s old. This is our outage, not the vendor's.
      - eval_time: 19m
        alertname: SnapauditBlind
        exp_alerts: []
      - eval_time: 19m
        alertname: SnapauditNoReceiver
        exp_alerts: []
      - eval_time: 4m
        alertname: SnapauditNotificationsFailed
        exp_alerts: []
      - eval_time: 19m
        alertname: SnapauditNotificationsFailed
        exp_alerts:
          - exp_labels: { severity: warning, channel: mail }
            exp_annotations:
              summary: The channel mail rejects notifications
              description: What they told is told again by the next repeat only. \`snapaudit notify list --status failed\` says why.
      - eval_time: 19m
        alertname: SnapauditDown
        exp_alerts: []
      - eval_time: 19m
        alertname: SnapauditCoverageLow
        exp_alerts:
          - exp_labels: { severity: warning, domain: d, app: a }
            exp_annotations:
              summary: Snapshot coverage of d/a is 50%
              description: More than one in twenty snapshots is missing, late, misnamed or not announced.
      - eval_time: 19m
        alertname: SnapauditNotificationsStuck
        exp_alerts:
          - exp_labels: { severity: warning, channel: chat }
            exp_annotations:
              summary: Notifications of chat do not get through
              description: '\`snapaudit notify list\` says why.'
  - interval: 15s
    input_series:
      - series: 'up'
        values: '0x40'
      - series: 'snapaudit_database_up{instance="knows"}'
        values: '1x40'
    alert_rule_test:
      - eval_time: 5m
        alertname: SnapauditNoReceiver
        exp_alerts:
          - exp_labels: { severity: critical }
            exp_annotations:
              summary: No receiver of Snapaudit has ever been alive
              description: Nothing can be said of any callback.
      - eval_time: 5m
        alertname: SnapauditDown
        exp_alerts:
          - exp_labels: { severity: critical }
            exp_annotations:
              summary: Snapaudit is not scraped
              description: No replica answers /metrics. While none runs, callbacks are lost and nothing is audited.
`;
