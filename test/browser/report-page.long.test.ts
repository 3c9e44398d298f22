import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCaptureExports } from '../../src/adapters/postgres/export-captures.ts';
import { createHistoryReads } from '../../src/adapters/postgres/query-history.ts';
import { exportRoutes } from '../../src/http/api/export-routes.ts';
import { deliveryReports } from '../../src/usecases/delivery-report.ts';
import { exportHistory } from '../../src/usecases/export-history.ts';
import { createQueries } from '../../src/usecases/query-history.ts';
import { hasChromium, launchBrowser, type PageLook, SKIPPED, watchedPage } from '../support/browser.ts';
import { startTestDashboard, type TestDashboard } from '../support/dashboard.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { addGap, addSlotHour, addStream } from '../support/history.ts';
import { settled } from '../support/page-checks.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Date.UTC(2026, 9, 1);
const APPS = 510;

/** A loaded machine takes its time. */
const soon = <Value>(look: () => Value) => expect.poll(look, { timeout: 20_000 });

describe.skipIf(!hasChromium)(`the delivery report${SKIPPED}`, () => {
  let database: TestDatabase;
  let dashboard: TestDashboard;
  let browser: Browser;

  beforeAll(async () => {
    database = await createTestDatabase();
    const clock = { now: () => Date.now() };
    const reads = createHistoryReads(database);
    dashboard = await startTestDashboard(database, {
      moreRoutes: exportRoutes(
        exportHistory({
          reads: { ...reads, ...createCaptureExports(database) },
          queries: createQueries({ reads, clock }),
          clock,
        }),
        deliveryReports({ reads, clock }),
      ),
    });
    browser = await launchBrowser();
    // One long fault early in the month, a longer time in which nobody could look, then more short faults than one answer holds.
    for (let app = 0; app < APPS; app++) {
      const stream = await addStream(database, 'play.example.com', `app-${String(app).padStart(3, '0')}`, 'cam');
      await addSlotHour(database, stream, START, START, { ok: 359, not_captured: 1 });
      const gap = { streamId: stream, verdict: 'not_captured', cause: 'not_captured' } as const;
      if (app === 0) await addGap(database, { ...gap, from: START, to: START + 20 * HOUR, slots: 7_200 });
      if (app === 1)
        await addGap(database, {
          ...gap,
          from: START,
          to: START + 40 * HOUR,
          slots: 14_400,
          verdict: 'unknown',
          cause: 'listing_failed',
        });
      await addGap(database, { ...gap, from: START + 48 * HOUR, to: START + 48 * HOUR + MINUTE + app, slots: 6 });
    }
  }, 240_000);

  afterAll(async () => {
    await browser?.close();
    await dashboard?.close();
    await database?.drop();
  }, 60_000);

  async function visit(address: string, task: (page: Page) => Promise<void>, look: PageLook = {}): Promise<void> {
    const { page, context, complaints } = await watchedPage(browser, [new URL(dashboard.url).host], look);
    try {
      await page.goto(dashboard.url + address);
      await task(page);
      expect(complaints).toEqual([]);
      expect(dashboard.errors).toEqual([]);
    } finally {
      await context.close();
    }
  }

  it('shows the longest faults of the whole month, no time without a look, and every app', async () => {
    await visit('/report?month=2026-10', async (page) => {
      const longest = page.locator('.panel', { has: page.getByRole('heading', { name: 'Longest gaps' }) });
      await longest.locator('tbody tr').first().waitFor();
      const rows = await longest.locator('tbody tr').allInnerTexts();
      expect(rows).toHaveLength(15);
      expect(rows[0]).toMatch(/app-000\s*\/\s*cam.*Not captured.*7,200.*20 h/s);
      expect(rows[1]).toMatch(/app-509/);
      expect(rows.filter((row) => row.includes('Unknown'))).toEqual([]);
      const apps = page.locator('.panel', { has: page.getByRole('heading', { name: 'By app' }) });
      expect(await apps.locator('tbody tr').count()).toBe(APPS);
      const facts = await page.locator('.facts').innerText();
      expect(facts).toContain((APPS * 360).toLocaleString('en'));
    });
  }, 120_000);

  it('gives its times in UTC as its days, wherever it is read', async () => {
    for (const timezoneId of ['Asia/Shanghai', 'America/Los_Angeles']) {
      await visit(
        '/report?month=2026-10',
        async (page) => {
          await page.getByText('Days and times are UTC.').waitFor();
          const longest = page.locator('.panel', { has: page.getByRole('heading', { name: 'Longest gaps' }) });
          expect(await longest.locator('tbody time').first().innerText()).toMatch(/Oct 1\b.*00:00:00/);
        },
        { timezoneId },
      );
    }
  }, 120_000);

  it('says of a month that has not begun that nothing of it was judged', async () => {
    const { page, context } = await watchedPage(browser, [new URL(dashboard.url).host]);
    await page.goto(`${dashboard.url}/report?month=2099-01`);
    await page.getByText('No slot of this month was judged.').waitFor();
    await context.close();
  }, 60_000);

  it('is printed light, charts too, where the screen is dark', async () => {
    /** The look of the page as it stands: text, ground, and whether the chart's bars are those of light or of dark. */
    const look = `(() => {
      const style = getComputedStyle(document.body);
      const { width, height } = document.querySelector('canvas');
      const copy = Object.assign(document.createElement('canvas'), { width, height }).getContext('2d', { willReadFrequently: true });
      copy.drawImage(document.querySelector('canvas'), 0, 0);
      const { data } = copy.getImageData(0, 0, width, height);
      const bars = { light: [0x69b886, 0x8a5200], dark: [0x2d8048, 0xe8b04a] };
      const seen = new Set();
      for (let at = 0; at < data.length; at += 4) seen.add((data[at] << 16) + (data[at + 1] << 8) + data[at + 2]);
      return {
        text: style.color,
        panel: getComputedStyle(document.querySelector('.panel')).backgroundColor,
        chart: Object.keys(bars).filter((scheme) => bars[scheme].some((color) => seen.has(color))),
      };
    })()`;
    const light = { text: 'rgb(27, 33, 40)', panel: 'rgb(255, 255, 255)', chart: ['light'] };
    const dark = { text: 'rgb(228, 233, 238)', panel: 'rgb(23, 28, 34)', chart: ['dark'] };
    await visit(
      '/report?month=2026-10',
      async (page) => {
        await page.locator('canvas').waitFor();
        await settled(page);
        await soon(() => page.evaluate(look)).toEqual(dark);
        await page.emulateMedia({ media: 'print' });
        await soon(() => page.evaluate(look)).toEqual(light);
        await page.emulateMedia({ media: 'screen' });
        await soon(() => page.evaluate(look)).toEqual(dark);
        // As a person prints: what stands there once the browser has told the page is what comes on paper.
        await page.evaluate(`window.addEventListener('beforeprint', () => { window.printed = ${look}; })`);
        await page.pdf();
        expect(await page.evaluate('window.printed')).toEqual(light);
        await soon(() => page.evaluate(look)).toEqual(dark);
      },
      { colorScheme: 'dark' },
    );
  }, 120_000);
});
