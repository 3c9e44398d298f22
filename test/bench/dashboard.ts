import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import CliTable from 'cli-table3';
import type { Page } from 'playwright-core';
import { openDatabase } from '../../src/adapters/postgres/database.ts';
import { startEmbeddedServer } from '../../src/adapters/postgres/embedded-server.ts';
import { migrateToLatest } from '../../src/adapters/postgres/migrate.ts';
import { hasChromium, launchBrowser, watchedPage } from '../support/browser.ts';
import { startTestDashboard } from '../support/dashboard.ts';
import { BENCH_DOMAIN, loadWall, MONTH_STREAM } from './dashboard/load-wall.ts';

/**
 * `npm run bench:dashboard [-- --streams N --json]`: what a person waits for in Chromium. The first meaningful paint is the first
 * stream card on the screen, from the start of the navigation, with nothing cached; an update is from the message of the server to the
 * frame that shows it: the changed streams are those at the top of the wall, which leave it and come back. Ends with 1 where a figure
 * is over what is wanted, the page complained, or a change was not on the screen.
 */
const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    streams: { type: 'string', default: '10000' },
    samples: { type: 'string', default: '7' },
    changed: { type: 'string', default: '500' },
  },
});
const streams = Number(options.streams);
const samples = Number(options.samples);
const changed = Number(options.changed);
const PATIENCE_MS = 120_000;
/** Of the medians. */
const WANTED = { firstPaintMs: 1_500, updateMs: 100 };
const progress = (message: string) => process.stderr.write(`${message}\n`);

/** Runs in the page (the stream of a month has an app of its own and never changes): notes when the first card is painted, and how long each message of changes takes to be painted. */
const PROBE = `
  window.probe = { painted: null, updates: [] };
  const watch = new MutationObserver(() => {
    if (!document.querySelector('[data-stream]')) return;
    watch.disconnect();
    requestAnimationFrame(() => setTimeout(() => { window.probe.painted = performance.now(); }));
  });
  watch.observe(document, { childList: true, subtree: true });
  const add = EventSource.prototype.addEventListener;
  EventSource.prototype.addEventListener = function (name, listener, ...rest) {
    if (name !== 'wall') return add.call(this, name, listener, ...rest);
    return add.call(this, name, (event) => {
      const startedAt = performance.now();
      listener(event);
      const streams = (event.data.match(/"strip"/g) ?? []).length;
      requestAnimationFrame(() => setTimeout(() => window.probe.updates.push({
        streams, ms: performance.now() - startedAt,
        first: [...document.querySelectorAll('[data-stream]')].map((card) => card.dataset.stream).find((name) => name !== '${MONTH_STREAM}'),
      })));
    }, ...rest);
  };
`;

if (!hasChromium) {
  progress('skipped: no Chromium found');
} else {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'snapaudit-bench-'));
  chmodSync(directory, 0o755);
  const postgres = await startEmbeddedServer({ dataDir: directory });
  try {
    await run(postgres.url);
  } finally {
    await postgres.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function run(databaseUrl: string): Promise<void> {
  const database = openDatabase({ url: databaseUrl, maxConnections: 6 });
  await migrateToLatest(database);
  progress(`loading ${streams} streams`);
  await loadWall(database, streams, Date.now());
  const dashboard = await startTestDashboard(database, { everyMs: 2_000 });
  const browser = await launchBrowser();
  const hosts = [new URL(dashboard.url).host];
  try {
    const paints: number[] = [];
    for (let sample = 0; sample < samples; sample++) {
      const { page, context } = await watchedPage(browser, hosts);
      await page.addInitScript(PROBE);
      await page.goto(dashboard.url);
      paints.push(await probed(page, 'window.probe.painted'));
      await context.close();
      progress(`painted after ${Math.round(paints.at(-1) ?? 0)} ms`);
    }
    const { page, context, complaints } = await watchedPage(browser, hosts);
    await page.addInitScript(PROBE);
    await page.goto(dashboard.url);
    await probed(page, 'window.probe.painted');
    // The whole wall is there once its groups say how many streams they have: nothing of what follows goes on behind it.
    await probed(page, `document.querySelectorAll('.group .quiet:not([aria-hidden])').length || null`);
    const faulty = await database.pool.query<{ id: number; stream: string }>(
      `select id, stream from streams where app <> 'long' and id % 20 = 0 order by id limit $1`,
      [changed],
    );
    const changing = new Set(faulty.rows.map(({ stream }) => stream));
    const updates: number[] = [];
    for (let sample = 0; sample < samples; sample++) {
      const ended = sample % 2 === 0 ? `now() - interval '1 second'` : 'null';
      await page.evaluate('window.probe.updates.length = 0');
      await database.pool.query(`update sessions set ended_at = ${ended} where stream_id = any($1)`, [
        faulty.rows.map(({ id }) => id),
      ]);
      const update = `window.probe.updates.find((update) => update.streams >= ${changing.size * 0.9})`;
      updates.push(await probed(page, `${update}?.ms ?? null`));
      const first = String(await page.evaluate(`${update}.first`));
      // Offline they stand last, on air their faults put them first.
      if (changing.has(first) !== (sample % 2 === 1))
        complaints.push(`${first} stood first after update ${sample + 1}`);
      progress(`update of ${changing.size} cards in ${Math.round(updates.at(-1) ?? 0)} ms`);
    }
    await context.close();
    const month = await timeMonth(dashboard.url);
    report({ paints, updates, changing: changing.size, month, complaints });
  } finally {
    await browser.close();
    await dashboard.close();
    await database.close();
  }
}

/** Waits for a number. (Playwright's own waiting evaluates text in the page, which its policy forbids.) */
async function probed(page: Page, expression: string): Promise<number> {
  for (const deadline = performance.now() + PATIENCE_MS; performance.now() < deadline; ) {
    const value: unknown = await page.evaluate(expression);
    if (typeof value === 'number') return value;
    await setTimeout(20);
  }
  throw new Error(`${expression} did not come in ${PATIENCE_MS / 1_000} s`);
}

interface MonthTimes {
  times: number[];
  bytes: number;
  parts: number;
}

/** 518,400 slots asked for as a screen asks: what comes must not grow with them. */
async function timeMonth(url: string): Promise<MonthTimes> {
  const to = Date.now();
  const search = new URLSearchParams({
    from: new Date(to - 30 * 86_400_000).toISOString(),
    to: new Date(to).toISOString(),
    parts: '480',
  });
  const times: number[] = [];
  let text = '';
  for (let sample = 0; sample < samples; sample++) {
    const startedAt = performance.now();
    text = await (await fetch(`${url}/api/v1/streams/${BENCH_DOMAIN}/long/${MONTH_STREAM}/timeline?${search}`)).text();
    times.push(performance.now() - startedAt);
  }
  const answer = JSON.parse(text) as { parts: unknown[] };
  return { times, bytes: Buffer.byteLength(text), parts: answer.parts.length };
}

interface Found {
  paints: number[];
  updates: number[];
  changing: number;
  month: MonthTimes;
  complaints: string[];
}

function report({ paints, updates, changing, month, complaints }: Found): void {
  const figures = {
    streams,
    firstPaintMs: summary(paints),
    changedCards: changing,
    updateMs: summary(updates),
    monthSlots: 518_400,
    monthMs: summary(month.times),
    monthBytes: month.bytes,
    monthParts: month.parts,
    complaints,
  };
  for (const name of ['firstPaintMs', 'updateMs'] as const) {
    const { median } = figures[name];
    if (median >= WANTED[name]) complaints.push(`not met: ${name} ${median} of ${WANTED[name]}`);
  }
  process.exitCode = complaints.length > 0 ? 1 : 0;
  if (options.json) {
    process.stdout.write(`${JSON.stringify(figures)}\n`);
    return;
  }
  const table = new CliTable({ head: ['', 'median', 'worst', 'wanted'] });
  table.push(
    [
      `first meaningful paint, ${streams} streams`,
      ...shown(figures.firstPaintMs),
      `under ${WANTED.firstPaintMs.toLocaleString('en')} ms`,
    ],
    [`update of ${changing} cards`, ...shown(figures.updateMs), `under ${WANTED.updateMs} ms`],
    [
      'a month of 518,400 slots',
      ...shown(figures.monthMs),
      `${month.parts} parts, ${Math.round(month.bytes / 1_024)} KB`,
    ],
  );
  process.stdout.write(`${table.toString()}\n`);
  if (complaints.length > 0) process.stdout.write(`${complaints.join('\n')}\n`);
}

function summary(times: readonly number[]): { median: number; worst: number } {
  const sorted = [...times].sort((a, b) => a - b);
  return {
    median: Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0),
    worst: Math.round(sorted.at(-1) ?? 0),
  };
}

function shown({ median, worst }: { median: number; worst: number }): [string, string] {
  return [`${median} ms`, `${worst} ms`];
}
