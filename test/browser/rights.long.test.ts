import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SCOPES, type Scope } from '../../src/core/token-scope.ts';
import { hasChromium, SKIPPED, watchedPage } from '../support/browser.ts';
import { startTestDashboard, type TestDashboard } from '../support/dashboard.ts';
import { createDashboardWorld, type DashboardWorld } from '../support/dashboard-world.ts';
import { settled, violations } from '../support/page-checks.ts';

/** What each page offers, and the least scope that may do it. */
const OFFERS: [address: string, button: RegExp, scope: Scope][] = [
  ['/incidents/1', /^Acknowledge$/, 'operate'],
  ['/incidents/1', /^Silence$/, 'operate'],
  ['/incidents', /^Lift$/, 'operate'],
  ['/quarantine', /^Retry$/, 'operate'],
  ['/quarantine?request=1', /^Drop$/, 'operate'],
  ['/configs', /^Apply/, 'admin'],
  ['/configs', /^Restore$/, 'admin'],
];
const READY: Record<string, string> = {
  '/incidents/1': '.events',
  '/incidents': 'text=nobody is to be woken',
  '/quarantine': 'table.rows',
  '/quarantine?request=1': 'pre.raw',
  '/configs': '.diff-new',
};

describe.skipIf(!hasChromium)(`what a token may do, in Chromium${SKIPPED}`, () => {
  let world: DashboardWorld;
  let own: TestDashboard;

  beforeAll(async () => {
    world = await createDashboardWorld();
    own = await startTestDashboard(world.database, {
      environmentToken: 'an-admin-token-for-this-test',
      moreRoutes: world.routes,
      pingEveryMs: 200,
    });
    await world.database.pool.query(
      `insert into silences (from_at, until_at, reason, author, created_at)
       values (now(), now() + interval '1 day', 'nobody is to be woken', 'somebody', now())`,
    );
  }, 240_000);

  afterAll(async () => {
    await own?.close();
    await world?.close();
  }, 60_000);

  async function signIn(page: Page, token: string): Promise<void> {
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  it('asks for a token where one is needed, keeps it from scripts, and lets go of it', async () => {
    const { token } = await own.tokens.create({ name: 'looker', scope: 'read' });
    const { page, context, complaints } = await watchedPage(world.browser, [new URL(own.url).host]);
    try {
      await page.goto(`${own.url}/gaps`);
      await page.getByLabel('Token').waitFor();
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await page.locator(`html[data-mantine-color-scheme="${colorScheme}"]`).waitFor();
        expect(await violations(page)).toEqual([]);
      }
      await signIn(page, 'sar_wrong');
      await page.getByText('This token is not valid.').waitFor();
      await signIn(page, token);
      await page.getByRole('heading', { level: 1, name: 'Gaps' }).waitFor();
      expect(
        await page.evaluate('document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)'),
      ).not.toContain(token);
      await page.getByRole('button', { name: 'Settings' }).click();
      await page.getByText(/looker.*may look/).waitFor();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByLabel('Token').waitFor();
      // The browser itself notes the refusal of the wrong token.
      expect(complaints.filter((complaint) => !complaint.includes('401'))).toEqual([]);
    } finally {
      await context.close();
    }
  }, 120_000);

  for (const scope of SCOPES) {
    it(`shows a token of scope ${scope} what it may do, and nothing else`, async () => {
      const { token } = await own.tokens.create({ name: `a ${scope}`, scope });
      const { page, context, complaints } = await watchedPage(world.browser, [
        new URL(own.url).host,
        new URL(own.ossUrl).host,
      ]);
      try {
        await page.goto(own.url);
        await signIn(page, token);
        await page.locator('[data-stream]').first().waitFor();
        const shown: [string, RegExp, boolean][] = [];
        const wanted: typeof shown = [];
        for (const [address, button, least] of OFFERS) {
          await page.goto(own.url + address);
          await page.locator(READY[address]!).first().waitFor({ timeout: 30_000 });
          await settled(page);
          shown.push([address, button, (await page.getByRole('button', { name: button }).count()) > 0]);
          wanted.push([address, button, SCOPES.indexOf(scope) >= SCOPES.indexOf(least)]);
        }
        expect(shown).toEqual(wanted);
        // The browser itself notes what it asked before anybody had signed in.
        expect(complaints.filter((complaint) => !complaint.includes('401'))).toEqual([]);
      } finally {
        await context.close();
      }
    }, 120_000);
  }

  it('asks to sign in again as soon as the token is revoked, though nobody touches the page', async () => {
    const { token, row } = await own.tokens.create({ name: 'leaver', scope: 'read' });
    const { page, context } = await watchedPage(world.browser, [new URL(own.url).host]);
    try {
      await page.goto(own.url);
      await signIn(page, token);
      await page.locator('[data-stream]').first().waitFor();
      await page.getByText('Live', { exact: true }).waitFor();
      await own.tokens.revoke(row.id);
      await page.getByLabel('Token').waitFor({ timeout: 30_000 });
    } finally {
      await context.close();
    }
  }, 120_000);
});
