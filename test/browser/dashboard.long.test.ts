import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasChromium, SKIPPED } from '../support/browser.ts';
import { type ConfigWorld, PLAY } from '../support/config-world.ts';
import type { TestDashboard } from '../support/dashboard.ts';
import { DOMAIN, type PlantedDay } from '../support/dashboard-data.ts';
import { createDashboardWorld, type DashboardWorld, shoot } from '../support/dashboard-world.ts';
import { addGap } from '../support/history.ts';
import { settled } from '../support/page-checks.ts';

describe.skipIf(!hasChromium)(`the dashboard in Chromium${SKIPPED}`, () => {
  let world: DashboardWorld;
  let dashboard: TestDashboard;
  let day: PlantedDay;
  let configs: ConfigWorld;

  beforeAll(async () => {
    world = await createDashboardWorld();
    ({ dashboard, day, configs } = world);
  }, 240_000);

  afterAll(() => world?.close(), 60_000);

  const visit: DashboardWorld['visit'] = (...visited) => world.visit(...visited);
  const at = (instant: number) => new Date(instant).toISOString();

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
      await proof.locator('.mark').getByText('It is not there').waitFor();
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

  it('leads from an incident to the gaps of its time, and no others, until that is taken away', async () => {
    const door = day.faulty.find((each) => each.name === 'cam-door')!;
    await addGap(world.database, {
      streamId: door.id,
      from: door.gapAt - 3_600_000,
      to: door.gapAt - 3_500_000,
      slots: 10,
      verdict: 'not_captured',
      cause: 'not_captured',
      sessionStartedAt: day.from,
    });
    await visit('/incidents/1', async (page) => {
      await page.getByRole('link', { name: 'Show the gaps' }).click();
      const rows = page.locator('table.rows tbody tr');
      await expect.poll(() => rows.count(), { timeout: 10_000 }).toBe(1);
      expect(await rows.innerText()).toContain('90');
      await page.getByRole('button', { name: 'Remove this time' }).click();
      await expect.poll(() => rows.count(), { timeout: 10_000 }).toBe(2);
      expect(new URL(page.url()).searchParams.has('from')).toBe(false);
    });
  }, 120_000);

  it('shows a silence that was made here, where it holds, and lifts it', async () => {
    await visit('/incidents/1', async (page) => {
      await page.getByRole('button', { name: 'Silence' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Reason').fill('the encoder is on its way');
      await dialog.getByRole('button', { name: 'Silence' }).click();
      await page.locator('.panel', { hasText: 'Silences in force' }).getByText('on its way').waitFor();
      await page.goto(`${dashboard.url}/incidents`);
      const silences = page.locator('.panel', { hasText: 'Silences in force' });
      await silences.getByText('on its way').waitFor();
      await silences.getByRole('button', { name: 'Lift' }).click();
      await expect.poll(() => silences.count(), { timeout: 10_000 }).toBe(0);
    });
    const { rows } = await world.database.pool.query('select 1 from silences where ended_at is null');
    expect(rows).toEqual([]);
  }, 120_000);

  it('tells in Chinese whose key stands at the vendor', async () => {
    await visit(
      '/configs',
      async (page) => {
        await page.locator('tr', { hasText: '签名' }).first().waitFor();
        expect(await page.locator('.diff-old').allInnerTexts()).toEqual(expect.arrayContaining(['否', '无']));
        expect(await page.locator('.diff-new').allInnerTexts()).toEqual(expect.arrayContaining(['是', '我方密钥']));
        await page.getByRole('button', { name: /^应用/ }).click();
        await page
          .getByRole('dialog')
          .getByText(/签名: 是/)
          .first()
          .waitFor();
      },
      { locale: 'zh-CN' },
    );
  }, 120_000);

  it('shows the plan field by field and applies it only after it was asked, as the command asks', async () => {
    await visit('/configs', async (page) => {
      const interval = page.locator('tr', { hasText: 'Interval (s)' }).first();
      await interval.waitFor();
      expect(await interval.locator('.diff-old').textContent()).toBe('30');
      expect(await interval.locator('.diff-new').textContent()).toBe('10');
      await page.getByRole('button', { name: /^Apply/ }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByText(/^Make these changes \(\d+ calls?\)\?$/).waitFor();
      // As on the command line, who only presses Enter has said no.
      await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe('Cancel');
      await page.keyboard.press('Enter');
      await expect.poll(() => dialog.count()).toBe(0);
      expect(configs.state.configs(PLAY).map((config) => config.intervalSeconds)).toEqual([30]);
      await page.getByRole('button', { name: /^Apply/ }).click();
      await dialog.getByRole('button', { name: /^Apply/ }).click();
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
});
