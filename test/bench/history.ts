import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import CliTable from 'cli-table3';
import { openDatabase } from '../../src/adapters/postgres/database.ts';
import { startEmbeddedServer } from '../../src/adapters/postgres/embedded-server.ts';
import { migrateToLatest } from '../../src/adapters/postgres/migrate.ts';
import { GAPS_PER_STREAM_DAY, loadHistory } from './history/load-history.ts';

/**
 * `npm run bench:history [-- --rows N --json]`: how long the questions take that people ask of a long history, over HTTP, and how
 * fast and at what memory it is exported. 20,000,000 captures of 1,000 streams over 20 days, slots of a month. Throws where an answer
 * does not hold what was loaded; at full size it ends with 1 where a target is missed.
 */
const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rows: { type: 'string', default: '20000000' },
    streams: { type: 'string', default: '1000' },
    days: { type: 'string', default: '20' },
    samples: { type: 'string', default: '200' },
    'export-rows': { type: 'string', default: '5000000' },
  },
});
const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 10, 24);
const PAGE_ROWS = 50;
const DEEP_SAMPLES = 25;
/** By then an export has found its memory. */
const EARLY_SHARE = 0.2;
/** What a collector may let lie around for longer than before; an export that piles up grows by far more. */
const FLAT_MB = 64;

const progress = (message: string) => process.stderr.write(`${message}\n`);
const streams = Number(options.streams);
const days = Number(options.days);
const rows = Number(options.rows);
const samples = Number(options.samples);
const perStream = Math.round(rows / streams / days) * days;
/** Page 200, or the last full one of a smaller load. */
const DEEP_PAGE = Math.min(200, Math.floor(perStream / PAGE_ROWS));

const directory = mkdtempSync(path.join(os.tmpdir(), 'snapaudit-bench-'));
chmodSync(directory, 0o755);
const postgres = await startEmbeddedServer({ dataDir: directory });
try {
  const database = openDatabase({ url: postgres.url, maxConnections: 2 });
  await migrateToLatest(database);
  const loadedAt = performance.now();
  await loadHistory(database, { rows, streams, days, now: NOW }, progress);
  progress(`loaded in ${Math.round((performance.now() - loadedAt) / 1_000)} s`);
  await database.close();

  const server = fork(new URL('./history/api-server.ts', import.meta.url), [postgres.url, String(NOW)], {
    // As `npm start` runs it.
    execArgv: ['--max-semi-space-size=8', '--max-old-space-size=1024'],
  });
  const { url } = await message<{ url: string }>(server);
  const figures = await measure(server, url);
  server.send('stop');
  await once(server, 'exit');
  report(figures);
  const missed = missedTargets(figures);
  for (const each of missed) progress(`missed: ${each}`);
  const isFull = rows >= 20_000_000 && streams >= 1_000 && days >= 20;
  if (isFull && missed.length > 0) process.exitCode = 1;
} finally {
  await postgres.stop();
  rmSync(directory, { recursive: true, force: true });
}

interface Times {
  p50Ms: number;
  p95Ms: number;
}

interface Figures {
  page: Times;
  deepPage: Times;
  gaps: Times;
  status: Times;
  coverage: Times;
  exportRowsPerSecond: number;
  exportPeakMb: number;
  exportStartMb: number;
  /** Peaks of the first part of the export and of the rest. */
  exportEarlyMb: number;
  exportLateMb: number;
}

/** What was promised, as sentences; empty where all is kept. */
function missedTargets(figures: Figures): string[] {
  const limits: [name: string, value: number, limit: number][] = [
    ['p95 of a first page, ms', figures.page.p95Ms, 20],
    [`p95 of page ${DEEP_PAGE}, ms`, figures.deepPage.p95Ms, 20],
    ['p95 of the gaps of a stream-day, ms', figures.gaps.p95Ms, 20],
    ['p95 of the status of all streams, ms', figures.status.p95Ms, 100],
    ['p95 of the coverage of a month, ms', figures.coverage.p95Ms, 300],
    ['memory late in the export, MB', figures.exportLateMb, figures.exportEarlyMb + FLAT_MB],
  ];
  const missed = limits
    .filter(([, value, limit]) => value > limit)
    .map(([name, value, limit]) => `${name}: ${value}, at most ${limit}`);
  const { exportRowsPerSecond } = figures;
  if (exportRowsPerSecond < 100_000) missed.push(`export, rows/s: ${exportRowsPerSecond}, at least 100000`);
  return missed;
}

async function measure(server: ChildProcess, url: string): Promise<Figures> {
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  const stream = () => `stream=stream-${String(1 + random(streams)).padStart(6, '0')}`;
  const get = async (path: string): Promise<{ data: unknown[]; next: string | null }> => {
    const response = await fetch(url + path);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as { data: unknown[]; next: string | null };
  };
  const holds = (what: string, found: number, wanted: number) => {
    if (found < wanted) throw new Error(`${what}: ${found} rows, but ${wanted} were loaded`);
  };
  const timed = async (count: number, work: () => Promise<unknown>): Promise<Times> => {
    for (let index = 0; index < Math.min(10, count); index++) await work();
    const times: number[] = [];
    for (let index = 0; index < count; index++) {
      const start = performance.now();
      await work();
      times.push(performance.now() - start);
    }
    return percentiles(times);
  };

  progress('first pages');
  const page = await timed(samples, async () =>
    holds('a first page', (await get(`/captures?${stream()}`)).data.length, Math.min(PAGE_ROWS, perStream)),
  );
  progress(`page ${DEEP_PAGE}`);
  const deepTimes: number[] = [];
  for (let sample = 0; sample < DEEP_SAMPLES; sample++) {
    const one = stream();
    let cursor: string | null = null;
    for (let number = 1; number <= DEEP_PAGE; number++) {
      const start = performance.now();
      const answer = await get(`/captures?${one}${cursor ? `&cursor=${cursor}` : ''}`);
      const took = performance.now() - start;
      cursor = answer.next;
      holds(`page ${number} of ${one}`, answer.data.length, PAGE_ROWS);
      if (number === DEEP_PAGE) deepTimes.push(took);
      else if (cursor === null) throw new Error(`${one} ends with page ${number}`);
    }
  }
  progress('gaps, status, coverage');
  const gaps = await timed(samples, async () => {
    const from = NOW - (1 + random(days)) * DAY_MS;
    const { data } = await get(`/gaps?${stream()}&from=${iso(from)}&to=${iso(from + DAY_MS)}&limit=500`);
    holds('the gaps of a stream-day', data.length, GAPS_PER_STREAM_DAY);
  });
  const status = await timed(40, async () => holds('status', await everyPage(get, '/streams?limit=500'), streams));
  const month = `/coverage?from=${iso(NOW - 31 * DAY_MS)}&to=${iso(NOW)}&by=stream&per=total&limit=500`;
  const coverage = await timed(20, async () => holds('coverage', await everyPage(get, month), streams));

  progress('export');
  server.send('reset');
  const before = await ask<{ peakMb: number }>(server, 'peak');
  const wanted = Math.min(Number(options['export-rows']), perStream * streams);
  let earlyMb: number | null = null;
  const start = performance.now();
  let lines = 0;
  const response = await fetch(`${url}/exports/captures?format=csv`);
  for await (const chunk of response.body!) {
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines++;
    if (earlyMb === null && lines >= wanted * EARLY_SHARE) {
      earlyMb = (await ask<{ peakMb: number }>(server, 'peak')).peakMb;
      server.send('reset');
    }
    // The header is a line too.
    if (lines > wanted) break;
  }
  const seconds = (performance.now() - start) / 1_000;
  const { peakMb: lateMb } = await ask<{ peakMb: number }>(server, 'peak');
  holds('the export', lines - 1, wanted);
  earlyMb ??= lateMb;
  progress(`exported ${lines} rows in ${seconds.toFixed(1)} s`);
  return {
    page,
    deepPage: percentiles(deepTimes),
    gaps,
    status,
    coverage,
    exportRowsPerSecond: Math.round(lines / seconds),
    exportPeakMb: Math.max(earlyMb, lateMb),
    exportStartMb: before.peakMb,
    exportEarlyMb: earlyMb,
    exportLateMb: lateMb,
  };
}

/** How many rows all pages hold. */
async function everyPage(
  get: (path: string) => Promise<{ data: unknown[]; next: string | null }>,
  path: string,
): Promise<number> {
  let count = 0;
  let cursor: string | null = null;
  do {
    const answer: { data: unknown[]; next: string | null } = await get(cursor ? `${path}&cursor=${cursor}` : path);
    count += answer.data.length;
    cursor = answer.next;
  } while (cursor);
  return count;
}

function report(figures: Figures): void {
  if (options.json) {
    const { page, deepPage, gaps, status, coverage, exportRowsPerSecond, exportPeakMb, exportEarlyMb, exportLateMb } =
      figures;
    process.stdout.write(
      `${JSON.stringify({
        pageP95Ms: page.p95Ms,
        deepPageP95Ms: deepPage.p95Ms,
        gapsP95Ms: gaps.p95Ms,
        statusP95Ms: status.p95Ms,
        coverageP95Ms: coverage.p95Ms,
        exportRowsPerSecond,
        exportPeakMb,
        exportEarlyMb,
        exportLateMb,
        deepPageNumber: DEEP_PAGE,
      })}\n`,
    );
    return;
  }
  const table = new CliTable({ head: ['question', 'p50', 'p95'], style: { head: [], border: [] } });
  const line = (name: string, { p50Ms, p95Ms }: Times) => table.push([name, `${p50Ms} ms`, `${p95Ms} ms`]);
  line('first page of one stream', figures.page);
  line(`page ${DEEP_PAGE} of one stream`, figures.deepPage);
  line('gaps of a stream-day', figures.gaps);
  line(`status of ${streams} streams`, figures.status);
  line(`coverage of a month, ${streams} streams`, figures.coverage);
  process.stdout.write(`${table.toString()}\n`);
  process.stdout.write(
    `CSV export: ${figures.exportRowsPerSecond} rows/s; memory of the process ${figures.exportStartMb} MB before, at most ` +
      `${figures.exportPeakMb} MB during it (${figures.exportEarlyMb} MB early, ${figures.exportLateMb} MB late).\n${rows} captures, ${streams} streams, ${days} days.\n`,
  );
}

function percentiles(times: number[]): Times {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0) * 10) / 10;
  return { p50Ms: at(0.5), p95Ms: at(0.95) };
}

async function message<Message>(child: ChildProcess): Promise<Message> {
  const [received] = await once(child, 'message');
  return received as Message;
}

function ask<Message>(child: ChildProcess, question: string): Promise<Message> {
  const answer = message<Message>(child);
  child.send(question);
  return answer;
}

function iso(instant: number): string {
  return new Date(instant).toISOString();
}
