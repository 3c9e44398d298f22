import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const SCRIPT = new URL('../support/judge-process.ts', import.meta.url).pathname;

/** In a process of its own, whose heap has no room for the lines of the larger file. */
async function judged(captures: number): Promise<{ ok: number; untold: number; peakMb: number }> {
  const heap = ['--max-old-space-size=40', '--max-semi-space-size=2'];
  const { stdout } = await promisify(execFile)(process.execPath, [...heap, SCRIPT, String(captures)]);
  return JSON.parse(stdout);
}

describe('judging an evidence file', () => {
  it('takes as much memory for four times as many lines', async () => {
    const small = await judged(25_000);
    const large = await judged(100_000);
    expect(small).toMatchObject({ ok: 24_750, untold: 250 });
    expect(large).toMatchObject({ ok: 99_000, untold: 1_000 });
    expect(large.peakMb / small.peakMb).toBeLessThan(1.4);
  }, 300_000);
});
