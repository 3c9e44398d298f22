import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PicturePainter } from '../../src/sandbox/broadcast/picture.ts';
import { hasChromium, launchBrowser, type PageLook, SKIPPED, watchedPage } from '../support/browser.ts';
import { startTestDashboard, type TestDashboard } from '../support/dashboard.ts';
import { DOMAIN, type PlantedDay, plantDay } from '../support/dashboard-data.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { addConfig, addGap, addSession, addStream, addWatermark } from '../support/history.ts';
import { violations } from '../support/page-checks.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The page's own type: tests know no DOM. */
interface Timed {
  dateTime: string;
}

/** A loaded machine takes its time. */
const soon = <Value>(look: () => Value) => expect.poll(look, { timeout: 20_000 });

describe.skipIf(!hasChromium)(`the page of one stream${SKIPPED}`, () => {
  let database: TestDatabase;
  let dashboard: TestDashboard;
  let browser: Browser;
  let day: PlantedDay;
  let hosts: string[];

  beforeAll(async () => {
    database = await createTestDatabase();
    day = await plantDay(database, Date.now());
    dashboard = await startTestDashboard(database);
    const picture = await new PicturePainter({ perSecond: 1 }).paint({ app: 'live', stream: 'cam-door' }, Date.now());
    for (const { key, at: instant } of day.objects) dashboard.putPicture(key, picture, instant);
    hosts = [new URL(dashboard.url).host, new URL(dashboard.ossUrl).host];
    browser = await launchBrowser();
  }, 240_000);

  afterAll(async () => {
    await browser?.close();
    await dashboard?.close();
    await database?.drop();
  }, 60_000);

  async function visit(
    address: string,
    task: (page: Page) => Promise<void>,
    { script, ...look }: PageLook & { script?: string } = {},
  ): Promise<void> {
    const { page, context, complaints } = await watchedPage(browser, hosts, look);
    try {
      if (script) await page.addInitScript(script);
      await page.goto(dashboard.url + address);
      await task(page);
      expect(complaints).toEqual([]);
      expect(dashboard.errors).toEqual([]);
    } finally {
      await context.close();
    }
  }

  const at = (instant: number) => new Date(instant).toISOString();
  const faulty = (name: string) => day.faulty.find((each) => each.name === name)!;

  it('shows the mode that the config has, and a switch where it has both', async () => {
    const first = Math.floor(Date.now() / HOUR) * HOUR - 6 * HOUR;
    const template = '{AppName}/{StreamName}.jpg';
    const common = { domain: DOMAIN, validFrom: first - DAY, intervalSeconds: 10, overwriteObject: template };
    await addConfig(database, { ...common, app: 'cover', sequenceObject: null });
    await addConfig(database, { ...common, app: 'both' });
    for (const app of ['cover', 'both']) {
      const id = await addStream(database, DOMAIN, app, 'door');
      await addSession(database, id, first, first + 5 * HOUR);
      await addWatermark(database, id, first + 5 * HOUR);
      await addGap(database, {
        streamId: id,
        from: first + HOUR,
        to: first + HOUR + 10 * MINUTE,
        slots: 60,
        verdict: 'not_captured',
        cause: 'not_captured',
        sessionStartedAt: first,
        mode: 'overwrite',
      });
    }
    const modes = (page: Page) => page.getByRole('radiogroup', { name: 'Mode' });
    await visit(`/streams/${DOMAIN}/cover/door?from=${at(first)}&to=${at(first + 5 * HOUR)}`, async (page) => {
      await page.locator('.legend').getByText('Not captured').waitFor();
      expect(await modes(page).count()).toBe(0);
    });
    await visit(`/streams/${DOMAIN}/both/door?from=${at(first)}&to=${at(first + 5 * HOUR)}`, async (page) => {
      await page.locator('.legend').getByText('100%').waitFor();
      await modes(page).getByText('Overwrite').click();
      await page.locator('.legend').getByText('Not captured').waitFor();
      expect(new URL(page.url()).searchParams.get('mode')).toBe('overwrite');
    });
  }, 120_000);

  it('shows of each witness what the audit found and what is there now, and the callback as it came', async () => {
    const { gapAt } = faulty('cam-lobby');
    await visit(`/streams/${DOMAIN}/live/cam-lobby?at=${at(gapAt)}`, async (page) => {
      const witness = (title: string) => page.locator('.witness', { has: page.getByRole('heading', { name: title }) });
      const callback = witness('Callback').locator('pre');
      await callback.waitFor();
      expect(JSON.parse((await callback.textContent()) ?? '')).toMatchObject({
        StreamName: 'cam-lobby',
        OssObject: `snapshot/live/cam-lobby/${gapAt / 1_000}.jpg`,
      });
      const audited = (title: string) => witness(title).locator('dl div', { hasText: 'As the audit found it' });
      await audited('Object in OSS').getByText('It is not there').waitFor();
      // The index lists what was deleted: nobody has to ask it again to see why.
      await audited('Vendor’s index').getByText('Listed', { exact: true }).waitFor();
      expect(await witness('Vendor’s index').getByText('Not asked').count()).toBe(0);
      expect(await violations(page)).toEqual([]);
    });
    const door = faulty('cam-door');
    await visit(`/streams/${DOMAIN}/live/cam-door?at=${at(door.gapAt + 2 * MINUTE)}`, async (page) => {
      const index = page.locator('.witness >> nth=2');
      await index.locator('.mark').getByText('Not listed').waitFor();
      await page.locator('.witness >> nth=1').locator('.mark').getByText('It is not there').waitFor();
    });
  }, 120_000);

  it('shows the pictures under the cursor, and keeps them until one of them is clicked', async () => {
    const from = faulty('cam-door').gapAt - 40 * MINUTE;
    const to = from + 2 * HOUR;
    await visit(`/streams/${DOMAIN}/live/cam-door?from=${at(from)}&to=${at(to)}`, async (page) => {
      await page.locator('.pictures img').first().waitFor();
      const chart = (await page.locator('.timeline canvas').boundingBox())!;
      // Half an hour into the window.
      await page.mouse.move(chart.x + chart.width / 4, chart.y + chart.height / 2);
      const shown = async () =>
        (
          await page.locator('.pictures time').evaluateAll((times) => times.map((time) => (time as Timed).dateTime))
        ).map((text) => Date.parse(text) - (from + HOUR / 2));
      await soon(async () => Math.min(...(await shown()).map(Math.abs))).toBeLessThan(MINUTE);
      const near = await shown();
      expect(near).toHaveLength(8);
      expect(Math.max(...near.map(Math.abs))).toBeLessThan(2 * MINUTE);
      expect(await page.locator('.pictures time').first().getAttribute('title')).toMatch(/UTC$/);
      const third = page.locator('.pictures button').nth(2);
      const place = (await third.boundingBox())!;
      await page.mouse.move(place.x + place.width / 2, place.y + place.height / 2, { steps: 10 });
      // Longer than it takes to look for other pictures, where the pointer has left the timeline.
      await page.waitForTimeout(600);
      expect(await shown()).toEqual(near);
      await third.click();
      await page.getByRole('dialog').getByText('OK', { exact: true }).waitFor();
      expect(Date.parse(new URL(page.url()).searchParams.get('at') ?? '') - (from + HOUR / 2)).toBe(near[2]);
    });
  }, 120_000);

  it('calls a stream on air without a config neither on time nor late: nothing is due', async () => {
    const id = await addStream(database, DOMAIN, 'unconfigured', 'attic');
    await addSession(database, id, Date.now() - HOUR, null);
    await visit('/', async (page) => {
      const card = page.locator('[data-stream="attic"]');
      await card.getByText('Nothing due').waitFor();
      await card.click();
      await page.locator('.page-head').getByText('Nothing due').waitFor();
    });
  }, 120_000);

  it('stays at the time of an old alert when its slot is closed, and links to it for everybody', async () => {
    const linked = Math.floor(Date.now() / HOUR) * HOUR - 3 * DAY;
    const id = await addStream(database, DOMAIN, 'live', 'old');
    await addSession(database, id, linked - HOUR, linked + HOUR);
    await addGap(database, {
      streamId: id,
      from: linked,
      to: linked + 10 * SECOND,
      slots: 1,
      verdict: 'not_captured',
      cause: 'not_captured',
      sessionStartedAt: linked - HOUR,
    });
    await visit(`/streams/${DOMAIN}/live/old?at=${at(linked)}`, async (page) => {
      const dialog = page.getByRole('dialog');
      await dialog.getByText('Not captured', { exact: true }).waitFor();
      await dialog.getByRole('button', { name: 'Close' }).click();
      await soon(() => dialog.count()).toBe(0);
      const { searchParams } = new URL(page.url());
      expect([searchParams.get('from'), searchParams.get('to'), searchParams.get('at')]).toEqual([
        at(linked - HOUR / 2),
        at(linked + HOUR / 2),
        null,
      ]);
      expect(await page.locator('.panel h2 time').first().getAttribute('datetime')).toBe(at(linked - HOUR / 2));
    });
    const { gapAt } = faulty('cam-door');
    await visit(
      `/streams/${DOMAIN}/live/cam-door?last=day&at=${at(gapAt)}`,
      async (page) => {
        await page.getByRole('button', { name: 'Copy link' }).click();
        await page.getByRole('button', { name: 'Copied' }).waitFor();
        const { searchParams } = new URL((await page.evaluate('window.copied')) as string);
        expect([searchParams.get('at'), searchParams.get('last')]).toEqual([at(gapAt), null]);
        const [from, to] = ['from', 'to'].map((name) => Date.parse(searchParams.get(name) ?? ''));
        expect(to! - from!).toBe(DAY);
        expect(Math.abs(to! - Date.now())).toBeLessThan(5 * MINUTE);
      },
      {
        script: `Object.defineProperty(navigator, 'clipboard', { value: {
          writeText: async (text) => { window.copied = text; } } })`,
      },
    );
  }, 120_000);

  it('shows what it would have copied where the browser does not let it', async () => {
    const { gapAt } = faulty('cam-door');
    await visit(
      `/streams/${DOMAIN}/live/cam-door?at=${at(gapAt)}`,
      async (page) => {
        await page.getByRole('button', { name: 'Copy link' }).click();
        const link = page.getByLabel('Copy it from here');
        expect(await link.inputValue()).toContain(encodeURIComponent(at(gapAt)));
        expect(await violations(page)).toEqual([]);
      },
      // As over plain HTTP.
      { script: 'delete Navigator.prototype.clipboard' },
    );
  }, 120_000);

  it('lists all gaps of the window, a page at a time, and says so', async () => {
    const first = Math.floor(Date.now() / HOUR) * HOUR - 10 * HOUR;
    const id = await addStream(database, DOMAIN, 'live', 'flapping');
    await addSession(database, id, first, null);
    for (let index = 0; index < 130; index++) {
      await addGap(database, {
        streamId: id,
        from: first + index * MINUTE,
        to: first + index * MINUTE + 10 * SECOND,
        slots: 1,
        verdict: 'late',
        cause: 'late_delivery',
        sessionStartedAt: first,
      });
    }
    await visit(`/streams/${DOMAIN}/live/flapping`, async (page) => {
      const rows = page.locator('table.rows tbody tr');
      await soon(() => rows.count()).toBe(100);
      await page.getByRole('img', { name: 'more than 100 gaps' }).waitFor();
      await page.getByRole('button', { name: 'Show more' }).click();
      await soon(() => rows.count()).toBe(130);
      await page.getByRole('img', { name: /, 130 gaps$/ }).waitFor();
    });
  }, 120_000);

  it('leads from month to month', async () => {
    await visit(`/streams/${DOMAIN}/live/cam-door?from=2026-03-10T00:00:00Z&to=2026-03-11T00:00:00Z`, async (page) => {
      const calendar = page.locator('.panel', { has: page.getByRole('heading', { name: 'Coverage by day' }) });
      await calendar.getByText('Mar 2026').waitFor();
      await calendar.getByRole('button', { name: 'Month before' }).click();
      await calendar.getByText('Feb 2026').waitFor();
      await calendar.getByRole('button', { name: /^28 Feb 2026|^Feb 28, 2026/ }).click();
      await soon(() => new URL(page.url()).searchParams.get('from')).toBe('2026-02-28T00:00:00.000Z');
      await calendar.getByRole('button', { name: 'Next month' }).click();
      await calendar.getByText('Mar 2026').waitFor();
    });
    await visit(`/streams/${DOMAIN}/live/cam-door`, async (page) => {
      expect(await page.getByRole('button', { name: 'Next month' }).isDisabled()).toBe(true);
    });
  }, 120_000);

  it('stays with its stream when the window changes, and with the filter of a list, whatever the stream is called', async () => {
    const first = Math.floor(Date.now() / HOUR) * HOUR - 30 * HOUR;
    for (const name of ['100%', 'a%2Fb', '%41', 'back\\slash', 'a/b?c#d&e+f', '客厅 📷']) {
      const id = await addStream(database, DOMAIN, 'live', name);
      await addSession(database, id, first, first + HOUR);
      await addWatermark(database, id, first + HOUR);
      const address = `/streams/${DOMAIN}/live/${encodeURIComponent(name)}`;
      await visit(`${address}?last=hour`, async (page) => {
        const heading = page.getByRole('heading', { level: 1, name, exact: true });
        await heading.waitFor();
        // A wider window, which is written into the address.
        await page.keyboard.press('-');
        await soon(() => new URL(page.url()).searchParams.has('from')).toBe(true);
        expect(new URL(page.url()).pathname).toBe(address);
        await heading.waitFor();
      });
    }
    await visit(`/gaps?${new URLSearchParams({ stream: 'a%2Fb' })}`, async (page) => {
      await page.locator('.page-head bdi').getByText('a%2Fb', { exact: true }).waitFor();
      await page.getByLabel('Verdict').selectOption('unknown');
      await soon(() => new URL(page.url()).searchParams.get('verdict')).toBe('unknown');
      expect(new URL(page.url()).searchParams.get('stream')).toBe('a%2Fb');
    });
  }, 120_000);
});
