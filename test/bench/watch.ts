import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import CliTable from 'cli-table3';
import { createAlertingFacts } from '../../src/adapters/postgres/alerting-facts.ts';
import { type Database, openDatabase } from '../../src/adapters/postgres/database.ts';
import { startEmbeddedServer } from '../../src/adapters/postgres/embedded-server.ts';
import { migrateToLatest } from '../../src/adapters/postgres/migrate.ts';
import { createAlerting } from '../../src/compose/alerting.ts';
import { settingsSchema } from '../../src/config/settings.ts';
import type { WatchRules } from '../../src/core/incident-rules.ts';
import type { Instant } from '../../src/core/instant.ts';
import { createSilenceWatch } from '../../src/usecases/watch-silence.ts';
import { addWatchedStreams, WATCHED_CONFIG, WATCHED_DOMAIN } from '../support/watched-streams.ts';

/**
 * `npm run bench:watch [-- --streams N --json]`: how long one tick of the watchdog takes (looking at every stream on air), and
 * one whole evaluation (all facts, the decisions, the incidents written), while all is well and while every stream is silent.
 * Ends with 1 where a tick of the watchdog takes longer than promised (the median of a phase), or does not find what is silent.
 */
const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    streams: { type: 'string', default: '10000' },
  },
});
const streams = Number(options.streams);
const NOW = Date.UTC(2026, 10, 24, 12);
const SECOND = 1_000;
const TICKS = 40;
/** What is promised of one tick of the watchdog. */
const TICK_MS = 200;
/** The interval, the grace and one more beat: by then all of them are suspected. */
const ALL_SUSPECTED_SECONDS = 36;

interface Ticks {
  medianMs: number;
  worstMs: number;
}
type Tick = (now: Instant) => Promise<{ ms: number; suspected: number }>;

const progress = (message: string) => process.stderr.write(`${message}\n`);
const directory = mkdtempSync(path.join(os.tmpdir(), 'snapaudit-bench-'));
chmodSync(directory, 0o755);
const postgres = await startEmbeddedServer({ dataDir: directory });
try {
  const database = openDatabase({ url: postgres.url, maxConnections: 6 });
  await migrateToLatest(database);
  const world = await addWatchedStreams(database, streams, NOW);
  progress(`${streams} streams are on air`);
  const figures: Record<string, Record<string, Ticks>> = {};
  const problems: string[] = [];
  let now = NOW;
  for (const [name, tick] of [
    ['watch', watchTick(database, null)],
    ['watchWithMissRatio', watchTick(database, { ratio: 0.3, overSeconds: 300 })],
    ['evaluation', evaluationTick(database, () => now)],
  ] as const) {
    let suspected = 0;
    const pass = async (ticks: number, beating: boolean): Promise<number[]> => {
      const times: number[] = [];
      for (let second = 0; second < ticks; second++) {
        now += SECOND;
        if (beating) await world.beat(now);
        await world.receiving(now);
        const done = await tick(now);
        times.push(done.ms);
        suspected = done.suspected;
      }
      return times;
    };
    // The first tick of a process looks up every stream.
    const [first = 0] = await pass(1, true);
    const found = (phase: string, expected: number) => {
      if (suspected !== expected) problems.push(`${name}, ${phase}: ${suspected} suspected instead of ${expected}`);
    };
    const well = await pass(TICKS, true);
    found('well', 0);
    const falling = await pass(ALL_SUSPECTED_SECONDS, false);
    const silent = await pass(TICKS, false);
    found('all silent', streams);
    const recovering = await pass(TICKS, true);
    figures[name] = {
      first: summary([first]),
      well: summary(well),
      'falling silent': summary(falling),
      'all silent': summary(silent),
      recovering: summary(recovering),
    };
  }
  await database.close();
  report(figures);
  for (const name of ['watch', 'watchWithMissRatio']) {
    for (const [phase, { medianMs }] of Object.entries(figures[name] ?? {})) {
      // The first tick of a process reads every name and starts cold: it is shown, and no promise.
      if (phase !== 'first' && medianMs > TICK_MS)
        problems.push(`${name}, ${phase}: a tick takes ${medianMs} ms, over ${TICK_MS} ms`);
    }
  }
  for (const problem of problems) progress(problem);
  if (problems.length > 0) process.exitCode = 1;
} finally {
  await postgres.stop();
  rmSync(directory, { recursive: true, force: true });
}

function watchTick(database: Database, missRatio: WatchRules['missRatio']): Tick {
  const watch = createSilenceWatch({
    facts: createAlertingFacts(database),
    callbackUrl: null,
    configVersions: async () => [WATCHED_CONFIG],
    rules: { misses: 1, graceSeconds: 15, missRatio },
  });
  return async (at) => {
    const startedAt = performance.now();
    const { watched, conditions } = await watch(at, {
      newestHeartbeat: at,
      blind: [],
      excused: [],
      lookedAt: null,
      resumedAt: null,
    });
    const ms = performance.now() - startedAt;
    if (watched !== streams) throw new Error(`${watched} of ${streams} streams were watched`);
    return { ms, suspected: conditions.length };
  };
}

function evaluationTick(database: Database, now: () => Instant): Tick {
  const app = {
    app: '*',
    interval: '10s',
    bucket: 'bench',
    endpoint: 'oss.example.com',
    overwriteObject: '{AppName}.jpg',
  };
  const alerting = createAlerting({
    database,
    clock: { now },
    settings: settingsSchema.parse({ domains: [{ domain: WATCHED_DOMAIN, apps: [app] }] }),
    secrets: { variable: () => undefined, file: () => '' },
    publicUrl: null,
    configVersions: async () => [WATCHED_CONFIG],
    logger: { info() {}, warn: (error: unknown) => progress(String(error)), error() {} },
  });
  return async () => {
    const { seconds, watch } = await alerting.raise();
    return { ms: seconds * SECOND, suspected: watch?.conditions.length ?? -1 };
  };
}

function summary(times: readonly number[]): Ticks {
  const sorted = [...times].sort((a, b) => a - b);
  return {
    medianMs: Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0),
    worstMs: Math.round(sorted.at(-1) ?? 0),
  };
}

function report(figures: Record<string, Record<string, Ticks>>): void {
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ streams, ...figures })}\n`);
    return;
  }
  const phases = Object.keys(figures.watch ?? {});
  const heads = ['watch', 'watch with missRatio', 'whole evaluation'].flatMap((head) => [`${head}: median`, 'worst']);
  const table = new CliTable({ head: ['', ...heads] });
  for (const phase of phases) {
    const cells = Object.values(figures).flatMap((figure) => {
      const ticks = figure[phase] ?? { medianMs: Number.NaN, worstMs: Number.NaN };
      return [`${ticks.medianMs} ms`, `${ticks.worstMs} ms`];
    });
    table.push([phase, ...cells]);
  }
  process.stdout.write(`${table.toString()}\n`);
}
