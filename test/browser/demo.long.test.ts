import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { hasChromium, launchBrowser, SKIPPED, watchedPage } from '../support/browser.ts';
import { settled, violations } from '../support/page-checks.ts';

/** The last fault of the scenario ends 97 s after the first picture. */
const PLAYED_AFTER_MS = 101_000;
const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

/** `npm run demo` as a person starts it, and what its faults have become once the audit has named them. */
describe.skipIf(!hasChromium)(`the pages over the running demo${SKIPPED}`, () => {
  let directory: string;
  let demo: ChildProcess;
  let said = '';
  let url: string;
  let browser: Browser;
  let hosts: string[];

  const api = async <Row>(where: string): Promise<{ data: Row[] }> =>
    (await (await fetch(`${url}/api/v1${where}`)).json()) as { data: Row[] };
  const found = (where: string) =>
    vi.waitFor(async () => expect([where, (await api(where)).data]).not.toEqual([where, []]), {
      timeout: 240_000,
      interval: 1_000,
    });

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'snapaudit-browser-demo-'));
    // The embedded PostgreSQL of root runs as another user, who must get in.
    await chmod(directory, 0o755);
    const { DATABASE_URL: _database, ...environment } = process.env;
    demo = spawn(process.execPath, [CLI, 'demo'], {
      cwd: directory,
      env: { ...environment, SNAPAUDIT_DATA_DIR: directory, NO_COLOR: '1' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    demo.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const listens = /listens on (http:\/\/127\.0\.0\.1:\d+)/;
    await vi.waitFor(() => expect(said).toMatch(listens), { timeout: 180_000, interval: 100 });
    url = listens.exec(said)![1]!;
    const startedAt = Date.now();
    browser = await launchBrowser();
    // All is played and audited: what our own outage hid comes last, when it is looked back at.
    await found('/gaps?last=1h&stream=deleted&cause=object_deleted');
    await found('/gaps?last=1h&stream=skipped&verdict=not_captured');
    await found('/gaps?last=1h&cause=receiver_down');
    await found('/incidents?status=open');
    await found('/quarantine');
    // The vendor is away now and then while the faults are played; an audit after that has gone through.
    const newest = async () => (await api<{ status: string; startedAt: string }>('/audits')).data;
    await vi.waitFor(
      async () =>
        expect(
          (await newest()).some(
            (audit) => audit.status === 'done' && Date.parse(audit.startedAt) > startedAt + PLAYED_AFTER_MS,
          ),
        ).toBe(true),
      { timeout: 240_000, interval: 1_000 },
    );
    const [capture] = (await api<{ id: string }>('/captures?last=1h&stream=cam01&verdict=ok&limit=1')).data;
    const signed = (await (await fetch(`${url}/api/v1/captures/${capture!.id}/url`)).json()) as { url: string };
    hosts = [new URL(url).host, new URL(signed.url).host];
  }, 600_000);

  afterAll(async () => {
    await browser?.close();
    if (demo && demo.exitCode === null) {
      const ended = new Promise((resolve) => demo.once('exit', resolve));
      demo.kill('SIGINT');
      await ended;
    }
    await rm(directory, { recursive: true, force: true });
  }, 60_000);

  async function visit(address: string, task: (page: Page) => Promise<void>): Promise<void> {
    const { page, context, complaints } = await watchedPage(browser, hosts);
    try {
      await page.goto(url + address);
      await task(page);
      expect(complaints).toEqual([]);
    } finally {
      await context.close();
    }
  }

  it('leads from the wall to the gap of an injected fault, its cause and its pictures out of OSS', async () => {
    await visit('/', async (page) => {
      await page.locator('.facts').getByText('sandbox', { exact: true }).waitFor();
      await page.locator('[data-stream]').first().waitFor();
      await page.keyboard.press('/');
      await page.keyboard.type('deleted');
      await page.locator('[data-stream="deleted"]').click();
      const row = page.locator('table.rows tbody tr', { hasText: 'object was deleted' });
      await row.locator('a').first().click();
      const proof = page.getByRole('dialog');
      await proof.getByText('Object missing', { exact: true }).waitFor();
      await proof.getByText('We were told').waitFor();
      await proof.locator('.mark').getByText('It is not there').waitFor();
      const seen = `[...document.querySelectorAll('[role="dialog"] .neighbours img')].filter((image) => image.naturalWidth > 0).length`;
      await expect.poll(() => page.evaluate(seen), { timeout: 30_000 }).toBeGreaterThan(0);
    });
  }, 120_000);

  it('answers the addresses that alerts write', async () => {
    const [gap] = (
      await api<{ domain: string; app: string; stream: string; from: string }>('/gaps?last=1h&stream=skipped')
    ).data;
    const { domain, app, stream, from } = gap!;
    await visit(`/streams/${domain}/${app}/${stream}?at=${encodeURIComponent(from)}`, async (page) => {
      await page.getByRole('dialog').getByText('Not captured', { exact: true }).first().waitFor();
    });
  }, 120_000);

  it('keeps every page without a complaint and without a violation of accessibility, light and dark', async () => {
    const [incident] = (await api<{ id: number }>('/incidents')).data;
    const [kept] = (await api<{ id: number }>('/quarantine')).data;
    const [gap] = (
      await api<{ domain: string; app: string; stream: string; from: string }>('/gaps?last=1h&stream=deleted')
    ).data;
    const stream = `/streams/${gap!.domain}/${gap!.app}/${gap!.stream}`;
    const pages: [address: string, ready: string][] = [
      ['/', '[data-stream]'],
      [`${stream}?last=tenMinutes`, '.legend'],
      [`${stream}?last=month`, '.legend'],
      [`${stream}?at=${gap!.from}`, '.witness >> nth=2'],
      ['/incidents', 'table.rows'],
      [`/incidents/${incident!.id}`, '.events'],
      ['/gaps', 'table.rows'],
      ['/configs', '#content h1'],
      ['/audits', 'table.rows'],
      ['/quarantine', 'table.rows'],
      [`/quarantine?request=${kept!.id}`, 'pre.raw'],
      ['/report', 'table.rows'],
    ];
    const wrong: [string, string[]][] = [];
    const { page, context, complaints } = await watchedPage(browser, hosts);
    for (const [address, ready] of pages) {
      await page.goto(url + address);
      await page.locator(ready).first().waitFor({ timeout: 60_000 });
      await settled(page);
      for (const scheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme: scheme });
        await page.locator(`html[data-mantine-color-scheme="${scheme}"]`).waitFor();
        wrong.push([`${address} ${scheme}`, await violations(page)]);
      }
      expect([address, complaints]).toEqual([address, []]);
    }
    for (const open of ['Settings', 'Keyboard']) {
      await page.goto(`${url}/gaps`);
      await page
        .getByRole('button', { name: new RegExp(open) })
        .first()
        .click();
      await page.locator('[role="menu"], [role="dialog"]').first().waitFor();
      wrong.push([open, await violations(page)]);
    }
    await context.close();
    expect(wrong.filter(([, violated]) => violated.length > 0)).toEqual([]);
  }, 300_000);

  it('acknowledges the incident of a fault', async () => {
    // Somebody changes the interval of this app, and it stays so until it is put back.
    const drifted = '/incidents?status=open&kind=config_drift&app=stretched';
    await found(drifted);
    const [incident] = (await api<{ id: number }>(drifted)).data;
    await visit(`/incidents/${incident!.id}`, async (page) => {
      await page.locator('.page-head').getByText('stretched').waitFor();
      await page.getByRole('button', { name: 'Acknowledge' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Reason').fill('seen, the encoder is being replaced');
      await dialog.getByRole('button', { name: 'Acknowledge' }).click();
      await page.locator('.events').getByText('seen, the encoder is being replaced').waitFor();
    });
  }, 120_000);

  it('puts back what somebody changed at the vendor, once it was asked', async () => {
    await visit('/configs', async (page) => {
      await page.locator('.diff-new').first().waitFor();
      await page.getByRole('button', { name: /^Apply/ }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByText(/^Make these changes/).waitFor();
      await dialog.getByRole('button', { name: /^Apply/ }).click();
      await page.getByText(/changes? made\./).waitFor();
    });
  }, 120_000);

  it('gives a kept request up only after it was asked twice', async () => {
    const [kept] = (await api<{ id: number }>('/quarantine')).data;
    await visit(`/quarantine?request=${kept!.id}`, async (page) => {
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('button', { name: 'Drop', exact: true }).click();
      await dialog.getByRole('button', { name: 'Drop for good' }).click();
      await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
      await expect
        .poll(async () => {
          const row = (await (await fetch(`${url}/api/v1/quarantine/${kept!.id}`)).json()) as { outcome: string };
          return row.outcome;
        })
        .toBe('dropped');
    });
  }, 120_000);

  it('prints the report', async () => {
    await visit('/report', async (page) => {
      await page.getByText('By verdict').waitFor();
      await settled(page);
      const paper = await page.pdf();
      expect(paper.subarray(0, 5).toString()).toBe('%PDF-');
      expect(paper.length).toBeGreaterThan(5_000);
    });
  }, 120_000);
});
