import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { isInstalled } from './is-installed.ts';

const PROGRAM = ['chromium', 'chromium-browser', 'google-chrome'].find(isInstalled) ?? null;

/** Part of a test's name, so that a report says why it did not run. */
export const SKIPPED = PROGRAM === null ? ' (skipped: no Chromium found)' : '';
export const hasChromium = PROGRAM !== null;

export function launchBrowser(): Promise<Browser> {
  if (PROGRAM === null) throw new Error('no Chromium found');
  return chromium.launch({
    channel: 'chromium',
    executablePath: `/usr/bin/${PROGRAM}`,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

export interface WatchedPage {
  page: Page;
  context: BrowserContext;
  /** Console errors, uncaught errors, policy violations, and requests to other hosts. */
  complaints: string[];
}

export interface PageLook {
  width?: number;
  height?: number;
  colorScheme?: 'light' | 'dark';
  locale?: string;
  timezoneId?: string;
}

/** A page of its own whose every complaint is kept. `hosts` are those that it may ask, e.g. `127.0.0.1:8080`. */
export async function watchedPage(
  browser: Browser,
  hosts: readonly string[],
  look: PageLook = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({
    viewport: { width: look.width ?? 1360, height: look.height ?? 860 },
    colorScheme: look.colorScheme ?? 'light',
    locale: look.locale ?? 'en-GB',
    timezoneId: look.timezoneId ?? 'Asia/Shanghai',
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  // The policy's own event, beside the console's line, names what was blocked.
  await page.addInitScript(`document.addEventListener('securitypolicyviolation', (event) => {
    console.error('policy violation: ' + event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample);
  });`);
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (/^https?:$/.test(url.protocol) && !hosts.includes(url.host)) complaints.push(`asked another host: ${url.host}`);
  });
  return { page, context, complaints };
}
