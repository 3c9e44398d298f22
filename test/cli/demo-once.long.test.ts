import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { CliProcess } from '../support/cli-process.ts';

const README = new URL('../../README.md', import.meta.url);
const WITHOUT_REJECTIONS = new URL('../support/without-rejections.ts', import.meta.url).href;
const FAULTS = 23;

/** A table's rows without what differs from run to run: the order, the time, and how many captures an outage or a beat takes. */
function rowsOf(table: string): string[] {
  const rows = table.split('\n').filter((line) => / {2,}/.test(line));
  return rows
    .map((row) =>
      row
        .replace(/\d\d:\d\d:\d\d/, '')
        .replace(/\d+ streams/, 'streams')
        .replace(/(?<=^(beat|receiver|callback url).*) × \d+/, '')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    )
    .sort();
}

// Both wait for most of their time, and neither knows of the other.
describe.concurrent('demo --once', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'snapaudit-demo-once-'));
    // The embedded PostgreSQL of root runs as another user, who must get in.
    await chmod(directory, 0o755);
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('finds every fault of its scenario and nothing else, as the README shows it', async ({ expect }) => {
    const run = new CliProcess(['demo', '--once'], directory);
    expect([await run.ended, run.stdout.split('\n').at(-2)], run.stdout).toEqual([
      0,
      `${FAULTS} of ${FAULTS} faults found, 0 false alarms`,
    ]);
    const shown = /<!-- demo:begin -->([\s\S]*)<!-- demo:end -->/.exec(await readFile(README, 'utf8'))![1]!;
    expect(rowsOf(run.stdout)).toHaveLength(FAULTS + 1);
    expect(rowsOf(shown)).toEqual(rowsOf(run.stdout));
  }, 300_000);

  it('ends with 1 where one kind of fault is no longer found, and says which', async ({ expect }) => {
    const run = new CliProcess(['demo', '--once'], directory, { NODE_OPTIONS: `--import ${WITHOUT_REJECTIONS}` });
    const exitCode = await run.ended;
    expect(run.stdout).toMatch(/^callback badly signed × 2 +NOT FOUND/m);
    expect(run.stdout).toMatch(new RegExp(`^${FAULTS - 1} of ${FAULTS} faults found, [12] false alarms$`, 'm'));
    expect(exitCode).toBe(1);
  }, 360_000);
});
