import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasChromium, SKIPPED, watchedPage } from '../support/browser.ts';
import { createConfigWorld, theirConfig } from '../support/config-world.ts';
import { startTestDashboard } from '../support/dashboard.ts';
import { DOMAIN } from '../support/dashboard-data.ts';
import { createDashboardWorld, type DashboardWorld, serviceRoutes, shoot } from '../support/dashboard-world.ts';
import { createTestDatabase } from '../support/database.ts';
import { settled, violations } from '../support/page-checks.ts';

const PHONE = { width: 390, height: 844 };

describe.skipIf(!hasChromium)(`every page in Chromium${SKIPPED}`, () => {
  let world: DashboardWorld;

  beforeAll(async () => {
    world = await createDashboardWorld();
  }, 240_000);

  afterAll(() => world?.close(), 60_000);

  const at = (instant: number) => new Date(instant).toISOString();
  const cam = (name: string) => world.day.faulty.find((each) => each.name === name)!;

  /** What axe-core finds as the page stands, in light and in dark; ends in dark. */
  async function inBothSchemes(
    page: Page,
    name: string,
    whenShown: (suffix: string) => Promise<void> = async () => {},
  ): Promise<string[]> {
    const found: string[] = [];
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.locator(`html[data-mantine-color-scheme="${scheme}"]`).waitFor();
      await whenShown(scheme === 'dark' ? '-dark' : '');
      found.push(...(await violations(page)).map((violation) => `${name}, ${scheme}: ${violation}`));
    }
    return found;
  }

  function allPages(): [name: string, address: string, ready: string][] {
    const { gapAt } = cam('cam-lobby');
    const around = `from=${at(gapAt - 600_000)}&to=${at(gapAt + 600_000)}`;
    return [
      ['wall', '/', '[data-stream="cam-door"]'],
      ['stream', `/streams/${DOMAIN}/live/cam-door`, '.pictures img'],
      ['slots', `/streams/${DOMAIN}/live/cam-door?last=hour`, '.legend'],
      ['month', `/streams/${DOMAIN}/live/cam-door?last=month`, '.legend'],
      ['slot', `/streams/${DOMAIN}/live/cam-lobby?${around}&at=${at(gapAt)}`, '.witness >> nth=2'],
      ['incidents', '/incidents', 'table.rows'],
      ['incident', '/incidents/1', '.events'],
      ['gaps', '/gaps', 'table.rows'],
      ['configs', '/configs', '.diff-new'],
      ['audits', '/audits', 'table.rows'],
      ['quarantine', '/quarantine', 'table.rows'],
      ['report', '/report', 'table.rows'],
      ['nowhere', '/incidents/1/none', 'text=There is no such page.'],
    ];
  }

  it('is walked in light and dark without a complaint and without a violation of accessibility', async () => {
    const found: string[] = [];
    // One page for all of them, as a person has it open: what was loaded once is not loaded again.
    const { page, context, complaints } = await watchedPage(world.browser, world.hosts);
    for (const [name, address, ready] of allPages()) {
      await page.emulateMedia({ colorScheme: 'light' });
      await page.goto(world.dashboard.url + address);
      await page.locator(ready).first().waitFor({ timeout: 60_000 });
      await settled(page);
      const pictured = async (suffix: string) => {
        if (name === 'wall') await seesOnTime(page);
        await shoot(page, `${name}${suffix}`);
      };
      found.push(...(await inBothSchemes(page, name, pictured)));
      expect([name, complaints, world.dashboard.errors]).toEqual([name, [], []]);
    }
    await context.close();
    expect(found).toEqual([]);
  }, 600_000);

  /** The day was planted a while ago: whoever is on air has sent pictures since, and goes on while one looks. */
  async function seesOnTime(page: Page): Promise<void> {
    const cards = page.locator('[data-stream] .card-head');
    await expect
      .poll(
        async () => {
          await world.catchUp();
          const [first, ...others] = await cards.allInnerTexts();
          return [first, others.filter((card) => !card.includes('On time'))];
        },
        { timeout: 30_000 },
      )
      .toEqual([expect.stringMatching(/desk-4\s+Gap/), []]);
  }

  it('is as accessible on a phone, where tables are wider than the screen', async () => {
    const found: string[] = [];
    const { page, context, complaints } = await watchedPage(world.browser, world.hosts, PHONE);
    for (const [name, address, ready] of allPages()) {
      await page.goto(world.dashboard.url + address);
      await page.locator(ready).first().waitFor({ timeout: 60_000 });
      await settled(page);
      const pictured = async (suffix: string) => {
        if (name !== 'wall' || suffix !== '') return;
        await seesOnTime(page);
        await shoot(page, 'wall-phone');
      };
      found.push(...(await inBothSchemes(page, name, pictured)));
      if (name === 'slot') {
        const boxes = [/Slot before/, /Next slot/].map((label) =>
          page.getByRole('button', { name: label }).boundingBox(),
        );
        const [before, next] = await Promise.all(boxes);
        expect(before?.y).toBe(next?.y);
      }
    }
    await context.close();
    expect([found, complaints]).toEqual([[], []]);
  }, 600_000);

  it('is as accessible with a dialog or a menu open', async () => {
    const dialogs: [address: string, button: RegExp, ready: string][] = [
      ['/incidents/1', /^Acknowledge$/, '[role="dialog"] textarea'],
      ['/incidents/1', /^Silence$/, '[role="dialog"] select'],
      ['/configs', /^Apply/, '[role="dialog"] .steps'],
      ['/configs', /^Restore$/, '[role="dialog"] [role="radiogroup"]'],
      ['/gaps', /^Settings$/, '.settings'],
      ['/gaps', /^Keyboard$/, '[role="dialog"] .keys'],
    ];
    const found: string[] = [];
    const { page, context, complaints } = await watchedPage(world.browser, world.hosts);
    for (const [address, button, ready] of dialogs) {
      await page.goto(world.dashboard.url + address);
      await page.getByRole('button', { name: button }).first().click();
      await page.locator(ready).first().waitFor({ timeout: 30_000 });
      await settled(page);
      found.push(...(await inBothSchemes(page, String(button))));
    }
    await context.close();
    expect([found, complaints]).toEqual([[], []]);
  }, 300_000);

  it('is as accessible where there is nothing to show, and says what to do next', async () => {
    const database = await createTestDatabase();
    const configs = await createConfigWorld(database);
    configs.state.putConfig(theirConfig('live'));
    const own = await startTestDashboard(database, { moreRoutes: serviceRoutes(database, configs) });
    const { page, context, complaints } = await watchedPage(world.browser, [new URL(own.url).host]);
    const empties: [address: string, says: string][] = [
      ['/', 'No stream was seen yet.'],
      ['/incidents', 'No incident.'],
      ['/gaps', 'No gap in this time.'],
      ['/configs', 'No config was seen yet.'],
      ['/audits', 'No audit has run yet.'],
      ['/quarantine', 'Nothing in quarantine.'],
      ['/report', 'No slot of this month was judged.'],
    ];
    try {
      const found: string[] = [];
      for (const [address, says] of empties) {
        await page.goto(own.url + address);
        await page.getByText(says).first().waitFor({ timeout: 30_000 });
        await settled(page);
        found.push(...(await inBothSchemes(page, address)));
      }
      expect([found, complaints, own.errors]).toEqual([[], [], []]);
    } finally {
      await context.close();
      await own.close();
      await database.drop();
    }
  }, 300_000);
});
