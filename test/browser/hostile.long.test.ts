import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasChromium, SKIPPED, watchedPage } from '../support/browser.ts';
import { theirConfig } from '../support/config-world.ts';
import { DOMAIN, HOSTILE, plantHostile } from '../support/dashboard-data.ts';
import { createDashboardWorld, type DashboardWorld } from '../support/dashboard-world.ts';
import { addStream } from '../support/history.ts';
import { settled } from '../support/page-checks.ts';

const { html, script, rtl, long, path } = HOSTILE;
const ALL = [html, script, rtl, path];

describe.skipIf(!hasChromium)(`hostile names and texts in Chromium${SKIPPED}`, () => {
  let world: DashboardWorld;

  beforeAll(async () => {
    world = await createDashboardWorld();
    await plantHostile(world.database, world.day, Date.now());
    world.configs.state.putConfig(theirConfig('live', { callback: `https://old.example.com/${html}` }));
  }, 240_000);

  afterAll(() => world?.close(), 60_000);

  /** Each stands there letter by letter, nothing of it became an element, and the page is no wider than the screen. */
  async function asText(page: Page, texts: readonly string[]): Promise<void> {
    for (const text of texts) {
      await expect
        .poll(() => page.locator('#content, [role="dialog"]').allTextContents(), { timeout: 15_000 })
        .toEqual(expect.arrayContaining([expect.stringContaining(text)]));
    }
    expect(await page.locator('img[src="x"]').count()).toBe(0);
    expect(await page.locator('b', { hasText: /^bold$/ }).count()).toBe(0);
    expect(await page.title()).not.toBe('owned');
    const [content, screen] = (await page.evaluate('[document.documentElement.scrollWidth, innerWidth]')) as number[];
    expect(content).toBeLessThanOrEqual(screen!);
  }

  const visitAll = async (pages: [address: string, texts: readonly string[]][]) => {
    for (const [address, texts] of pages) {
      await world.visit(address, async (page) => {
        await page.locator('#content h1').first().waitFor({ timeout: 30_000 });
        await settled(page);
        await asText(page, texts);
      });
    }
  };

  it('are shown as text on every page that lists them', async () => {
    const start = long.slice(0, 200);
    await visitAll([
      ['/?q=hostile', [...ALL, start]],
      ['/gaps', [...ALL, start]],
      ['/incidents', [...ALL, start]],
      ['/configs', [...ALL, start, `https://old.example.com/${html}`]],
      ['/audits', [...ALL, start]],
      ['/quarantine', [...ALL, start]],
      ['/report', [...ALL, start]],
    ]);
  }, 240_000);

  it('are shown as text on the page of a stream and in the drawer of its slot', async () => {
    const { page, context, complaints } = await watchedPage(world.browser, world.hosts);
    try {
      const hostile = `${world.dashboard.url}/streams/${DOMAIN}/hostile`;
      await page.goto(`${hostile}/${encodeURIComponent(path)}`);
      await page.getByRole('heading', { level: 1, name: path }).waitFor();
      await page.getByText('Gaps in this window').waitFor();
      await asText(page, [path]);
      // The browser itself resolves a name of dots away where it stands as it is.
      await addStream(world.database, DOMAIN, 'hostile', '..');
      await page.goto(`${hostile}/~..`);
      await page.getByRole('heading', { level: 1, name: '..' }).waitFor();
      await page.getByText('Gaps in this window').waitFor();
      await page.goto(`${hostile}/${encodeURIComponent(script)}`);
      await page.locator('table.rows a').click();
      await page.getByRole('dialog').locator('.witness').first().waitFor();
      await asText(page, [`${script}.jpg`]);
      // The browser itself notes that no URL is signed for an object that no config stores.
      expect(complaints.filter((complaint) => !complaint.includes('409'))).toEqual([]);
      expect(world.dashboard.errors).toEqual([]);
    } finally {
      await context.close();
    }
  }, 120_000);

  it('are shown as text in an incident: what it says, and the reason of whoever took it on', async () => {
    const found = await world.database.pool.query<{ id: string }>('select id from incidents where stream = $1', [html]);
    await world.visit(`/incidents/${found.rows[0]!.id}`, async (page) => {
      await asText(page, [html]);
      await page.getByRole('button', { name: 'Acknowledge' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Reason').fill(`${script} ${rtl}`);
      await dialog.getByRole('button', { name: 'Acknowledge' }).click();
      await page.locator('.events').getByText(script).waitFor();
      await asText(page, [`${script} ${rtl}`]);
    });
  }, 120_000);

  it('are shown as text in a kept request, 10 KB of it to the last letter', async () => {
    await world.visit('/quarantine', async (page) => {
      for (const name of [html, long]) {
        await page
          .locator('tr', { hasText: name.slice(0, 20) })
          .locator('button')
          .click();
        const body = page.getByRole('dialog').locator('pre.raw').last();
        await expect.poll(() => body.textContent(), { timeout: 10_000 }).toBe(`{"StreamName":"${name}"}`);
        await asText(page, []);
        await page.keyboard.press('Escape');
        await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
      }
    });
  }, 120_000);
});
