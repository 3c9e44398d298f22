import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createExcusedStore } from '../../src/adapters/postgres/excused-store.ts';
import { createCaptureExports } from '../../src/adapters/postgres/export-captures.ts';
import { createIncidentStore } from '../../src/adapters/postgres/incident-store.ts';
import { createMaintenanceStore } from '../../src/adapters/postgres/maintenance-store.ts';
import { createNotificationStore } from '../../src/adapters/postgres/notification-store.ts';
import { createHistoryReads } from '../../src/adapters/postgres/query-history.ts';
import { createSilenceStore } from '../../src/adapters/postgres/silence-store.ts';
import { alertingRoutes } from '../../src/http/api/alerting-routes.ts';
import { configControlRoutes } from '../../src/http/api/config-control-routes.ts';
import { exportRoutes } from '../../src/http/api/export-routes.ts';
import { PicturePainter } from '../../src/sandbox/broadcast/picture.ts';
import { controlConfigs } from '../../src/usecases/control-configs.ts';
import { deliveryReports } from '../../src/usecases/delivery-report.ts';
import { exportHistory } from '../../src/usecases/export-history.ts';
import { createAlertingHandle } from '../../src/usecases/manage-alerting.ts';
import { createQueries } from '../../src/usecases/query-history.ts';
import {
  hasChromium,
  launchBrowser,
  type PageLook,
  SKIPPED,
  type WatchedPage,
  watchedPage,
} from '../support/browser.ts';
import { type ConfigWorld, createConfigWorld, PLAY, settingsFor, theirConfig } from '../support/config-world.ts';
import { startTestDashboard, type TestDashboard } from '../support/dashboard.ts';
import {
  DOMAIN,
  HOSTILE,
  type PlantedDay,
  plantAudits,
  plantDay,
  plantHostile,
  plantIncident,
} from '../support/dashboard-data.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { settled, violations } from '../support/page-checks.ts';

/** `SNAPAUDIT_SCREENSHOTS=1` makes the pictures of the README anew; `=all` one of every page. */
const SCREENSHOTS = path.join(import.meta.dirname, 'screenshots');
const WANTED = process.env.SNAPAUDIT_SCREENSHOTS ?? '';
const IN_README = ['wall', 'wall-dark', 'stream', 'slot', 'wall-phone'];

async function shoot(page: Page, name: string): Promise<void> {
  if (WANTED !== 'all' && !(WANTED && IN_README.includes(name))) return;
  await mkdir(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: path.join(SCREENSHOTS, `${name}.png`) });
}

describe.skipIf(!hasChromium)(`the dashboard in Chromium${SKIPPED}`, () => {
  let database: TestDatabase;
  let dashboard: TestDashboard;
  let browser: Browser;
  let day: PlantedDay;
  let configs: ConfigWorld;
  let hosts: string[];

  beforeAll(async () => {
    database = await createTestDatabase();
    configs = await createConfigWorld(database);
    configs.state.putConfig(theirConfig('live', { intervalSeconds: 30 }));
    const now = Date.now();
    day = await plantDay(database, now);
    await plantAudits(database, now);
    await plantIncident(database, 'cam-door', now);
    await plantHostile(database, day, now);
    const clock = { now: () => Date.now() };
    const reads = createHistoryReads(database);
    dashboard = await startTestDashboard(database, {
      moreRoutes: [
        ...alertingRoutes(
          createAlertingHandle({
            clock,
            incidents: createIncidentStore(database),
            notifications: createNotificationStore(database),
            silences: createSilenceStore(database),
            maintenance: createMaintenanceStore(database),
            excused: createExcusedStore(database),
            channels: [],
            disabled: async () => null,
            testChannel: async () => {},
          }),
          clock,
        ),
        ...configControlRoutes(controlConfigs(configs.ports, settingsFor([{ app: 'live' }]))),
        ...exportRoutes(
          exportHistory({
            reads: { ...reads, ...createCaptureExports(database) },
            queries: createQueries({ reads, clock }),
            clock,
          }),
          deliveryReports({ reads, clock }),
        ),
      ],
    });
    const painter = new PicturePainter({ perSecond: Number.POSITIVE_INFINITY });
    const painted = new Map<string, Buffer>();
    for (const { key, at, stream } of day.objects) {
      const picture = painted.get(stream) ?? (await painter.paint({ app: 'live', stream }, at));
      painted.set(stream, picture);
      dashboard.putPicture(key, picture, at);
    }
    hosts = [new URL(dashboard.url).host, new URL(dashboard.ossUrl).host];
    browser = await launchBrowser();
  }, 240_000);

  afterAll(async () => {
    await browser?.close();
    await dashboard?.close();
    await database?.drop();
  }, 60_000);

  /** Opens a page, runs the task, and fails on anything that the page or the service complained of. */
  async function visit(address: string, task: (page: Page) => Promise<void>, look: PageLook = {}): Promise<void> {
    const watched: WatchedPage = await watchedPage(browser, hosts, look);
    try {
      await watched.page.goto(dashboard.url + address);
      await task(watched.page);
      expect(watched.complaints).toEqual([]);
      expect(dashboard.errors).toEqual([]);
    } finally {
      await watched.context.close();
    }
  }

  const at = (instant: number) => new Date(instant).toISOString();

  it('walks every page in light and dark without a complaint and without a violation of accessibility', async () => {
    const door = day.faulty.find((each) => each.name === 'cam-door')!;
    const lobby = day.faulty.find((each) => each.name === 'cam-lobby')!;
    const pages: [name: string, address: string, ready: string][] = [
      ['wall', '/', '[data-stream="cam-door"]'],
      ['stream', `/streams/${DOMAIN}/live/cam-door`, '.pictures img'],
      ['slots', `/streams/${DOMAIN}/live/cam-door?last=hour`, '.legend'],
      ['month', `/streams/${DOMAIN}/live/cam-door?last=month`, '.legend'],
      [
        'slot',
        `/streams/${DOMAIN}/live/cam-lobby?from=${at(lobby.gapAt - 600_000)}&to=${at(lobby.gapAt + 600_000)}&at=${at(lobby.gapAt)}`,
        '.witness >> nth=2',
      ],
      ['incidents', '/incidents', 'table.rows'],
      ['incident', '/incidents/1', '.events'],
      ['gaps', '/gaps', 'table.rows'],
      ['configs', '/configs', '.diff-new'],
      ['audits', '/audits', 'table.rows'],
      ['quarantine', '/quarantine', 'table.rows'],
      ['report', '/report', 'table.rows'],
      ['nowhere', '/incidents/1/none', 'text=There is no such page.'],
    ];
    expect(door.verdict).toBe('not_captured');
    const found: [page: string, violations: string[]][] = [];
    // One page for all of them, as a person has it open: what was loaded once is not loaded again.
    const { page, context, complaints } = await watchedPage(browser, hosts);
    for (const [name, address, ready] of pages) {
      await page.emulateMedia({ colorScheme: 'light' });
      await page.goto(dashboard.url + address);
      await page.locator(ready).first().waitFor({ timeout: 60_000 });
      await settled(page);
      found.push([`${name}, light`, await violations(page)]);
      await shoot(page, name);
      await page.emulateMedia({ colorScheme: 'dark' });
      await page.locator('html[data-mantine-color-scheme="dark"]').waitFor();
      found.push([`${name}, dark`, await violations(page)]);
      await shoot(page, `${name}-dark`);
      expect([name, complaints, dashboard.errors]).toEqual([name, [], []]);
    }
    await context.close();
    expect(found.filter(([, violated]) => violated.length > 0)).toEqual([]);
  }, 600_000);

  it('leads from the wall to the gap of a fault, its cause, its proof and the pictures around it', async () => {
    await visit('/', async (page) => {
      await page.locator('[data-stream]').first().waitFor();
      await page.keyboard.press('/');
      await page.keyboard.type('cam-lobby');
      await expect.poll(() => page.locator('[data-stream]').count(), { timeout: 10_000 }).toBe(1);
      await page.locator('[data-stream="cam-lobby"]').click();
      const row = page.locator('table.rows tbody tr', { hasText: 'object was deleted' });
      await row.locator('a').click();
      const proof = page.getByRole('dialog');
      await proof.getByText('Object missing', { exact: true }).waitFor();
      await proof.getByText('somebody removed it').waitFor();
      await proof.getByText('We were told').waitFor();
      await proof.getByText('It is not there').waitFor();
      // What one can see can be passed on.
      expect(new URL(page.url()).searchParams.get('at')).toBe(
        at(day.faulty.find((each) => each.name === 'cam-lobby')!.gapAt),
      );
      await proof
        .getByRole('button', { name: /Picture of/ })
        .first()
        .click();
      await proof.getByText('OK', { exact: true }).waitFor();
      await expect
        .poll(() => page.evaluate("document.querySelector('.slot > .picture img')?.naturalWidth ?? 0"), {
          timeout: 15_000,
        })
        .toBeGreaterThan(0);
    });
  }, 120_000);

  it('acknowledges an incident with a reason, which then stands in its story', async () => {
    await visit('/incidents', async (page) => {
      await page.locator('table.rows a').first().click();
      await page.getByRole('button', { name: 'Acknowledge' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Reason').fill('the encoder is being replaced');
      await dialog.getByRole('button', { name: 'Acknowledge' }).click();
      await page.locator('.events').getByText('the encoder is being replaced').waitFor();
      await page.locator('.page-head').getByText('Acknowledged').waitFor();
      expect(await page.getByRole('button', { name: 'Acknowledge' }).count()).toBe(0);
    });
  }, 120_000);

  it('shows the plan field by field and applies it only after the word was typed', async () => {
    await visit('/configs', async (page) => {
      const interval = page.locator('tr', { hasText: 'Interval (s)' }).first();
      await interval.waitFor();
      expect(await interval.locator('.diff-old').textContent()).toBe('30');
      expect(await interval.locator('.diff-new').textContent()).toBe('10');
      await page.getByRole('button', { name: /^Apply/ }).click();
      const dialog = page.getByRole('dialog');
      const act = dialog.getByRole('button', { name: /^Apply/ });
      expect(await act.isDisabled()).toBe(true);
      await dialog.getByLabel('Type apply to go on').fill('apply');
      await act.click();
      await page.getByText(/changes? made\./).waitFor();
      // The vendor serves running sessions by the config that they started with.
      await page.getByText('Pending re-ingest').waitFor();
    });
    expect(configs.state.configs(PLAY).map((config) => config.intervalSeconds)).toEqual([10]);
  }, 120_000);

  it('prints the report without the frame, and hands out its numbers as CSV', async () => {
    await visit('/report', async (page) => {
      await page.getByText('By verdict').waitFor();
      await page.emulateMedia({ media: 'print' });
      expect(await page.locator('header.top').isVisible()).toBe(false);
      expect(await page.getByRole('button', { name: 'Print' }).isVisible()).toBe(false);
      expect(await page.getByText('By verdict').isVisible()).toBe(true);
      await page.emulateMedia({ media: 'screen' });
      const href = await page.getByRole('link', { name: 'Download CSV' }).getAttribute('href');
      const csv = await page.request.get(dashboard.url + href);
      expect(csv.headers()['content-type']).toContain('text/csv');
      expect(await csv.text()).toContain('cam-door');
    });
  }, 120_000);

  it('shows hostile names, objects, reasons and bodies as text', async () => {
    const asText = async (page: Page, text: string) =>
      expect
        .poll(() => page.locator('#content, [role="dialog"]').allInnerTexts(), { timeout: 10_000 })
        .toEqual(expect.arrayContaining([expect.stringContaining(text)]));
    await visit('/?q=hostile', async (page) => {
      for (const text of [HOSTILE.html, HOSTILE.script, HOSTILE.rtl, HOSTILE.path]) await asText(page, text);
      expect(await page.title()).toBe('Wall · Snapaudit');
      expect(await page.locator('#content img, #content b >> text=bold').count()).toBe(0);
    });
    await visit(`/streams/${DOMAIN}/hostile/${encodeURIComponent(HOSTILE.path)}`, async (page) => {
      await page.getByRole('heading', { level: 1, name: HOSTILE.path }).waitFor();
      await page.getByText('Gaps in this window').waitFor();
    });
    await visit(`/streams/${DOMAIN}/hostile/${encodeURIComponent(HOSTILE.script)}`, async (page) => {
      await page.locator('table.rows a').click();
      const dialog = page.getByRole('dialog');
      await dialog.locator('.witness').first().waitFor();
      await asText(page, `${HOSTILE.script}.jpg`);
    });
    await visit('/gaps', async (page) => {
      await asText(page, HOSTILE.html);
      const widths = (await page.evaluate('[document.documentElement.scrollWidth, innerWidth]')) as number[];
      expect(widths[0]).toBeLessThanOrEqual(widths[1]!);
    });
    await visit('/quarantine', async (page) => {
      await asText(page, HOSTILE.script);
      const row = page.locator('tr', { hasText: HOSTILE.html.slice(0, 20) });
      await row.locator('button').click();
      await page.getByRole('dialog').getByText(`{"StreamName":"${HOSTILE.html}"}`).waitFor();
    });
  }, 240_000);

  it('shows a change without a reload, and says since when it is stale once the service is gone', async () => {
    const own = await startTestDashboard(database, { everyMs: 200 });
    const { page, context, complaints } = await watchedPage(browser, [new URL(own.url).host]);
    try {
      await page.goto(own.url);
      const card = page.locator('[data-stream="desk-1"]');
      await card.waitFor();
      await page.getByText('Live', { exact: true }).waitFor();
      await database.pool.query(
        `update sessions set ended_at = now() - interval '1 second'
         where stream_id = (select id from streams where stream = 'desk-1')`,
      );
      await card.getByText('Offline').waitFor({ timeout: 15_000 });
      expect(complaints).toEqual([]);
      await own.goAway();
      await page.getByText(/Stale since \d\d:\d\d:\d\d/).waitFor({ timeout: 30_000 });
    } finally {
      await context.close();
      await own.close();
    }
  }, 120_000);

  it('is worked by keyboard: rows by j and k, Enter, pages by g, help by ?', async () => {
    await visit('/', async (page) => {
      await page.locator('[data-row]').first().waitFor();
      await page.keyboard.press('j');
      await page.keyboard.press('j');
      const second = "document.activeElement === document.querySelectorAll('[data-row]')[1]";
      expect(await page.evaluate(second)).toBe(true);
      await page.keyboard.press('k');
      await page.keyboard.press('Enter');
      await expect.poll(() => page.url()).toContain('/streams/');
      await page.keyboard.press('g');
      await page.keyboard.press('a');
      await page.getByRole('heading', { level: 1, name: 'Audits' }).waitFor();
      await page.keyboard.press('?');
      await page.getByRole('dialog').getByText('Search streams').waitFor();
      await page.keyboard.press('Escape');
      await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
    });
  }, 120_000);

  it('fits a phone, speaks Chinese, and blurs pictures where that was chosen', async () => {
    for (const address of ['/', `/streams/${DOMAIN}/live/cam-door`, '/gaps', '/report', '/incidents/1']) {
      await visit(
        address,
        async (page) => {
          await page.locator('#content h1').first().waitFor();
          await settled(page);
          const widths = (await page.evaluate('[document.documentElement.scrollWidth, innerWidth]')) as number[];
          expect([address, widths[0]]).toEqual([address, widths[1]]);
          if (address === '/') await shoot(page, 'wall-phone');
        },
        { width: 390, height: 844 },
      );
    }
    await visit(
      `/streams/${DOMAIN}/live/cam-hall`,
      async (page) => {
        await page.getByText('投递延迟').first().waitFor();
        expect(await page.evaluate('document.documentElement.lang')).toBe('zh-CN');
        await page.getByRole('button', { name: '设置' }).click();
        await page.getByLabel('模糊图片，指针移上时显示').check();
        await page.locator('.picture-blurred').first().waitFor();
        await shoot(page, 'stream-zh');
      },
      { locale: 'zh-CN' },
    );
  }, 240_000);

  // Last, for once a token was made in the database, every page asks for one.
  it('asks for a token where one is needed, and shows only what the token may do', async () => {
    const own = await startTestDashboard(database, { environmentToken: 'an-admin-token-for-this-test' });
    const { token } = await own.tokens.create({ name: 'looker', scope: 'read' });
    const { page, context, complaints } = await watchedPage(browser, [new URL(own.url).host]);
    try {
      await page.goto(`${own.url}/gaps`);
      await page.getByLabel('Token').waitFor();
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await page.locator(`html[data-mantine-color-scheme="${colorScheme}"]`).waitFor();
        expect(await violations(page)).toEqual([]);
      }
      await page.getByLabel('Token').fill('sar_wrong');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByText('This token is not valid.').waitFor();
      await page.getByLabel('Token').fill(token);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('heading', { level: 1, name: 'Gaps' }).waitFor();
      expect(
        await page.evaluate('document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)'),
      ).not.toContain(token);
      await page.goto(`${own.url}/quarantine`);
      await page.locator('table.rows').waitFor();
      expect(await page.getByRole('button', { name: 'Retry' }).count()).toBe(0);
      await page.getByRole('button', { name: 'Settings' }).click();
      await page.getByText('looker').waitFor();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByLabel('Token').waitFor();
      // The browser itself notes the refusal of the wrong token.
      expect(complaints.filter((complaint) => !complaint.includes('401'))).toEqual([]);
    } finally {
      await context.close();
      await own.close();
    }
  }, 120_000);
});
