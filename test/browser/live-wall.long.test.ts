import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasChromium, SKIPPED, watchedPage } from '../support/browser.ts';
import { startTestDashboard } from '../support/dashboard.ts';
import { plantIncident } from '../support/dashboard-data.ts';
import { createDashboardWorld, type DashboardWorld } from '../support/dashboard-world.ts';

describe.skipIf(!hasChromium)(`the wall while it is looked at, in Chromium${SKIPPED}`, () => {
  let world: DashboardWorld;

  beforeAll(async () => {
    world = await createDashboardWorld();
  }, 240_000);

  afterAll(() => world?.close(), 60_000);

  const fact = (page: Page, name: string) => page.locator('.fact', { hasText: name }).locator('dd');
  const endSession = (stream: string) =>
    world.database.pool.query(
      `update sessions set ended_at = now() - interval '1 second'
       where stream_id = (select id from streams where stream = $1)`,
      [stream],
    );

  it('shows a change without a reload, and says since when it is stale once the service is gone', async () => {
    const own = await startTestDashboard(world.database, { everyMs: 200 });
    const { page, context, complaints } = await watchedPage(world.browser, [new URL(own.url).host]);
    try {
      await page.goto(own.url);
      const card = page.locator('[data-stream="desk-1"]');
      await card.waitFor();
      await page.getByText('Live', { exact: true }).waitFor();
      await endSession('desk-1');
      await card.getByText('Offline').waitFor({ timeout: 15_000 });
      expect(complaints).toEqual([]);
      await own.goAway();
      await page.getByText(/Stale since \d\d:\d\d:\d\d/).waitFor({ timeout: 30_000 });
      expect(await page.locator('.live-stale').getAttribute('title')).toMatch(/^\d{4}-\d\d-\d\d .*UTC/);
      // Whether it receives, and whether the vendor can be reached, nobody can say now.
      for (const name of ['Receiver', 'Spool', 'Vendor']) expect(await fact(page, name).innerText()).toBe('Unknown');
    } finally {
      await context.close();
      await own.close();
    }
  }, 120_000);

  it('goes by the clock of the service where that of the viewer is wrong', async () => {
    const { page, context, complaints } = await watchedPage(world.browser, world.hosts);
    try {
      await page.addInitScript('{ const right = Date.now; Date.now = () => right() + 3_600_000; }');
      await page.goto(world.dashboard.url);
      await page.locator('[data-stream="desk-2"]').waitFor();
      expect(await fact(page, 'Receiver').innerText()).toBe('Receiving');
      expect(await fact(page, 'Last audit').innerText()).toMatch(/^\d+ min/);
      await page.getByText('Live', { exact: true }).waitFor();
      expect(complaints).toEqual([]);
    } finally {
      await context.close();
    }
  }, 120_000);

  it('keeps the changes that come while the whole is on a slow way, and reads it once', async () => {
    const { page, context } = await watchedPage(world.browser, world.hosts);
    let wholes = 0;
    let arrived = () => {};
    const later = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    try {
      await page.addInitScript(`{
        window.changes = 0;
        const add = EventSource.prototype.addEventListener;
        EventSource.prototype.addEventListener = function (name, listener, ...rest) {
          return add.call(this, name, (event) => { if (name === 'wall') window.changes++; listener(event); }, ...rest);
        };
      }`);
      // Without a first screen the page has nothing but the whole.
      await page.route('**/api/v1/wall?most=*', (route) => route.abort());
      await page.route('**/api/v1/wall', async (route) => {
        wholes++;
        const answer = await route.fetch();
        await later;
        await route.fulfill({ response: answer });
      });
      await page.goto(world.dashboard.url);
      await expect.poll(() => wholes, { timeout: 15_000 }).toBe(1);
      const before = (await page.evaluate('window.changes')) as number;
      await endSession('desk-3');
      await expect.poll(() => page.evaluate('window.changes'), { timeout: 15_000 }).toBeGreaterThan(before + 3);
      arrived();
      await page.locator('[data-stream="desk-3"]').getByText('Offline').waitFor({ timeout: 15_000 });
      expect(wholes).toBe(1);
    } finally {
      await context.close();
    }
  }, 120_000);

  it('never draws one row over another when groups change places', async () => {
    const { page, context } = await watchedPage(world.browser, world.hosts, { width: 390, height: 3_000 });
    const overlaps = `[...document.querySelectorAll('.wall-row')].map((row) => row.firstElementChild.getBoundingClientRect())
      .sort((a, b) => a.top - b.top).filter((box, index, all) => index > 0 && box.top < all[index - 1].bottom - 0.5).length`;
    const firstGroup = async () => {
      await world.catchUp();
      return page.locator('.group').first().innerText();
    };
    try {
      await page.goto(world.dashboard.url);
      await expect.poll(firstGroup, { timeout: 30_000 }).toMatch(/lobby/);
      expect(await page.evaluate(overlaps)).toBe(0);
      // The worst of the lobby goes off air: now the other group is the worst.
      await endSession('desk-4');
      await expect.poll(firstGroup, { timeout: 30_000 }).toMatch(/live/);
      expect(await page.evaluate(overlaps)).toBe(0);
    } finally {
      await context.close();
    }
  }, 120_000);

  it('shows the incident of a whole app on its cards', async () => {
    await plantIncident(world.database, null, Date.now(), { kind: 'config_drift' });
    await world.visit('/', async (page) => {
      await page.locator('[data-stream="cam-hall"]').getByText('Config drift').waitFor({ timeout: 15_000 });
      // Its own is nearer.
      await page.locator('[data-stream="cam-door"]').getByText('Gap', { exact: true }).waitFor();
      expect(await page.locator('[data-stream="desk-2"]').getByText('Config drift').count()).toBe(0);
    });
  }, 120_000);
});
