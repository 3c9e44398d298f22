import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { LIVE_LIMITS } from '../../../src/adapters/live/live-limits.ts';

it("the README's table of permissions names every action that is ever called, and no other", async () => {
  const readme = await readFile(new URL('../../../README.md', import.meta.url), 'utf8');
  const table = /<!-- permissions:begin -->([\s\S]*)<!-- permissions:end -->/.exec(readme)![1]!;
  const named = [...table.matchAll(/`live:(\w+)`/g)].map(([, action]) => action);
  expect(named.sort()).toEqual(Object.keys(LIVE_LIMITS).sort());
});
