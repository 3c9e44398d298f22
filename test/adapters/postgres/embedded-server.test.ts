import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type EmbeddedServer,
  EmbeddedServerError,
  startEmbeddedServer,
} from '../../../src/adapters/postgres/embedded-server.ts';

const MODULE = new URL('../../../src/adapters/postgres/embedded-server.ts', import.meta.url).href;
const isRoot = process.getuid?.() === 0;
const directories: string[] = [];

function temporaryDirectory(mode = 0o755): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'snapaudit-embedded-'));
  chmodSync(directory, mode);
  directories.push(directory);
  return directory;
}

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

const start = (dataDir: string) => startEmbeddedServer({ dataDir, volatile: true });
const postmasterPid = (dataDir: string) =>
  Number(readFileSync(path.join(dataDir, 'postgres-18', 'postmaster.pid'), 'utf8').split('\n')[0]);

describe('startEmbeddedServer', () => {
  it('keeps its data and its password over a restart, the password readable by its owner only', async () => {
    const dataDir = temporaryDirectory();
    const first = await start(dataDir);
    await query(first.url, 'create table kept as select 42 as answer');
    await first.stop();
    expect(statSync(path.join(dataDir, 'postgres.password')).mode & 0o777).toBe(0o600);

    const second = await start(dataDir);
    expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
    await second.stop();
  });

  it('listens on loopback only and refuses a wrong password', async () => {
    const server = await start(temporaryDirectory());
    expect(await query(server.url, 'show listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }]);
    const wrong = new URL(server.url);
    wrong.password = 'wrong';
    await expect(query(wrong.href, 'select 1')).rejects.toThrow(/password authentication failed/);
    await server.stop();
  });

  it('starts over the pid file that a killed server left behind', async () => {
    const dataDir = temporaryDirectory();
    const first = await start(dataDir);
    const pid = postmasterPid(dataDir);
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
    const second = await start(dataDir);
    expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await second.stop();
    await first.stop();
  });

  it('starts over a pid file whose number another process has got', async () => {
    const dataDir = temporaryDirectory();
    const pidFile = path.join(dataDir, 'postgres-18', 'postmaster.pid');
    const first = await start(dataDir);
    const pid = postmasterPid(dataDir);
    const left = readFileSync(pidFile, 'utf8');
    // As whom the server ran: pg_ctl looks at nothing else of a process.
    const { uid, gid } = statSync(pidFile);
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
    const other = await start(temporaryDirectory());
    const sleeper = spawn('sleep', ['60'], { uid, gid, stdio: 'ignore' });
    const numbers = [sleeper.pid!, postmasterPid(directories.at(-1)!)];
    try {
      for (const number of numbers) {
        writeFileSync(pidFile, left.replace(String(pid), String(number)));
        const second = await start(dataDir);
        expect(await query(second.url, 'show data_directory')).toEqual([
          { data_directory: path.join(dataDir, 'postgres-18') },
        ]);
        await first.stop();
        await second.stop();
      }
      expect(numbers.map(isAlive)).toEqual([true, true]);
    } finally {
      sleeper.kill();
      await other.stop();
    }
  });

  it('is one server for all who start it at once on an empty directory, and runs until the last one leaves', async () => {
    const dataDir = temporaryDirectory();
    const servers = await Promise.all([start(dataDir), start(dataDir), start(dataDir)]);
    expect(new Set(servers.map(({ url }) => url)).size).toBe(1);
    const [first, second, third] = servers as [EmbeddedServer, EmbeddedServer, EmbeddedServer];
    await first.stop();
    await first.stop();
    await second.stop();
    expect(await query(third.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await third.stop();
    await expect(query(third.url, 'select 1')).rejects.toThrow();
  });

  it('goes on for others when the process that started it ends, and one that was killed counts as nobody', async () => {
    const dataDir = temporaryDirectory();
    const starter = await startInProcess(dataDir);
    const server = await start(dataDir);
    starter.kill('SIGTERM');
    await once(starter, 'exit');
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);

    const killed = await startInProcess(dataDir);
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await server.stop();
    await expect(query(server.url, 'select 1')).rejects.toThrow();
  });

  it('is created though the process that began to create it was ended, and what that one started goes on', async () => {
    const dataDir = temporaryDirectory();
    const halves = async () => (await readdir(dataDir)).filter((name) => name.startsWith('postgres-18.new'));
    const ended = startProcess(dataDir);
    await expect.poll(halves, { timeout: 20_000, interval: 5 }).not.toEqual([]);
    ended.kill('SIGTERM');
    await once(ended, 'exit');
    // As initdb does that goes on: it writes where it had begun, and what is swept away meanwhile does not stay empty.
    const [half] = await halves();
    const writing = setInterval(() => {
      for (let number = 0; number < 20; number++) {
        mkdirSync(path.join(dataDir, half!, 'base', '1'), { recursive: true });
        writeFileSync(path.join(dataDir, half!, 'base', '1', String(number)), '');
      }
    }, 0);
    try {
      const server = await start(dataDir);
      expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
      await server.stop();
    } finally {
      clearInterval(writing);
    }
  });

  it('takes over the server that a killed process left behind', async () => {
    const dataDir = temporaryDirectory();
    const killed = await startInProcess(dataDir);
    const pid = postmasterPid(dataDir);
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    expect(isAlive(pid)).toBe(true);
    const server = await start(dataDir);
    expect(postmasterPid(dataDir)).toBe(pid);
    await server.stop();
    expect(isAlive(pid)).toBe(false);
  });

  it('is stopped by a process that ends without stopping it', async () => {
    const dataDir = temporaryDirectory();
    const ending = await startInProcess(dataDir);
    const pid = postmasterPid(dataDir);
    ending.kill('SIGTERM');
    await once(ending, 'exit');
    expect(isAlive(pid)).toBe(false);
  });

  it('says what is wrong and what to do when the server cannot start', async () => {
    const dataDir = temporaryDirectory();
    await (await start(dataDir)).stop();
    writeFileSync(path.join(dataDir, 'postgres-18', 'postgresql.conf'), 'no such setting');
    await expect(start(dataDir)).rejects.toThrow(EmbeddedServerError);
    await expect(start(dataDir)).rejects.toThrow(/postgresql\.conf.*set DATABASE_URL/s);
  });

  it.runIf(isRoot)('runs as root in a directory that its unprivileged user cannot enter', async () => {
    const server = await start(path.join(temporaryDirectory(0o700), 'data'));
    const [row] = (await query(server.url, 'show data_directory')) as { data_directory: string }[];
    expect(row?.data_directory).toMatch(/^\/var\/lib\/snapaudit\//);
    await server.stop();
    rmSync(path.dirname(row?.data_directory ?? ''), { recursive: true });
  });

  it.runIf(isRoot)('runs as root where nobody else may enter what root creates', async () => {
    const before = process.umask(0o077);
    try {
      const server = await start(path.join(temporaryDirectory(0o700), 'data'));
      const [row] = (await query(server.url, 'show data_directory')) as { data_directory: string }[];
      await server.stop();
      rmSync(path.dirname(row?.data_directory ?? ''), { recursive: true });
    } finally {
      process.umask(before);
    }
  });

  it.runIf(isRoot)('runs as an ordinary user', () => {
    const dataDir = temporaryDirectory();
    const nobody = 65_534;
    chownSync(dataDir, nobody, nobody);
    const script = `
      import { startEmbeddedServer } from '${MODULE}';
      const server = await startEmbeddedServer({ dataDir: '${dataDir}', volatile: true });
      console.log('started as', process.getuid());
      await server.stop();
    `;
    const result = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      uid: nobody,
      gid: nobody,
      encoding: 'utf8',
      env: { ...process.env, HOME: dataDir },
    });
    expect(result.stdout + result.stderr).toContain(`started as ${nobody}`);
  });
});

/** Another process that uses the server until it is told to end, which it does without stopping it. */
async function startInProcess(dataDir: string): Promise<ChildProcess> {
  const child = startProcess(dataDir);
  await once(child.stdout!, 'data');
  return child;
}

function startProcess(dataDir: string): ChildProcess {
  const script = `
    import { startEmbeddedServer } from '${MODULE}';
    process.on('SIGTERM', () => process.exit(0));
    await startEmbeddedServer({ dataDir: '${dataDir}', volatile: true });
    console.log('started');
    setInterval(() => {}, 1_000);
  `;
  return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** A zombie that nobody has reaped yet counts as dead. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
