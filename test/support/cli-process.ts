import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

/** A command as a person runs it, in a process of its own, on the embedded PostgreSQL of `directory`. */
export class CliProcess {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly ended: Promise<number | null>;

  constructor(args: string[], directory: string, variables: Record<string, string> = {}) {
    const { DATABASE_URL: _database, ...environment } = process.env;
    this.child = spawn(process.execPath, [CLI, ...args], {
      cwd: directory,
      env: { ...environment, SNAPAUDIT_DATA_DIR: directory, NO_COLOR: '1', ...variables },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    this.ended = new Promise((resolve) => this.child.on('close', (code) => resolve(code)));
  }

  async until(text: RegExp): Promise<void> {
    await expect.poll(() => this.stdout + this.stderr, { timeout: 150_000, interval: 50 }).toMatch(text);
  }
}

/** Whether the process lives that wrote this pid file; a clean end takes the file away. */
export async function isAlive(pidFile: string): Promise<boolean> {
  const pid = Number((await readFile(pidFile, 'utf8').catch(() => '')).split('\n')[0]);
  if (!pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
