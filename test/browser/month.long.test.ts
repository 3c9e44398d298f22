import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BENCH_DOMAIN, loadWall, MONTH_STREAM } from '../bench/dashboard/load-wall.ts';
import { hasChromium, launchBrowser, SKIPPED, watchedPage } from '../support/browser.ts';
import { startTestDashboard, type TestDashboard } from '../support/dashboard.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { settled } from '../support/page-checks.ts';

/** What 480 parts of all verdicts come to, and some; 518,400 slots would be tens of megabytes. */
const MOST_BYTES = 400_000;
const MOST_PARTS = 800;
/** A loaded machine is slow; a page that draws every slot takes much longer still. */
const FROZEN_MS = 3_000;

describe.skipIf(!hasChromium)(`a month of a 5-second stream${SKIPPED}`, () => {
  let database: TestDatabase;
  let dashboard: TestDashboard;
  let browser: Browser;

  beforeAll(async () => {
    database = await createTestDatabase();
    await loadWall(database, 1, Date.now());
    dashboard = await startTestDashboard(database);
    browser = await launchBrowser();
  }, 240_000);

  afterAll(async () => {
    await browser?.close();
    await dashboard?.close();
    await database?.drop();
  }, 60_000);

  it('zooms from 518,400 slots to single ones without freezing, and never gets more than a screen can show', async () => {
    const { page, context, complaints } = await watchedPage(browser, [new URL(dashboard.url).host]);
    const answers: { bytes: number; points: number }[] = [];
    page.on('response', async (response) => {
      if (!response.url().includes('/timeline?') || response.status() !== 200) return;
      const text = await response.text();
      const { parts, slots } = JSON.parse(text) as { parts: unknown[]; slots: unknown[] | null };
      answers.push({ bytes: text.length, points: Math.max(parts.length, slots?.length ?? 0) });
    });
    await page.addInitScript(`window.longest = 0; new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
    }).observe({ type: 'longtask' });`);
    await page.goto(`${dashboard.url}/streams/${BENCH_DOMAIN}/long/${MONTH_STREAM}?last=month`);
    await page.locator('.legend').waitFor({ timeout: 60_000 });
    // A month, halved, until single slots are seen: 5 minutes.
    for (let step = 0; step < 13; step++) {
      const before = answers.length;
      await page.getByRole('button', { name: 'Zoom in' }).click();
      await expect.poll(() => answers.length, { timeout: 30_000 }).toBeGreaterThan(before);
      await settled(page);
    }
    await page.getByText('Each bar is one slot').waitFor();
    expect(Math.max(...answers.map(({ bytes }) => bytes))).toBeLessThan(MOST_BYTES);
    expect(Math.max(...answers.map(({ points }) => points))).toBeLessThanOrEqual(MOST_PARTS);
    expect(await page.evaluate('window.longest')).toBeLessThan(FROZEN_MS);
    expect(complaints).toEqual([]);
    await context.close();
  }, 240_000);
});
