import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMetricsSource } from '../../src/adapters/postgres/metrics-source.ts';
import { createMetrics, metricsRoutes } from '../../src/http/metrics.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { fillHistory, NOW } from '../support/filled-history.ts';
import { freePort } from '../support/free-port.ts';
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
  const metrics = createMetrics({ source: createMetricsSource(database), clock: { now: () => NOW }, version: '0.1.0' });
  metrics.callbackAnswered('snapshot', 'stored', 0.003);
  metrics.evaluated(0.05, 200, 1);
  metrics.notified('chat', 'sent');
  metrics.jobFailed('audit');
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
    const streams = await database.db.selectFrom('streams').select('stream').distinct().execute();
    for (const { stream } of streams) expect(text).not.toContain(`"${stream}"`);
    expect(text).not.toContain('stream=');
    const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1]);
    expect(names.filter((name) => !name?.startsWith('snapaudit_'))).toEqual([]);
  });

  it('says that the database is away instead of giving old numbers', async () => {
    const metrics = createMetrics({
      source: { read: () => Promise.reject(new Error('away')) },
      clock: { now: () => NOW },
      version: '0.1.0',
    });
    const text = await metrics.text();
    expect(text).toContain('snapaudit_database_up 0');
    expect(text).not.toContain('snapaudit_streams_on_air{');
  });
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
    alert_rule_test:
      - eval_time: 5m
        alertname: SnapauditDown
        exp_alerts:
          - exp_labels: { severity: critical }
            exp_annotations:
              summary: Snapaudit is not scraped
              description: No replica answers /metrics. While none runs, callbacks are lost and nothing is audited.
`;
