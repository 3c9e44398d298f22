import { configDefaults, defineConfig, mergeConfig } from 'vitest/config';
import base, { LONG_TESTS } from './vitest.config.ts';

/** `npm run test:long`: kills, outages, hostile load, real time, and the pages in a real browser. */
const config = mergeConfig(base, defineConfig({ test: { maxWorkers: 2 } }));
config.test = { ...config.test, include: [LONG_TESTS], exclude: configDefaults.exclude };
export default config;
