import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { isInstalled } from '../support/is-installed.ts';

const PROGRAM = fileURLToPath(new URL('./ingest.ts', import.meta.url));

/** It fails where what was answered is not what was stored. */
async function bench(...args: string[]): Promise<Record<string, unknown>> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...[PROGRAM, '--json', '--rounds', '1', '--seconds', '1', ...args],
  ]);
  return JSON.parse(stdout) as Record<string, unknown>;
}

const RATES = { rps: expect.any(Number), p50Ms: expect.any(Number), p99Ms: expect.any(Number) };
const FIGURES = {
  bareExpress: RATES,
  plainInsert: RATES,
  snapaudit: RATES,
  paced: RATES,
  ratioToBare: expect.any(Number),
  ratioToPlain: expect.any(Number),
};

describe('bench:ingest', () => {
  it('measures rates and storage, sent by autocannon', async () => {
    const figures = await bench('--generator', 'autocannon', '--rows', '20000');
    expect(figures).toMatchObject({
      ...FIGURES,
      generator: 'autocannon',
      bytesPerCapture: { hot: expect.any(Number), sealed: expect.any(Number) },
    });
  }, 180_000);

  const wrk = isInstalled('wrk');
  it.skipIf(!wrk)(
    `measures rates, sent by wrk${wrk ? '' : ' (skipped: not installed: wrk)'}`,
    async () => {
      const figures = await bench('--skip-storage');
      expect(figures).toMatchObject({ ...FIGURES, generator: 'wrk', bytesPerCapture: null });
    },
    180_000,
  );
});
