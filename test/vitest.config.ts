import { configDefaults, defineConfig } from 'vitest/config';

/** `npm test`: everything but what takes its time (kills, outages, load, browsers), which is `npm run test:long`. */
export const LONG_TESTS = 'test/**/*.long.test.ts';

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, LONG_TESTS],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Most of the time of a test is waiting.
    maxWorkers: 3,
  },
});
