import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds wrong with the page as it stands; each with the first elements that it concerns. */
export async function violations(page: Page): Promise<string[]> {
  // Half-way from light to dark nothing has the contrast that it is meant to have.
  await page.evaluate(
    'Promise.allSettled(document.getAnimations().filter((each) => each instanceof CSSTransition).map((each) => each.finished))',
  );
  await page.evaluate(AXE);
  const found = await page.evaluate(
    `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.map((violation) =>
      violation.id + ': ' + violation.help + ' ' + violation.nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(' | ')))`,
  );
  return found as string[];
}

/** Nothing loads any more. (The network is never idle: the stream of changes stays open.) */
export async function settled(page: Page): Promise<void> {
  await expect.poll(() => page.locator('.mantine-Loader-root').count(), { timeout: 30_000 }).toBe(0);
}
