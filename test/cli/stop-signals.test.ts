import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CliProcess, isAlive } from '../support/cli-process.ts';

describe('a command on the embedded PostgreSQL that is told to stop', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'snapaudit-signals-'));
    // The embedded PostgreSQL of root runs as another user, who must get in.
    await chmod(directory, 0o755);
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)(
    'by %s ends with %d and leaves no PostgreSQL behind',
    async (signal, code) => {
      const pidFile = path.join(directory, 'postgres-18', 'postmaster.pid');
      const run = new CliProcess(['streams'], directory);
      await expect.poll(() => readFile(pidFile).catch(() => null), { timeout: 60_000, interval: 10 }).not.toBeNull();
      run.child.kill(signal);
      expect(await run.ended).toBe(code);
      expect(await isAlive(pidFile)).toBe(false);
    },
    120_000,
  );
});
